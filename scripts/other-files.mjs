// The command wasi-rs, but that each directory which a guest gets is in another
// file system, and what it changes there is gone with it. The first argument says
// in which: `memory`, with a copy of the directory; `image`, over an image of it;
// `directory`, over itself; `node:fs`, the directory by the functions of node:fs;
// or a module that has such functions as its `fs`, with a copy.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const { Image, MemoryFS } = require('..');
const { readArguments } = require('../lib/command/arguments');
const { prepareGuest } = require('../lib/command/guest');
const { bytesOf } = require('../lib/command/program');
const { treeOf } = require('../lib/tree');

const WAYS = {
  memory: (dir) => ({ fs: new MemoryFS(treeOf(fs, dir)) }),
  image: (dir) => ({ fs: new MemoryFS(Image.fromDirectory(dir)) }),
  directory: (dir) => ({ fs: MemoryFS.overlay(dir) }),
  'node:fs': (dir) => ({ fs, path: path.resolve(dir) }),
};

/** Copies what is in a directory of the host to the root of a file system. */
function copy(dir, to, fileSystem) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const [from, name] = [dir, to].map((at) => path.join(at, entry.name));
    if (entry.isDirectory()) {
      fileSystem.mkdirSync(name);
      copy(from, name, fileSystem);
    } else if (entry.isSymbolicLink()) {
      fileSystem.symlinkSync(fs.readlinkSync(from), name);
    } else {
      fileSystem.writeFileSync(name, fs.readFileSync(from));
    }
  }
}

let made = 0;

/** A directory of its own in the file system of a module, with a copy of `dir`. */
function copyIn(module, dir) {
  const { fs: fileSystem } = createRequire(`${process.cwd()}/`)(module);
  const root = `/root${made++}`;
  fileSystem.mkdirSync(root);
  copy(dir, root, fileSystem);
  return { fs: fileSystem, path: root };
}

const [way, ...args] = process.argv.slice(2);
const make = WAYS[way] ?? ((dir) => copyIn(way, dir));
const { options, ...command } = readArguments(args);
const preopens = Object.entries(options.preopens).map(
  ([name, { path: dir, readOnly }]) => [name, { ...make(dir), readOnly }],
);
options.preopens = Object.fromEntries(preopens);
const bytes = await bytesOf(command.file);
const { exitCode } = prepareGuest({ ...command, options }, bytes).start();
process.exitCode = exitCode & 0xff;
