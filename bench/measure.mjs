// Two ways to do the same, timed in turn: A B A B …, so that whatever else the
// machine does slows both.

import { median } from './median.mjs';

const NANOS_PER_ROUND = 4e6;

function time(run, turns) {
  const start = process.hrtime.bigint();
  run(turns);
  return Number(process.hrtime.bigint() - start);
}

/** How many turns take about a round's time. */
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
 * Nanoseconds for one turn of each.
 *
 * @param {((turns: number) => void)[]} runs
 * @param {number} rounds of each
 * @returns {{ best: number, median: number }[]}
 */
export function measure(runs, rounds) {
  const turns = runs.map(turnsPerRound);
  const nanos = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    // Each goes first as often as the other.
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
