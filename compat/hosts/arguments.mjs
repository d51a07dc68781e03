// Parses the command line with which scripts/conformance.mjs starts a host:
// `[--dir=HOST::GUEST]... [--env=NAME=VALUE]... FILE.wasm [ARG]...`.

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const require = createRequire(import.meta.url);
const { readArguments } = require('../../lib/command/arguments');

const { file, guestArgs, options } = readArguments(process.argv.slice(2));

/** The preopened directories: the name in the guest, and the path. */
export const directories = Object.entries(options.preopens).map(
  ([name, { path }]) => ({ name, path }),
);
export const env = { ...options.env };
export const argv0 = basename(file);
export const args = guestArgs;
export const program = file;
export const bytes = readFileSync(file);

// The files and directories in a host directory, recursively. Symbolic links are left out:
// none of these hosts accepts them.
export function* filesBelow(directory, above = '') {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = `${above}/${entry.name}`;
    const from = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield { path, isDirectory: true };
      yield* filesBelow(from, path);
    } else if (entry.isFile()) {
      yield { path, content: new Uint8Array(readFileSync(from)) };
    }
  }
}

// The files for hosts that can preopen only one directory. The entries of each directory
// are in its root and also in a subdirectory with the name of the directory.
export function* filesOfOne() {
  for (const { name, path } of directories) {
    yield { path: `/${name}`, isDirectory: true };
    for (const each of filesBelow(path)) {
      yield each;
      yield { ...each, path: `/${name}${each.path}` };
    }
  }
}

/** The arguments, with the names of directories replaced by that of the one directory. */
export const argsOfOne = (directory) =>
  args.map((arg) =>
    directories.some(({ name }) => name === arg) ? directory : arg,
  );
