// With a fixed seed and time, a Go program has the same results in each run and on every
// runtime: random numbers, the order of maps, the choice between two channels.

import { createRequire } from 'node:module';

import { goChance } from '../programs.mjs';

const { runSync } = createRequire(import.meta.url)('../../index.js');

export const packages = ['wasi-rs'];
export const does = 'a program in Go, five times with a seed and a time';
/** Imports the class from wasi-rs. */
export const direct = true;

const OPTIONS = {
  random: { seed: 42 },
  clock: { realtime: new Date('2030-01-01T00:00:00Z'), sleep: 'skip' },
  encoding: 'utf8',
};
const TIMES = 5;

export const prepare = () => goChance.build();

/** The output with this version of Go; it may differ with another. */
export const expected = () => [
  [
    '2030-01-01T00:00:00.007Z',
    'eb604128710fd1d8 15271215844829441889',
    'four 4 five 5 one 1 two 2 three 3 ',
    '0 100 1 2 3 4 5 101 102 103 104 105 6 7 106 8 ',
    'true',
  ],
];

/** Runs it several times; returns the distinct outputs. */
export function run() {
  const outputs = Array.from({ length: TIMES }, () =>
    runSync(goChance.wasi, OPTIONS).stdout.trimEnd().split('\n'),
  );
  return [...new Set(outputs.map((lines) => JSON.stringify(lines)))].map(
    (text) => JSON.parse(text),
  );
}
