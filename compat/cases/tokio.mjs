// Tasks run in several threads, and blocking work (file reads and checksums) in a pool of
// others. All share one memory and one descriptor table.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { jobWithThreadsFor } from '../commands.mjs';
import { cratesOfThreads, digests } from '../programs.mjs';

export const packages = cratesOfThreads('tokio');
export const does =
  'sums of 200 files, in tasks and in the blocking pool, with one, two and four threads';
/** Imports run() from wasi-rs. */
export const direct = true;

function makeTree(root) {
  for (let number = 0; number < 200; number++) {
    const folder = join(root, `tree/${number % 5}/${number % 7}`);
    mkdirSync(folder, { recursive: true });
    const line = `${number} of many lines\n`;
    writeFileSync(join(folder, `${number}.txt`), line.repeat(number * 20));
  }
}

export const { prepare, run, expected } = jobWithThreadsFor(digests, {
  threadsEnv: 'TOKIO_WORKER_THREADS',
  prepare: makeTree,
  argsOfRuns: [[]],
});
