// A soak test of run() and spawn(): `npm run soak:runs -- --runs 10000 --seed 1`. Guests
// are started at random, and end by themselves, by a timeout, a signal or a kill. It fails
// on a wrong reason, a wrong exit code, lost output, or descriptors that are left open.
// Memory is printed for the reader.

import { once } from 'node:events';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import wasiRs from '../index.js';
import { positive } from './positive.mjs';

const { Pool, run, spawn } = wasiRs;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const USAGE = 'npm run soak:runs -- [--runs N] [--seed N]';
const runs = positive(values.runs, USAGE);
let seed = positive(values.seed, USAGE);

/** A random integer from 0, below `most`. */
function random(most) {
  seed = (seed * 48_271) % 0x7fff_ffff;
  return seed % most;
}

const guest = (name) =>
  fileURLToPath(new URL(`../__test__/guests/${name}.wasm`, import.meta.url));
/** A guest with an endless loop: (loop (br 0)) in its _start. */
const SPIN = Buffer.from(
  '0061736d01000000010401600000030201000' +
    '70a01065f7374617274' +
    '00000a0901070003400c000b0b',
  'hex',
);
/** A relative timeout of 10^14 ns, more than a day. */
const LONG_SLEEP = `after:1:${10n ** 14n}`;
const TEXT = 'all of it, from the first to the last\n'.repeat(2000);

/** The guests, with their own exit code, reason and stdout. Those without run forever. */
const GUESTS = [
  { program: guest('hello'), exitCode: 0, stdout: 'hello\n' },
  {
    program: guest('exit'),
    args: ['7', 'text'],
    exitCode: 7,
    stdout: 'text\n',
  },
  { program: guest('cat'), input: TEXT, exitCode: 0, stdout: TEXT },
  { program: guest('cat'), stdin: [TEXT], exitCode: 0, stdout: TEXT },
  { program: guest('trap'), reason: 'trap' },
  { program: guest('poll'), args: [LONG_SLEEP] },
  { program: await WebAssembly.compile(SPIN) },
];

function fail(what, ...details) {
  console.error(what, ...details);
  process.exit(1);
}

/** Fails unless a guest ended by itself, with its own result. */
function checkOwnEnd({ exitCode, reason = 'exit', stdout }, ended) {
  if (exitCode === undefined && reason === 'exit') fail('ended', ended);
  if (ended.reason !== reason) fail('reason', ended);
  if (exitCode !== undefined && ended.exitCode !== exitCode) {
    fail('exit code', ended);
  }
  if (stdout !== undefined && String(ended.stdout) !== stdout) {
    fail('output', ended);
  }
}

const reasons = {};
function count(reason) {
  reasons[reason] = (reasons[reason] ?? 0) + 1;
}

/** Calls run(), sometimes with a timeout or a signal; always if the guest runs forever. */
async function byRun({ program, args, input, stdin, ...own }, pool) {
  const ends = own.exitCode !== undefined || own.reason !== undefined;
  const options = { args, input, stdin, pool, check: false };
  const how = ends ? random(6) : random(2);
  const after = random(12);
  if (how === 0) options.signal = AbortSignal.timeout(after);
  if (how === 1) options.timeout = after + 1;
  let result;
  try {
    result = await run(program, options);
  } catch (error) {
    if (how !== 0 || error.code !== 'ABORT_ERR') fail('rejected', error);
    count('abort');
    return;
  }
  count(result.reason);
  if (how === 1 && result.reason === 'timeout') return;
  checkOwnEnd(own, result);
}

/** Calls spawn(), maybe writes to stdin, and kills the guest at a random time. */
async function bySpawn({ program, args, input, stdin, ...own }, pool) {
  const child = spawn(program, { args, input, stdin, pool });
  child.stdin?.on('error', () => {});
  if (child.stdin !== null && random(2) === 0) child.stdin.write(TEXT);
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const when = random(14);
  if (when === 0) child.kill();
  else if (when === 1) setImmediate(() => child.kill());
  else setTimeout(() => child.kill(), when - 2);
  const [exitCode, reason] = await once(child, 'close');
  count(reason);
  if (reason !== 'kill') checkOwnEnd(own, { exitCode, reason, stdout });
}

const descriptors = () =>
  process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : 0;
const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);

process.on('unhandledRejection', (error) => fail('unhandled', error));
const pool = new Pool({ size: 4, maxRuns: 500 });
const AT_A_TIME = 8;
const ROUND = 500;
let before;
for (let done = 0; done < runs; done += ROUND) {
  let left = ROUND;
  const line = async () => {
    while (left-- > 0) {
      const which = GUESTS[random(GUESTS.length)];
      await (random(2) === 0 ? byRun : bySpawn)(which, pool);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, line));
  before ??= descriptors();
  console.log(
    `${done + ROUND} runs: ${descriptors()} descriptors, ${megabytes()} MB`,
  );
}
await pool.close();
const after = descriptors();
if (after > before) fail(`${before} descriptors before, ${after} after`);
console.log(JSON.stringify(reasons));
