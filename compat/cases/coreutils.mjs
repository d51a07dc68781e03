// Runs several tools on the same files, as a shell script does. node:wasi drops the
// fractions of a second of the times that they set.

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { jobFor, tree } from '../commands.mjs';
import { coreutils } from '../programs.mjs';
import { COREUTILS } from '../toolchains.mjs';

export const packages = [COREUTILS];
export const does =
  'sorts, splits, copies, links, moves, dates, cuts and removes files and trees';

/** Tools with their arguments; the file after `<` is the stdin. */
const SCRIPT = `
mkdir -p a/b/c kept
sort -n -o a/sorted words
sort -k2 -u words
split -l 300 a/sorted a/part-
csplit --prefix=cut- words 200 {2}
join --check-order a/part-aa a/part-ab
tee a/tee1 a/b/tee2 < words
wc words a/sorted a/part-aa a/b/tee2
cksum --algorithm=sha256 a/sorted a/part-ad
ln a/sorted a/hard
ln -s b/c a/link
ln -s ../../sorted a/b/c/up
cp a/part-aa a/b/c/copy
cp -r a kept/all
cp a/b/c/up kept/followed
touch -d 2020-02-03T04:05:06.123456789Z a/part-ab
touch -r a/part-ab kept/reference
mv a/part-ac a/b/moved
mv kept/all/b kept/b
truncate -s 100 a/b/moved
truncate -s 5000 kept/sparse
ls -1aR a
ls -1S a
rm -r kept/all
rm a/nothing
rm a/b
mkdir a
cp words words
mv a a/b
ls -1 a/link kept
`;

async function job(coreutil, root) {
  mkdirSync(root);
  const words = Array.from(
    { length: 1000 },
    (_, i) => `${((i + 1) * 7919) % 1009} word${i % 37}`,
  );
  writeFileSync(join(root, 'words'), `${words.join('\n')}\n`);
  const runs = [];
  for (const line of SCRIPT.trim().split('\n')) {
    const [args, input] = line.split(' < ');
    runs.push([line, await coreutil(args.split(' '), input)]);
  }
  // Deno's stat() has a resolution of milliseconds.
  const times = ['a/part-ab', 'kept/reference'].map((file) =>
    Math.floor(statSync(join(root, file)).mtimeMs),
  );
  return { runs, times, files: tree(root) };
}

export const { prepare, run, expected } = jobFor(coreutils, job);
