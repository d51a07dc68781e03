// A job for all processors that there are: each picture is decoded, reduced, turned
// and encoded, twice at a time.

import { jobWithThreadsFor } from '../commands.mjs';
import { cratesOfThreads, pictures } from '../programs.mjs';

export const packages = cratesOfThreads('rayon', 'image');
export const does =
  'draws 30 pictures, reduces and encodes them as PNG and JPEG, with one, two and four threads';
/** It takes run() from the package itself. */
export const direct = true;

export const { prepare, run, expected } = jobWithThreadsFor(pictures, {
  threadsEnv: 'RAYON_NUM_THREADS',
  argsOfRuns: [['make', '30'], ['reduce']],
});
