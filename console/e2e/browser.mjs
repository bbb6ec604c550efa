// A browser whose every request, console message and policy violation is kept for the last test to judge.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (!executablePath) throw new Error('no Chromium; hint: apt-get install chromium, or set CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-renderer-backgrounding',
      '--disable-backgrounding-occluded-windows',
    ],
  });
}

export const seen = { requests: new Set(), errors: [], violations: [] };

/** Answers that a test asks for on purpose and that Chromium reports as errors. */
const expected = [];
export const expectError = (pattern) => expected.push(pattern);
export const unexpectedErrors = () => seen.errors.filter((text) => !expected.some((pattern) => pattern.test(text)));

const cookies = new Map();

/** A browser profile of its own, let in at the node, with the language and theme chosen. */
export async function enter(browser, node, { language = 'en', theme = 'dark', size = [1440, 900], still = true } = {}) {
  const context = await browser.newContext({
    viewport: { width: size[0], height: size[1] },
    reducedMotion: still ? 'reduce' : 'no-preference',
    locale: language === 'ko' ? 'ko-KR' : 'en-GB',
  });
  await context.addInitScript(
    ([chosenLanguage, chosenTheme]) => {
      localStorage.setItem('bongsu.language', chosenLanguage);
      localStorage.setItem('bongsu.theme', chosenTheme);
      window.policyViolations = [];
      document.addEventListener('securitypolicyviolation', (event) => {
        window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
      });
    },
    [language, theme],
  );
  const page = await context.newPage();
  page.on('request', (request) => seen.requests.add(new URL(request.url()).origin));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      seen.errors.push(`${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => seen.errors.push(`uncaught: ${error.stack ?? error.message}`));
  // An entry link works once: the first visitor's cookie lets the others in.
  const known = cookies.get(node.url);
  if (known) await context.addCookies(known);
  await page.goto(known ? node.url : node.enter);
  if (!known) cookies.set(node.url, await context.cookies(node.url));
  await live(page);
  return page;
}

export async function live(page) {
  await page.locator('[data-testid=live-state][data-state=live]').waitFor();
}

export async function noteViolations(page) {
  seen.violations.push(...(await page.evaluate(() => window.policyViolations)));
}
