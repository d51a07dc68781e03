// The command wasi-rs, but that each directory which a guest gets is in memory,
// and what it changes there is gone with it. The first argument says what it has
// from the directory of the host: `memory`, a copy; `image`, an image under it;
// `directory`, all that it does not change.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Image, MemoryFS } = require('..');
const { readArguments } = require('../lib/command/arguments');
const { prepareGuest } = require('../lib/command/guest');
const { treeOf } = require('../lib/tree');

const WAYS = {
  memory: (path) => new MemoryFS(treeOf(fs, path)),
  image: (path) => new MemoryFS(Image.fromDirectory(path)),
  directory: (path) => MemoryFS.overlay(path),
};

const [way, ...args] = process.argv.slice(2);
const { options, ...command } = readArguments(args);
const preopens = Object.entries(options.preopens).map(
  ([name, { path, readOnly }]) => [name, { fs: WAYS[way](path), readOnly }],
);
options.preopens = Object.fromEntries(preopens);
process.exitCode = prepareGuest({ ...command, options }).start() & 0xff;
