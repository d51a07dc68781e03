// The binaries of Bun and Deno, from their npm packages.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

import { packageFile } from './packages.mjs';

const runs = (path) => spawnSync(path, ['--version']).status === 0;

/** Finds the binary that runs on this machine. An install script may have moved it. */
function binary(scope, file, moved = []) {
  const name = process.platform === 'win32' ? `${file}.exe` : file;
  const carried = readdirSync(packageFile(scope)).map(
    (folder) => `${scope}/${folder}/${name}`,
  );
  const candidates = [...moved, ...carried].map(packageFile);
  const found = candidates.find((path) => existsSync(path) && runs(path));
  if (found === undefined) throw new Error(`no ${file} for this machine`);
  return found;
}

export const bun = () => binary('@oven', 'bin/bun', ['bun/bin/bun.exe']);
export const deno = () => binary('@deno', 'deno');
