// Zig's standard library calls WASI directly, without wasi-libc. It reads and writes files
// by position, and requests only the rights that it needs.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { jobFor, tree } from '../commands.mjs';
import { index } from '../programs.mjs';
import { ZIG } from '../toolchains.mjs';

export const packages = [ZIG];
export const does =
  'a program in Zig that walks a tree of 400 files and writes an index of it';

async function job(start, root) {
  for (let folder = 0; folder < 20; folder++) {
    const path = join(root, `tree/${folder % 3}/${folder}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < 20; file++) {
      const line = `file ${file} of ${folder}, word${file * folder}.\n`;
      writeFileSync(join(path, `${file}.txt`), `${line.repeat(file * 20)}end`);
    }
    symlinkSync(`${folder}.txt`, join(path, 'link'));
  }
  return {
    runs: [
      await start(['tree']),
      // The second run replaces the output of the first.
      await start(['tree/1']),
      await start(['nowhere']),
    ],
    files: tree(root),
  };
}

export const { prepare, run, expected } = jobFor(index, job);
