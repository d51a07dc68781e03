// Guests with threads, for long: `npm run soak:threads -- --cycles 100000 --rounds 100000`.
// So many threads are spawned and joined, one after the other, in constant memory;
// and threads open, renumber and close the same numbers, so many times each. No
// descriptor may be another than it should be.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import wasiRs from '../index.js';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '100000' },
  },
});
const [cycles, rounds] = [Number(values.cycles), Number(values.rounds)];
if (!(cycles > 0 && rounds > 0)) {
  console.error('usage: npm run soak:threads -- [--cycles N] [--rounds N]');
  process.exit(64);
}

const THREADS = fileURLToPath(
  new URL('../__test__/guests/threads.wasm', import.meta.url),
);
/** Between two looks at how much memory there is. */
const PART = 10_000;
/** What memory may grow by from the first look on: a collector takes its time. */
const MOST_GROWTH = 64;

const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);

function fail(what) {
  console.error(`soak: ${what}`);
  process.exit(1);
}

/** Runs the guest, and looks at the memory of the process now and then. */
async function runAndLook(args, preopens, look) {
  const timer = setInterval(look, 1000);
  try {
    const options = { args, preopens, encoding: 'utf8', threads: { max: 8 } };
    return (await wasiRs.run(THREADS, options)).stdout.trim();
  } finally {
    clearInterval(timer);
  }
}

const seen = [];
const start = Date.now();
const counted = await runAndLook(['cycles', String(cycles)], {}, () =>
  seen.push(megabytes()),
);
if (counted !== String(cycles)) fail(`${counted} cycles`);
const seconds = (Date.now() - start) / 1000;
const settled = seen.slice(Math.floor(seen.length / 4));
const growth = Math.max(...settled, 0) - Math.min(...settled, Infinity);
console.log(
  `${cycles} threads spawned and joined in ${seconds.toFixed(1)} s, ` +
    `${((seconds * 1e6) / cycles).toFixed(0)} µs each; ` +
    `${seen.at(Math.floor(seen.length / 4))} MB, then ${seen.at(-1)} MB`,
);
if (cycles >= PART && growth > MOST_GROWTH) fail(`memory grew by ${growth} MB`);

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-soak-'));
const raced = await runAndLook(
  ['race', '4', String(rounds)],
  { '/data': directory },
  () => {},
);
fs.rmSync(directory, { recursive: true });
console.log(raced);
if (raced !== `${4 * rounds} rounds, 0 wrong`) fail('wrong descriptors');
