// A soak test of the races: `npm run soak -- --minutes 10`. On Linux the races in Rust run
// with openat2, and twice without it. The last tenth of the time is for those in
// JavaScript.

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import { positive } from './positive.mjs';

const RACE = /race (\S+): swaps=(\d+) calls=(\d+) succeeded=(\d+)/;
/** Two at a time: a race needs its threads to run at the same time. */
const AT_A_TIME = 2;
const RUST_RACES = 13;
const NODE_RACES = 12;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' } },
});
const minutes = positive(values.minutes, 'npm run soak -- --minutes N');

/** Builds the races in Rust; returns the path of the test program. */
function build() {
  const args = ['test', '--test', 'races', '--no-run'];
  const { status, stdout, stderr } = spawnSync(
    'cargo',
    [...args, '--message-format=json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const messages = status === 0 ? stdout.trim().split('\n') : [];
  const { executable } =
    messages
      .map((line) => JSON.parse(line))
      .findLast(({ target }) => target?.name === 'races') ?? {};
  if (!executable) {
    console.error(`${stderr}\nsoak: the races were not built`);
    process.exit(1);
  }
  return executable;
}

const races = build();
const rustArgs = ['--nocapture', `--test-threads=${AT_A_TIME}`];
const rust = (...args) => ({
  command: [races, ...rustArgs, ...args],
  rounds: Math.ceil(RUST_RACES / AT_A_TIME),
});
const node = {
  command: [
    process.execPath,
    'node_modules/ava/entrypoints/cli.mjs',
    '--timeout=24h',
    '__test__/attacks-races.test.js',
  ],
  rounds: NODE_RACES,
};
const parts =
  process.platform === 'linux'
    ? [
        { share: 0.3, ...rust('--skip', 'portable::') },
        { share: 0.3, ...rust('portable::where_the_kernel_does_not_know_it') },
        { share: 0.3, ...rust('portable::where_it_is_not_permitted') },
        { share: 0.1, ...node },
      ]
    : [
        { share: 0.9, ...rust() },
        { share: 0.1, ...node },
      ];

const sum = { races: 0, swaps: 0, calls: 0, succeeded: 0 };
const start = Date.now();
for (const { share, command, rounds } of parts) {
  const seconds = (minutes * 60 * share) / rounds;
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, RACES_SECONDS: seconds.toFixed(2) },
    maxBuffer: 2 ** 28,
  });
  for (const line of stdout.split('\n')) {
    const [race, , swaps, calls, succeeded] = RACE.exec(line) ?? [];
    if (race === undefined) continue;
    console.log(line.trim());
    sum.races += 1;
    sum.swaps += Number(swaps);
    sum.calls += Number(calls);
    sum.succeeded += Number(succeeded);
  }
  if (status !== 0) {
    console.error(`${stdout}\n${stderr}\nsoak: a race failed, see above`);
    process.exit(1);
  }
}
if (sum.races === 0) {
  console.error('soak: no race ran');
  process.exit(1);
}
const took = ((Date.now() - start) / 60_000).toFixed(1);
const count = (number) => number.toLocaleString('en');
console.log(
  `soak: ${took} minutes, ${count(sum.races)} races, ${count(sum.calls)} calls ` +
    `(${count(sum.succeeded)} succeeded) against ${count(sum.swaps)} swaps: ` +
    '0 escapes, 0 wrong descriptors, 0 crashes',
);
