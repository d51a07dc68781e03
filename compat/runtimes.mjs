// The runtimes other than Node, as their packages bring them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

import { packageFile } from './packages.mjs';

const runs = (path) => spawnSync(path, ['--version']).status === 0;

/** The binary that a package carries for this machine. */
function binary(scope, file) {
  const name = process.platform === 'win32' ? `${file}.exe` : file;
  const candidates = readdirSync(packageFile(scope)).map((folder) =>
    packageFile(`${scope}/${folder}/${name}`),
  );
  const found = candidates.find((path) => existsSync(path) && runs(path));
  if (found === undefined) throw new Error(`no ${file} for this machine`);
  return found;
}

export const bun = () => binary('@oven', 'bin/bun');
export const deno = () => binary('@deno', 'deno');
