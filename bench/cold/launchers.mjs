// Measures the time to run a trivial guest from a shell, by launcher.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import { median } from '../median.mjs';
import { underNodeWasi } from '../node-wasi.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const ROOT = here('../..');
const HELLO = here('../../__test__/guests/hello.wasm');

/** The command lines, by name. Those that are not installed are left out. */
const LAUNCHERS = {
  'node with node:wasi': [process.execPath, ...underNodeWasi(HELLO, ['hello'])],
  'wasi-rs hello.wasm': [process.execPath, here('../../bin/wasi-rs.js'), HELLO],
  'npx wasi-rs hello.wasm': ['npx', '--no', '--', 'wasi-rs', HELLO],
  'wasmtime run hello.wasm': ['wasmtime', 'run', HELLO],
};

function isThere([file]) {
  const { error } = spawnSync(file, ['--version'], { stdio: 'ignore' });
  return error === undefined;
}

/** The milliseconds from the start of a process to its exit. */
async function timeOf([file, ...args]) {
  const start = performance.now();
  const child = spawn(file, args, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${status}`);
  return performance.now() - start;
}

/**
 * Measures the launchers in turn.
 *
 * @param {number} rounds
 * @returns {Promise<object[]>} a row for each launcher
 */
export async function launchers(rounds) {
  const all = Object.entries(LAUNCHERS).filter(([, line]) => isThere(line));
  const times = all.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [, line]] of all.entries()) {
      times[index].push(await timeOf(line));
    }
  }
  return all.map(([name], index) => ({
    'started by': name,
    'process start to end': `${median(times[index]).toFixed(1)} ms`,
    least: `${Math.min(...times[index]).toFixed(1)} ms`,
  }));
}
