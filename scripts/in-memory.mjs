// The command wasi-rs, but that each directory which a guest gets is a copy in
// memory. What it changes there is gone with it.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { MemoryFS } = require('..');
const { readArguments } = require('../lib/command/arguments');
const { prepareGuest } = require('../lib/command/guest');
const { treeOf } = require('../lib/tree');

const { options, ...command } = readArguments(process.argv.slice(2));
const preopens = Object.entries(options.preopens).map(
  ([name, { path, readOnly }]) => [
    name,
    { fs: new MemoryFS(treeOf(fs, path)), readOnly },
  ],
);
options.preopens = Object.fromEntries(preopens);
process.exitCode = prepareGuest({ ...command, options })() & 0xff;
