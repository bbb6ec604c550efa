// Who gets in and who does not, and what an open page does when its node goes away and comes back.
// Run by `npm run e2e`; BONGSU_BIN names the binary, CHROMIUM the browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';

import { launch, live } from './browser.mjs';
import { binary } from './demo.mjs';

const data = mkdtempSync(join(tmpdir(), 'bongsu-e2e-session-'));
let browser;
/** Two nodes on one host: cookies do not tell their ports apart. */
let east;
let west;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function serve(name, port) {
  const args = ['serve', '--data', join(data, name), '--name', name, '--title', name, '--country', 'KOR'];
  args.push('--listen', `127.0.0.1:${port}`, '--link-listen', '127.0.0.1:0', '--format', 'ndjson');
  const child = spawn(binary(), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const said = await new Promise((done, failed) => {
    child.once('exit', (code) => failed(new Error(`${name} ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (line) => done(JSON.parse(line)));
  });
  const stop = () =>
    new Promise((done) => {
      child.removeAllListeners('exit');
      child.once('exit', done);
      child.kill('SIGTERM');
    });
  return { ...said, port, stop };
}

before(async () => {
  east = await serve('east', await freePort());
  west = await serve('west', await freePort());
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await Promise.all([east?.stop(), west?.stop()]);
  rmSync(data, { recursive: true, force: true });
});

const url = (node) => `http://127.0.0.1:${node.port}/`;

describe('the door', () => {
  let context;
  let page;
  before(async () => {
    context = await browser.newContext({ locale: 'en-GB' });
    page = await context.newPage();
  });

  it('is shut to a browser without a session, which is told how to get in', async () => {
    const answer = await page.goto(url(east));
    assert.equal(answer.status(), 401);
    await page.getByText('There is no session in this browser').waitFor();
    const data = await page.request.get(`${url(east)}api/overview`);
    assert.equal(data.status(), 401);
  });

  it('opens to a link that was followed on another site', async () => {
    await page.goto(`http://localhost:${west.port}/`);
    await page.evaluate((href) => (location.href = href), east.enter);
    await live(page);
    assert.equal(await page.title(), 'east · Watch — Bongsu');
  });

  it('keeps the sessions of two nodes on one host apart', async () => {
    const other = await context.newPage();
    await other.goto(west.enter);
    await live(other);
    for (const tab of [page, other]) {
      await tab.reload();
      await live(tab);
    }
    assert.match(await other.title(), /^west/);
    assert.match(await page.title(), /^east/);
    await other.getByRole('button', { name: 'End session' }).click();
    await other.getByRole('heading', { name: 'No session' }).waitFor();
    await page.reload();
    await live(page);
    await other.close();
  });

  it('lets nobody else in by a used link, and whoever is in stays in', async () => {
    const stranger = await browser.newContext();
    const strange = await stranger.newPage();
    const answer = await strange.goto(east.enter);
    assert.equal(answer.status(), 401);
    await strange.getByText('This link has been used').waitFor();
    await stranger.close();
    await page.goto(east.enter);
    await live(page);
  });

  it('stays open over a restart of the node, and the page comes back by itself', async () => {
    await page.evaluate(() => (window.sameDocument = true));
    await east.stop();
    await page.locator('[data-testid=live-state]:not([data-state=live])').waitFor();
    await page.getByText('The console keeps trying').waitFor();
    east = await serve('east', east.port);
    await live(page);
    assert.equal(await page.evaluate(() => window.sameDocument), true, 'no reload');
    await page.getByTestId('post-report').click();
    await page.locator('#report-title').fill('After the restart');
    await page.getByTestId('report-send').click();
    await page.locator('[data-testid=arrival]', { hasText: 'After the restart' }).first().waitFor();
  });

  it('closes every page of a session that ends', async () => {
    const other = await context.newPage();
    await other.goto(url(east));
    await live(other);
    await other.getByRole('button', { name: 'End session' }).click();
    await page.getByRole('heading', { name: 'No session' }).waitFor();
    await context.close();
  });
});
