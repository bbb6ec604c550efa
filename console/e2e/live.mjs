// The console against two real nodes: what Seoul posts appears on Washington's open page, and what it withholds or recalls does not.
// Run by `npm run e2e`; BONGSU_BIN names the binary, CHROMIUM the browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';

import { enter, expectError, launch, live, noteViolations, seen, unexpectedErrors } from './browser.mjs';
import { startDemo } from './demo.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const STAMP = Date.now().toString(36);
const SHARED = `Uplink jamming reported near Daejeon ${STAMP}`;
const KEPT = `Kept at home ${STAMP}`;
const FENCE = `Second report ${STAMP}`;
/** An item must be visible well under a second after it was committed; a loaded machine of two cores gets some room. */
const LATENCY_LIMIT_MS = 2000;

let demo;
let browser;
let seoul;
let washington;
/** Entry ids by title. */
const ids = {};

before(async () => {
  demo = await startDemo();
  browser = await launch();
  seoul = await enter(browser, demo.nodes.seoul);
  washington = await enter(browser, demo.nodes.washington);
});

after(async () => {
  await browser?.close();
  const code = await demo?.stop();
  if (demo) assert.equal(code, 0, 'the demo ends with 0 when it is asked to stop');
});

const at = (node, hash) => `${demo.nodes[node].url}/${hash}`;
/** Finding arrivals only: a report also opens an incident of the same title. */
const arrival = (page, title) =>
  page.locator('[data-testid=arrival]', { hasText: title }).filter({ has: page.locator('a[href^="#/finding/"]') });

async function api(page, path) {
  const response = await page.request.get(new URL(path, page.url()).href);
  return { status: response.status(), text: await response.text() };
}

async function post(page, title, countries) {
  await page.getByTestId('post-report').click();
  await page.locator('#report-title').fill(title);
  await page.locator('#report-text').fill('Text of the report.');
  await page.locator('input[name=severity][value="3"]').check();
  for (const country of countries) await page.getByTestId(`rel-${country}`).check();
  await page.getByTestId('report-send').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await arrival(page, title).first().waitFor();
  return arrival(page, title).first().getAttribute('data-entry');
}

describe('the watch page', () => {
  it('names the node, is live and lists what is there', async () => {
    assert.equal(await seoul.title(), 'Seoul · Watch — Bongsu');
    assert.equal(await washington.title(), 'Washington · Watch — Bongsu');
    await seoul.getByTestId('incident').first().waitFor();
    await seoul.getByTestId('approach').first().waitFor();
    await washington.getByTestId('incident').first().waitFor();
    await washington.getByTestId('approach').first().waitFor();
  });

  it('draws the whole catalogue at Seoul', async () => {
    await seoul.waitForFunction(() => Number(document.querySelector('[data-testid=globe]').dataset.objects) > 10_000);
  });

  it('opens on the screened day, and draws nothing where the elements are too old', async () => {
    assert.match(await seoul.getByTestId('time').textContent(), /^2026-03-1[01] /);
    assert.match(await washington.getByTestId('time').textContent(), /^2026-03-1[01] /);
    await seoul.goto(at('seoul', '#/watch?t=2030-01-01T00:00:00Z'));
    await seoul.getByText('no object is drawn').waitFor();
    await seoul.waitForFunction(() => document.querySelector('[data-testid=globe]').dataset.objects === '0');
    await seoul.getByRole('button', { name: 'Span of the approaches' }).click();
    await seoul.waitForFunction(() => Number(document.querySelector('[data-testid=globe]').dataset.objects) > 10_000);
  });

  it('asks for nothing while nothing happens', async () => {
    await seoul.waitForTimeout(1500);
    const asked = [];
    const listen = (request) => asked.push(request.url());
    seoul.on('request', listen);
    await seoul.waitForTimeout(3000);
    seoul.off('request', listen);
    assert.deepEqual(asked, []);
  });

  it('moves time when played, and satellites with it', async () => {
    const clock = () => seoul.getByTestId('time').textContent();
    const [from, picture] = [await clock(), await seoul.locator('canvas').first().screenshot()];
    await seoul.getByRole('button', { name: 'Play' }).click();
    await seoul.waitForFunction((text) => document.querySelector('[data-testid=time]').textContent !== text, from);
    await seoul.waitForTimeout(500);
    await seoul.getByRole('button', { name: 'Pause' }).click();
    assert.notEqual(await clock(), from);
    assert.ok(!picture.equals(await seoul.locator('canvas').first().screenshot()));
    assert.match(seoul.url(), /t=\d{4}-/);
  });

  it('shows a chosen approach, keeps it over a reload and lets go of it with the back button', async () => {
    await seoul.getByTestId('approach').first().click();
    await seoul.getByTestId('selected').waitFor();
    const chosen = await seoul.getByTestId('selected').locator('strong').textContent();
    await seoul.reload();
    await live(seoul);
    await seoul.getByTestId('selected').waitFor();
    assert.equal(await seoul.getByTestId('selected').locator('strong').textContent(), chosen);
    await seoul.goBack();
    await seoul.getByTestId('selected').waitFor({ state: 'detached' });
  });
});

