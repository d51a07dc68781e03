// A soak test of guests with threads: `npm run soak:threads -- [OPTION]...`
//
//   --cycles N   threads that are spawned and joined, one after the other
//   --guests N   guests with threads that run at once, until they are joined or the guest
//                exits, traps or is killed
//   --threads N  the number of threads of those guests
//   --rounds N   how often each of four threads opens, renumbers and closes the same
//                descriptors
//
// It fails if memory grows, if threads or descriptors of the process are left, or if a
// thread gets the wrong descriptor.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import wasiRs from '../index.js';
import { positive } from './positive.mjs';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '100000' },
    guests: { type: 'string', default: '100' },
    threads: { type: 'string', default: '50' },
  },
});
const [cycles, rounds, guests, threads] = [
  values.cycles,
  values.rounds,
  values.guests,
  values.threads,
].map((text) =>
  positive(
    text,
    'npm run soak:threads -- [--cycles N] [--rounds N] [--guests N] [--threads N]',
  ),
);

const THREADS = fileURLToPath(
  new URL('../__test__/guests/threads.wasm', import.meta.url),
);
/** The number of threads after which the JavaScript heaps no longer grow. */
const SETTLED = 100_000;
/** The most megabytes by which memory may grow after the first quarter, as garbage does. */
const MOST_GROWTH = 64;

const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);

const count = (directory) =>
  process.platform === 'linux' ? fs.readdirSync(directory).length : 0;
/** The number of threads and descriptors of the process. */
const holdings = () => count('/proc/self/task') + count('/proc/self/fd');

function fail(what) {
  console.error(`soak: ${what}`);
  process.exit(1);
}

/** The growth of memory after the first quarter of the samples. */
function growthOf(seen) {
  const settled = seen.slice(Math.floor(seen.length / 4));
  const growth = Math.max(...settled, 0) - Math.min(...settled, Infinity);
  return { growth, text: `${settled[0]} MB, then ${settled.at(-1)} MB` };
}

/** Runs the guest with at most `max` threads, and calls `sample` each second. */
async function runAndSample(args, preopens, max, sample) {
  const timer = setInterval(sample, 1000);
  try {
    const options = { args, preopens, encoding: 'utf8', threads: { max } };
    return (await wasiRs.run(THREADS, options)).stdout.trim();
  } finally {
    clearInterval(timer);
  }
}

async function spawnAndJoin() {
  const seen = [];
  const start = Date.now();
  // With a higher maximum, another worker would be made now and then, and add its memory.
  const counted = await runAndSample(['cycles', String(cycles)], {}, 2, () =>
    seen.push(megabytes()),
  );
  if (counted !== String(cycles)) fail(`${counted} cycles`);
  const seconds = (Date.now() - start) / 1000;
  const { growth, text } = growthOf(seen);
  console.log(
    `${cycles} threads spawned and joined in ${seconds.toFixed(1)} s, ` +
      `${((seconds * 1e6) / cycles).toFixed(0)} µs each; ${text}`,
  );
  if (cycles >= SETTLED && growth > MOST_GROWTH) {
    fail(`memory grew by ${growth} MB`);
  }
}

/** The ways a guest ends while its threads run: its arguments, exit code and reason. */
const ENDS = [
  { how: [], exitCode: 0, reason: 'exit' },
  { how: ['exit'], exitCode: 7, reason: 'exit' },
  { how: ['exit', 'in another'], exitCode: 7, reason: 'exit' },
  { how: ['trap'], exitCode: null, reason: 'trap' },
  { how: ['trap', 'in another'], exitCode: null, reason: 'trap' },
  { how: ['stay'], exitCode: null, reason: 'kill' },
];

async function liveAndEnd({ how, exitCode, reason }) {
  const child = wasiRs.spawn(THREADS, {
    args: ['live', String(threads), ...how],
    stderr: 'ignore',
    threads: { max: threads },
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    if (reason === 'kill') child.kill();
  });
  const ended = await child.exited;
  const isRight = ended.exitCode === exitCode && ended.reason === reason;
  if (!isRight || stdout !== `${threads} none\n`) {
    fail(`${how.join(' ')}: ${ended.exitCode} ${ended.reason}: ${stdout}`);
  }
}

/** Waits up to a minute until the process has at most so many threads and descriptors. */
async function awaitHoldings(most) {
  for (let checks = 0; holdings() > most; checks++) {
    if (checks === 600) fail(`${holdings()} threads and descriptors are left`);
    await setTimeout(100);
  }
}

async function live() {
  // Each end once before counting: some threads and descriptors are made once and kept.
  for (const end of ENDS) await liveAndEnd(end);
  await setTimeout(1000);
  const before = holdings();
  const seen = [];
  for (let i = 0; i < guests; i++) {
    await liveAndEnd(ENDS[i % ENDS.length]);
    await awaitHoldings(before);
    seen.push(megabytes());
  }
  const { growth, text } = growthOf(seen);
  console.log(
    `${guests} guests with ${threads} threads at once; ${text}, ` +
      `${before} threads and descriptors`,
  );
  if (growth > MOST_GROWTH) fail(`memory grew by ${growth} MB`);
}

async function race() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-soak-'));
  const raced = await runAndSample(
    ['race', '4', String(rounds)],
    { '/data': directory },
    4,
    () => {},
  );
  fs.rmSync(directory, { recursive: true });
  console.log(raced);
  if (raced !== `${4 * rounds} rounds, 0 wrong`) fail('wrong descriptors');
}

await spawnAndJoin();
await live();
await race();
