// The command wasi-rs, with each preopened directory in another file system. The first
// argument is the kind:
//
//   memory     a MemoryFS with a copy of the directory
//   image      a MemoryFS with an image of it
//   directory  an overlay of it
//   node:fs    the directory itself, by the functions of node:fs: changes remain
//   MODULE     a copy of it in the `fs` that a module exports

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

/** Copies the entries of a host directory to a directory of a file system. */
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

/** Copies `dir` to a new directory in the file system of a module. */
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