describe('a report', () => {
  it('is not sent while something is wrong with it', async () => {
    await seoul.getByTestId('post-report').click();
    await seoul.locator('#report-relOther').fill('Korea');
    await seoul.getByTestId('report-send').click();
    assert.equal(await seoul.locator('dialog [role=alert] li').count(), 2);
    assert.equal(await seoul.locator('#report-title').getAttribute('aria-invalid'), 'true');
    await seoul.keyboard.press('Escape');
    await seoul.locator('dialog').waitFor({ state: 'detached' });
  });

  it('posted at Seoul appears on the open page at Washington by itself, with its latency', async (test) => {
    await washington.evaluate(() => (window.sameDocument = true));
    ids[SHARED] = await post(seoul, SHARED, ['USA']);
    const row = arrival(washington, SHARED);
    await row.waitFor();
    await row.locator('[data-testid=latency][data-ms]').waitFor();
    assert.equal(await washington.evaluate(() => window.sameDocument), true, 'no reload');
    assert.equal(await row.count(), 1, 'shown once');
    assert.equal(await row.getAttribute('data-entry'), ids[SHARED], 'the same entry');
    const latency = Number(await row.getByTestId('latency').getAttribute('data-ms'));
    const own = Number(await arrival(seoul, SHARED).getByTestId('latency').getAttribute('data-ms'));
    test.diagnostic(`visible at Seoul ${own} ms and at Washington ${latency} ms after commit`);
    assert.match(await row.getByTestId('latency').textContent(), /^visible \d+(\.\d)? (ms|s) after commit$/);
    assert.ok(latency >= 0 && latency < LATENCY_LIMIT_MS, `${latency} ms`);
  });

  it('is in the list of reports at Washington as well', async () => {
    await washington.getByRole('link', { name: /^Reports/ }).click();
    await washington.locator('[data-testid=report]', { hasText: SHARED }).waitFor();
  });

  it('verifies at both nodes, check by check', async () => {
    for (const [page, node] of [
      [seoul, 'seoul'],
      [washington, 'washington'],
    ]) {
      await page.goto(at(node, `#/finding/${ids[SHARED]}`));
      await page.getByRole('heading', { level: 1, name: SHARED }).waitFor();
      await page.getByTestId('verify').first().click();
      await page.locator('[data-testid=verdict][data-ok=true]').waitFor();
      assert.ok((await page.locator('[data-testid=verdict] li').count()) >= 4);
      await page.getByRole('button', { name: 'Envelope and proof' }).click();
      await page.getByText('Signed checkpoint').waitFor();
    }
    assert.equal(await washington.getByTestId('recall').count(), 0, 'only the owner recalls');
    await seoul.goto(at('seoul', '#/watch'));
    await washington.goto(at('washington', '#/watch'));
  });

  it('released to nobody leaves no trace at Washington', async () => {
    ids[KEPT] = await post(seoul, KEPT, []);
    // What is posted after it arrives: by then the withheld one would have.
    ids[FENCE] = await post(seoul, FENCE, ['USA']);
    await arrival(washington, FENCE).waitFor();
    await washington.waitForTimeout(1000);
    assert.ok(!(await washington.content()).includes(KEPT));
    for (const path of ['/api/findings?limit=200', '/api/incidents?limit=100', '/api/overview', '/api/peers', '/api/feeds', '/api/jobs']) {
      const { text } = await api(washington, path);
      assert.ok(!text.includes(KEPT) && !text.includes(ids[KEPT]), path);
    }
    assert.equal((await api(washington, `/api/entries/${ids[KEPT]}`)).status, 404);
    assert.equal((await api(washington, `/api/findings/${ids[KEPT]}`)).status, 404);
  });

  it('withheld is listed at Seoul with its rule and the field that decided', async () => {
    await seoul.goto(at('seoul', '#/sharing/washington?tab=withheld'));
    const row = seoul.locator(`[data-testid=withheld-item][data-entry="${ids[KEPT]}"]`);
    await row.waitFor();
    assert.match(await row.textContent(), /rel\.(empty|not_listed)/);
    assert.match(await row.textContent(), /rel_to/);
    await seoul.getByTestId('rule').first().waitFor();
  });

  it('recalled at Seoul disappears from the open page at Washington', async () => {
    await washington.goto(at('washington', '#/watch?tab=reports'));
    await washington.locator('[data-testid=report]', { hasText: SHARED }).waitFor();
    await washington.evaluate(() => (window.sameDocument = true));

    await seoul.goto(at('seoul', '#/sharing/washington'));
    const row = seoul.locator(`[data-testid=shared-item][data-entry="${ids[SHARED]}"]`);
    await row.getByRole('button').click();
    await seoul.getByTestId('recall-confirm').click();
    await seoul.locator('#recall-missing').waitFor();
    await seoul.getByTestId('recall-reason').fill('Sent in error');
    await seoul.getByTestId('recall-confirm').click();
    await seoul.locator('dialog').waitFor({ state: 'detached' });

    await washington.locator('[data-testid=report]', { hasText: SHARED }).waitFor({ state: 'detached' });
    await washington.waitForFunction((title) => !document.querySelector('main').textContent.includes(title), SHARED);
    assert.equal(await washington.evaluate(() => window.sameDocument), true, 'no reload');
    const { text } = await api(washington, '/api/findings?limit=200');
    assert.ok(!text.includes(SHARED));
    await seoul.locator(`[data-testid=shared-item][data-entry="${ids[SHARED]}"][data-state=recalled]`).waitFor();
    assert.equal(await seoul.locator(`[data-testid=shared-item][data-entry="${ids[FENCE]}"][data-state=acknowledged]`).count(), 1);
  });

  it('recalled says so at Washington to whoever kept its address', async () => {
    expectError(/404/);
    await washington.goto(at('washington', `#/finding/${ids[SHARED]}`));
    await washington.getByTestId('gone').waitFor();
    await washington.goto(at('washington', '#/watch'));
  });
});

