// What scripts/conformance.mjs calls a host with: the options of the command that
// it needs, `[--dir=HOST::GUEST]... [--env=NAME=VALUE]... FILE.wasm [ARG]...`.

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const require = createRequire(import.meta.url);
const { readArguments } = require('../../lib/command/arguments');

const { file, guestArgs, options } = readArguments(process.argv.slice(2));

/** The directories, each with its name in the guest. */
export const directories = Object.entries(options.preopens).map(
  ([name, { path }]) => ({ name, path }),
);
export const env = { ...options.env };
export const argv0 = basename(file);
export const args = guestArgs;
export const program = file;
export const bytes = readFileSync(file);

// The files below a directory of the host by their paths, and the directories.
// Links are left out, which none of these hosts can be given.
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

// For hosts that give a guest one directory: what is in each directory is at its top,
// and below its name. Tests that are told the name are told that of the one.
export function* filesOfOne() {
  for (const { name, path } of directories) {
    yield { path: `/${name}`, isDirectory: true };
    for (const each of filesBelow(path)) {
      yield each;
      yield { ...each, path: `/${name}${each.path}` };
    }
  }
}

/** The arguments, where the one directory has this name. */
export const argsOfOne = (directory) =>
  args.map((arg) =>
    directories.some(({ name }) => name === arg) ? directory : arg,
  );
