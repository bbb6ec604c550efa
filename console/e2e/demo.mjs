// Starts `bongsu demo` with its two nodes and gives their entry links; stops it and removes its data at the end.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const START_MS = 300_000;
const STOP_MS = 15_000;

export function binary() {
  const named = process.env.BONGSU_BIN;
  if (named) return resolve(named);
  const target = process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, '..', '..', 'target');
  const built = ['release', 'debug'].map((profile) => join(target, profile, 'bongsu')).filter((path) => existsSync(path));
  if (built.length === 0) {
    throw new Error(`no bongsu binary under ${target}; hint: run \`cargo build --release\` or set BONGSU_BIN`);
  }
  return built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

/** Resolves once both nodes have told where they are: {nodes: {seoul: {url, enter}, washington: ..}, stop}. */
export async function startDemo() {
  const data = mkdtempSync(join(tmpdir(), 'bongsu-e2e-'));
  const child = spawn(binary(), ['demo', '--data', data, '--format', 'ndjson'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-20_000)));
  const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));

  async function stop() {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const code = await ended;
    clearTimeout(timer);
    rmSync(data, { recursive: true, force: true });
    return code;
  }

  const nodes = {};
  const ready = new Promise((done) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      let document;
      try {
        document = JSON.parse(line);
      } catch {
        return;
      }
      if (document.schema === 'bongsu.demo-node/1') nodes[document.node] = document;
      if (nodes.seoul && nodes.washington) done('ready');
    });
  });
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, START_MS, 'late')));
  const outcome = await Promise.race([ready, late, ended.then((code) => `exit ${code}`)]);
  clearTimeout(timer);
  if (outcome !== 'ready') {
    await stop();
    throw new Error(`the demo did not come up (${outcome}):\n${said}`);
  }
  return { nodes, stop };
}