describe('the other pages', () => {
  it('open an incident with its timeline, findings and measures', async () => {
    await seoul.goto(at('seoul', '#/watch'));
    await seoul.getByTestId('approach').first().waitFor();
    await seoul.getByTestId('incident').first().click();
    await seoul.getByRole('heading', { name: 'Timeline' }).waitFor();
    await seoul.getByTestId('finding').first().click();
    await seoul.getByRole('heading', { name: 'Evidence' }).waitFor();
    assert.match(seoul.url(), /#\/incident\/[0-9a-f]{64}\?f=/);
  });

  it('show the link as up and the counts of both directions', async () => {
    await seoul.goto(at('seoul', '#/sharing'));
    await seoul.locator('[data-testid=peer][data-peer=washington][data-state=up]').waitFor();
    await washington.goto(at('washington', '#/sharing'));
    await washington.locator('[data-testid=peer][data-peer=seoul][data-state=up]').waitFor();
    await washington.goto(at('washington', '#/watch'));
  });

  it('verify the whole record', async () => {
    await seoul.goto(at('seoul', '#/record'));
    await seoul.getByTestId('verify-record').click();
    await seoul.locator('[data-testid=record-verdict][data-ok=true]').waitFor({ timeout: 120_000 });
  });

  it('list feeds and jobs', async () => {
    await seoul.goto(at('seoul', '#/record?tab=feeds'));
    await seoul.locator('tbody tr').first().waitFor();
    await seoul.goto(at('seoul', '#/record?tab=jobs'));
    await seoul.locator('[data-testid=job][data-state=done]').first().waitFor();
  });
});

describe('the keyboard', () => {
  it('starts with a link to the content', async () => {
    await seoul.goto(at('seoul', '#/watch'));
    await seoul.reload();
    await live(seoul);
    await seoul.keyboard.press('Tab');
    assert.equal(await seoul.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await seoul.keyboard.press('Enter');
    assert.equal(await seoul.evaluate(() => document.activeElement.id), 'main');
  });

  it('goes to each page and opens the help', async () => {
    for (const [key, path] of [
      ['s', '#/sharing'],
      ['r', '#/record'],
      ['w', '#/watch'],
    ]) {
      await seoul.keyboard.press('g');
      await seoul.keyboard.press(key);
      await seoul.waitForURL((url) => url.hash.startsWith(path));
    }
    await seoul.keyboard.press('?');
    await seoul.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await seoul.keyboard.press('Escape');
    await seoul.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('walks a list with j and k and opens a row with Enter', async () => {
    await seoul.getByTestId('incident').nth(1).waitFor();
    const focused = () => seoul.evaluate(() => document.activeElement.closest('[data-index]')?.dataset.index);
    await seoul.keyboard.press('j');
    assert.equal(await focused(), '0');
    await seoul.keyboard.press('j');
    assert.equal(await focused(), '1');
    await seoul.keyboard.press('k');
    assert.equal(await focused(), '0');
    await seoul.keyboard.press('Enter');
    await seoul.waitForURL((url) => url.hash.startsWith('#/incident/'));
    await seoul.goBack();
    await seoul.getByTestId('incident').first().waitFor();
  });

  it('plays with space, and not while typing', async () => {
    await seoul.locator('main').focus();
    await seoul.keyboard.press('Space');
    await seoul.getByRole('button', { name: 'Pause' }).waitFor();
    await seoul.locator('main').focus();
    await seoul.keyboard.press('Space');
    await seoul.getByRole('button', { name: 'Play' }).waitFor();
    await seoul.getByRole('searchbox').focus();
    await seoul.keyboard.type('j g w?');
    assert.equal(await seoul.getByRole('searchbox').inputValue(), 'j g w?');
    await seoul.getByRole('searchbox').fill('');
  });

  it('reaches every control of the watch page by Tab, each with a visible focus', async () => {
    await seoul.reload();
    await live(seoul);
    await seoul.getByTestId('approach').first().waitFor();
    const reached = new Set();
    for (let step = 0; step < 150; step += 1) {
      await seoul.keyboard.press('Tab');
      const now = await seoul.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return null;
        const style = getComputedStyle(element);
        const visible = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        return { name: element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 60), visible };
      });
      if (!now) break;
      assert.ok(now.visible, `no visible focus on ${now.name}`);
      reached.add(now.name);
    }
    for (const name of ['Post a report', 'Now', 'Turn west', 'Zoom in', 'Time within the span', 'End session']) {
      assert.ok(reached.has(name), `${name} was not reached`);
    }
  });
});

describe('a broken stream', () => {
  it('is said on the page, and after it came back nothing is missing or doubled', async () => {
    const page = await enter(browser, demo.nodes.washington);
    await page.getByTestId('earlier').first().waitFor();
    expectError(/ERR_(FAILED|CONNECTION|INTERNET)/);
    await page.route('**/api/events', (route) => route.abort());
    await page.reload();
    await page.locator('[data-testid=live-state]:not([data-state=live])').waitFor();
    const title = `While the stream was down ${STAMP}`;
    await seoul.goto(at('seoul', '#/watch'));
    const id = await post(seoul, title, ['USA']);
    await page.unroute('**/api/events');
    await live(page);
    await page.locator(`[data-entry="${id}"]`).first().waitFor();
    await page.waitForTimeout(500);
    assert.equal(await page.locator(`[data-entry="${id}"]`).count(), 1);
    await page.context().close();
  });
});

async function axe(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const found = violations.map(
    (v) => `${v.id} (${v.impact}), ${v.nodes.length} times: ${v.nodes[0].html.slice(0, 200)}; ${v.nodes[0].failureSummary}`,
  );
  assert.equal(found.join('\n'), '', what);
}

describe('axe-core finds nothing', () => {
  for (const language of ['en', 'ko']) {
    for (const theme of ['dark', 'light']) {
      it(`in ${language}, ${theme}`, async () => {
        const page = await enter(browser, demo.nodes.seoul, { language, theme });
        assert.equal(await page.locator('html').getAttribute('lang'), language);
        await page.getByTestId('approach').first().waitFor();
        const incident = await page.getByTestId('incident').first().getAttribute('href');
        await page.getByTestId('approach').first().click();
        await page.getByTestId('selected').waitFor();
        await axe(page, 'watch');
        await page.goto(at('seoul', '#/watch?tab=reports'));
        await page.getByTestId('report').first().waitFor();
        await axe(page, 'reports');
        await page.goto(at('seoul', '#/watch?report=1'));
        await page.getByTestId('report-send').click();
        await page.locator('details summary').click();
        await axe(page, 'report form with errors');
        await page.goto(at('seoul', incident));
        await page.getByTestId('finding').first().click();
        await page.getByTestId('verify').nth(1).click();
        await page.getByTestId('verdict').waitFor();
        await page.locator('button[aria-expanded=false]').nth(0).click();
        await axe(page, 'incident');
        await page.goto(at('seoul', `#/finding/${ids[FENCE]}`));
        await page.getByTestId('recall').click();
        await axe(page, 'finding with the recall dialog');
        await page.keyboard.press('Escape');
        await axe(page, 'finding');
        await page.goto(at('seoul', '#/sharing'));
        await page.getByTestId('shared-item').first().waitFor();
        await axe(page, 'sharing');
        await page.goto(at('seoul', '#/sharing?tab=withheld'));
        await page.getByTestId('withheld-item').first().waitFor();
        await axe(page, 'withheld');
        for (const tab of ['log', 'feeds', 'jobs']) {
          await page.goto(at('seoul', `#/record?tab=${tab}`));
          await page.locator('main h2').first().waitFor();
          await page.waitForTimeout(200);
          await axe(page, `record, ${tab}`);
        }
        await page.keyboard.press('?');
        await axe(page, 'help');
        await page.context().close();
      });
    }
  }
});

describe('a narrow screen', () => {
  it('scrolls in one direction only, and axe-core finds nothing there either', async () => {
    const page = await enter(browser, demo.nodes.seoul, { size: [390, 844], theme: 'light' });
    for (const hash of ['#/watch', '#/sharing', '#/sharing?tab=withheld', '#/record', '#/record?tab=feeds', '#/record?tab=jobs', `#/finding/${ids[FENCE]}`]) {
      await page.goto(at('seoul', hash));
      await page.locator('main h2').first().waitFor();
      await page.waitForTimeout(300);
      assert.ok((await page.evaluate(() => document.querySelector('main').scrollWidth)) <= 390, hash);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, hash);
      await axe(page, hash);
    }
    await page.context().close();
  });
});

describe('through all of it', () => {
  it('no request left the two nodes, nothing was blocked and nothing failed', async () => {
    await noteViolations(seoul);
    await noteViolations(washington);
    const home = ['seoul', 'washington'].map((name) => new URL(demo.nodes[name].url).origin);
    assert.deepEqual([...seen.requests].filter((origin) => !home.includes(origin)), []);
    assert.deepEqual(seen.violations, []);
    assert.deepEqual(unexpectedErrors(), []);
  });

  it('ending the session shuts the door', async () => {
    expectError(/401/);
    await seoul.getByRole('button', { name: 'End session' }).click();
    await seoul.getByRole('heading', { name: 'No session' }).waitFor();
    assert.equal((await api(seoul, '/api/overview')).status, 401);
  });
});
