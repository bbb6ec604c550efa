// People in a real browser with a virtual authenticator: the first administrator, log-in, roles, approval of a recall.
// Run by `npm run e2e`; BONGSU_BIN names the binary, CHROMIUM the browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';

import { launch, live } from './browser.mjs';
import { binary } from './demo.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const data = mkdtempSync(join(tmpdir(), 'bongsu-e2e-people-'));
let browser;
let node;
let ally;
let context;
let page;
let origin;
let violations = 0;

/** A node of its own, until `stop`. */
async function serve(name, country) {
  const args = ['serve', '--data', join(data, name), '--name', name, '--title', name, '--country', country];
  args.push('--listen', '127.0.0.1:0', '--link-listen', '127.0.0.1:0', '--format', 'ndjson');
  const child = spawn(binary(), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const said = await new Promise((done, failed) => {
    child.once('exit', (code) => failed(new Error(`the node ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (line) => done(JSON.parse(line)));
  });
  const stop = () =>
    new Promise((done) => {
      child.removeAllListeners('exit');
      child.once('exit', done);
      child.kill('SIGTERM');
    });
  return { ...said, stop };
}

/** What the officer of the other node does, without a browser. */
async function officer(at) {
  const entered = await fetch(at.enter, { redirect: 'manual' });
  const headers = { cookie: entered.headers.getSetCookie()[0].split(';')[0], 'x-bongsu': '1', 'content-type': 'application/json' };
  return async (path, body) => {
    const answer = await fetch(at.url + path, body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, json: await answer.json() };
  };
}

/** The same at the node of the browser. */
const here = (path, body) =>
  page.evaluate(
    async ([path, body]) => {
      const headers = { 'x-bongsu': '1', 'content-type': 'application/json' };
      const answer = await fetch(path, body === undefined ? {} : { headers, method: 'POST', body: JSON.stringify(body) });
      return { status: answer.status, json: await answer.json() };
    },
    [path, body],
  );

/** Asks until the answer is what is waited for. */
async function until(ask) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await ask();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come');
}

before(async () => {
  node = await serve('seoul', 'KOR');
  const other = await serve('washington', 'USA');
  ally = { ...other, ask: await officer(other) };
  origin = node.url.replace('127.0.0.1', 'localhost');
  browser = await launch();
  context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.on('console', (message) => (violations += message.text().includes('Content Security Policy') ? 1 : 0));
  // The page's own authenticator, as CDP's WebAuthn domain gives it: a passkey that verifies its person.
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
});

after(async () => {
  await browser?.close();
  await node?.stop();
  await ally?.stop();
  rmSync(data, { recursive: true, force: true });
});

async function clean() {
  // By DevTools, which the page's policy does not bind.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
  assert.deepEqual(found, []);
}

async function add(name, roles) {
  await page.goto(`${origin}/#/account`);
  await page.locator('#new-name').fill(name);
  const form = page.locator('form', { has: page.locator('#new-name') });
  for (const role of roles) await form.getByTestId(`role-${role}`).check();
  await page.getByTestId('account-add').click();
  return page.getByTestId('enrol-link').textContent();
}

describe('people', () => {
  it('are led from the first link to the name under which passkeys work', async () => {
    await page.goto(node.enter);
    await live(page);
    await page.getByTestId('who').click();
    await page.getByText('This node has no administrator yet').first().waitFor();
    await clean();
    // While the first door is open: a peer, for later.
    const introduced = await here('/api/peers', { card: (await ally.ask('/api/card')).json, clearance: 'SECRET' });
    assert.equal(introduced.status, 201, JSON.stringify(introduced));
    const card = (await here('/api/card')).json;
    assert.equal((await ally.ask('/api/peers', { card, clearance: 'SECRET' })).status, 201);
    await page.getByTestId('move').click();
    await page.waitForURL(`${origin}/**`);
    await live(page);
  });

  it('begin with an administrator, whose passkey closes the first door', async () => {
    await page.goto(`${origin}/#/account`);
    const link = await add('chief', ['analyst', 'release-officer', 'administrator']);
    assert.ok(link.startsWith(`${origin}/enter?token=`), link);
    await page.goto(link);
    await page.getByText('Register a passkey to come in').waitFor();
    await page.locator('#passkey-title').fill('first key');
    await page.getByTestId('passkey-add').click();
    await live(page);
    assert.match(await page.getByTestId('who').textContent(), /chief/);
    const stranger = await browser.newContext();
    const first = await stranger.newPage();
    const answer = await first.goto(`${origin}/`);
    assert.equal(answer.status(), 401);
    await first.waitForURL('**/login');
    await stranger.close();
  });

  it('log out, and in again by passkey', async () => {
    await page.getByRole('button', { name: 'End session' }).click();
    await page.getByRole('heading', { name: 'No session' }).waitFor();
    await page.goto(`${origin}/login`);
    await page.getByRole('button', { name: 'Log in with a passkey' }).waitFor();
    await clean();
    await page.getByRole('button', { name: '한국어' }).click();
    await page.getByRole('button', { name: '패스키로 로그인' }).waitFor();
    await clean();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('button', { name: 'Log in with a passkey' }).click();
    await live(page);
  });

  it('approve a recall by passkey', async () => {
    await page.getByTestId('post-report').click();
    await page.locator('#report-title').fill('To be taken back');
    await page.getByTestId('report-send').click();
    await page.locator('[data-testid=arrival]', { hasText: 'To be taken back' }).first().waitFor();
    const found = await page.evaluate(async () => (await (await fetch('/api/findings')).json()).items[0].id);
    await page.goto(`${origin}/#/finding/${found}`);
    await page.getByTestId('recall').click();
    await page.getByText('Your passkey approves this recall').waitFor();
    await page.getByTestId('recall-reason').fill('by mistake');
    await page.getByTestId('recall-confirm').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const act = await page.evaluate(async () => (await (await fetch('/api/acts')).json()).items[0]);
    assert.deepEqual([act.kind, act.by, act.approved], ['recall', 'chief', true]);
  });

  it('try, propose and sign a policy by passkey, and nobody signs twice', async () => {
    await page.goto(`${origin}/#/policy`);
    await page.getByText('No national policy is in force').waitFor();
    await page.locator('#policy-name').fill('kor');
    await page.locator('#policy-text').fill('permit(principal, action, resource);');
    await page.getByTestId('draft-try').click();
    await page.locator('[data-testid=dry-run][data-state=whole]').waitFor();
    await clean();
    await page.getByTestId('policy-propose').click();
    await page.locator('[data-testid=policy][data-version="1"]').waitFor();
    await page.getByTestId('policy-try').click();
    await page.locator('[data-testid=dry-run][data-state=whole]').waitFor();
    await page.getByTestId('policy-sign').click();
    await page.getByText('1 of 2: chief').waitFor();
    assert.equal(await page.getByTestId('policy-sign').count(), 0);
    assert.equal(await page.getByTestId('policy-apply').count(), 0);
    await page.getByRole('button', { name: '한국어: switch to Korean' }).click();
    await page.getByText('2명 중 1명: chief').waitFor();
    await clean();
    await page.getByRole('button', { name: 'English' }).click();
    const act = await page.evaluate(async () => (await (await fetch('/api/acts')).json()).items[0]);
    assert.deepEqual([act.kind, act.detail, act.approved], ['policy', 'signed policy/kor/1', true]);
  });

  it('answer by passkey whether an item may go on', async () => {
    const marking = { level: 'RESTRICTED', rel_to: ['USA'], caveats: [], originator: 'KOR' };
    const report = await here('/api/reports', { title: 'For one ally', severity: 2, confidence: 'moderate', marking });
    assert.equal(report.status, 201, JSON.stringify(report));
    const entry = report.json.entry;
    await until(async () => (await ally.ask(`/api/findings/${entry}`)).status === 200);
    const asked = await ally.ask(`/api/entries/${entry}/request-release`, { audience: 'seoul', reason: 'The watch there needs it' });
    assert.equal(asked.status, 201, JSON.stringify(asked));
    await page.goto(`${origin}/#/sharing`);
    const row = page.getByTestId('request');
    await row.getByText('The watch there needs it').waitFor();
    await row.getByTestId('request-answer').click();
    await page.getByText('Your passkey approves this answer').waitFor();
    await clean();
    await page.getByTestId('answer-hours').fill('0');
    await page.getByTestId('answer-grant').click();
    await page.getByText('Above 0 and at most').waitFor();
    await page.getByTestId('answer-hours').fill('1.5');
    await page.getByTestId('answer-grant').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('[data-testid=request][data-state=granted]').waitFor();
    const state = async () => (await ally.ask('/api/release-requests')).json.items[0].state;
    await until(async () => (await state()) === 'granted');
    const act = (await here('/api/acts')).json.items[0];
    assert.deepEqual([act.kind, act.by, act.approved], ['release_answered', 'chief', true]);
    // What was granted is taken back by another answer.
    await row.getByTestId('request-answer').click();
    await page.getByTestId('answer-refuse').click();
    await page.locator('[data-testid=request][data-state=refused]').waitFor();
    await until(async () => (await state()) === 'refused');
    await clean();
    await page.getByRole('button', { name: '한국어: switch to Korean' }).click();
    await page.getByRole('heading', { name: '항목 전달 요청' }).waitFor();
    await clean();
    await page.getByRole('button', { name: 'English' }).click();
  });

  it('search, by the keyboard too', async () => {
    await page.goto(`${origin}/#/search`);
    await page.locator('#search-words').fill('taken back');
    await page.locator('#search-words').press('Enter');
    await page.waitForURL('**/#/search?q=taken%20back');
    await page.getByText('Nothing was found').waitFor();
    await page.getByRole('heading', { name: 'Search' }).click();
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.waitForURL('**/#/policy');
  });

  it('see who they are, and administrators see accounts and acts', async () => {
    await page.goto(`${origin}/#/account`);
    await page.getByRole('heading', { name: 'Acts' }).waitFor();
    await page.getByRole('cell', { name: 'first start closed' }).waitFor();
    await clean();
    await page.getByRole('button', { name: '한국어: switch to Korean' }).click();
    await page.getByRole('heading', { name: '행위 기록' }).waitFor();
    await clean();
    await page.getByRole('button', { name: 'English' }).click();
  });

  it('are shown only what their role allows', async () => {
    const link = await add('watcher', ['observer']);
    await page.goto(link);
    await page.getByTestId('passkey-add').click();
    await live(page);
    assert.match(await page.getByTestId('roles').textContent(), /^observer$/);
    assert.equal(await page.getByTestId('post-report').count(), 0);
    assert.equal(await page.getByRole('link', { name: 'Sharing' }).count(), 0);
    await page.goto(`${origin}/#/sharing`);
    await page.getByText('Your roles do not allow this').waitFor();
    await page.goto(`${origin}/#/account`);
    assert.equal(await page.getByRole('heading', { name: 'Acts' }).count(), 0);
    assert.equal(await page.evaluate(async () => (await fetch('/api/acts')).status), 403);
    await clean();
    assert.equal(violations, 0);
  });
});
