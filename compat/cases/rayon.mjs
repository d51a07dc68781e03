// A parallel job: each picture is decoded, reduced, turned, and encoded in two formats at
// the same time.

import { jobWithThreadsFor } from '../commands.mjs';
import { cratesOfThreads, pictures } from '../programs.mjs';

export const packages = cratesOfThreads('rayon', 'image');
export const does =
  'draws 30 pictures, reduces and encodes them as PNG and JPEG, with one, two and four threads';
/** Imports run() from wasi-rs. */
export const direct = true;

export const { prepare, run, expected } = jobWithThreadsFor(pictures, {
  threadsEnv: 'RAYON_NUM_THREADS',
  argsOfRuns: [['make', '30'], ['reduce']],
});
