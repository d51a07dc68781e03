// Times several functions in turn, so that other load of the machine affects all of them.

import { median } from './median.mjs';

const NANOS_PER_ROUND = 4e6;

function time(run, turns) {
  const start = process.hrtime.bigint();
  run(turns);
  return Number(process.hrtime.bigint() - start);
}

/** The number of iterations that take about `NANOS_PER_ROUND`. */
function turnsPerRound(run) {
  let turns = 1;
  for (;;) {
    const nanos = time(run, turns);
    if (nanos > NANOS_PER_ROUND / 4) {
      return Math.max(1, Math.round((turns * NANOS_PER_ROUND) / nanos));
    }
    turns *= 4;
  }
}

/**
 * Measures each function.
 *
 * @param {((turns: number) => void)[]} runs functions that make so many iterations
 * @param {number} rounds how often each is measured
 * @returns {{ best: number, median: number }[]} nanoseconds per iteration
 */
export function measure(runs, rounds) {
  const turns = runs.map(turnsPerRound);
  const nanos = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    // Each is the first one equally often.
    const order = runs.map((_, index) => (index + round) % runs.length);
    for (const index of order) {
      nanos[index].push(time(runs[index], turns[index]) / turns[index]);
    }
  }
  return nanos.map((each) => ({
    best: Math.min(...each),
    median: median(each),
  }));
}
