// The official test suite on @bjorn3/browser_wasi_shim: see arguments.mjs.

import { writeSync } from 'node:fs';

import {
  ConsoleStdout,
  Directory,
  File,
  OpenFile,
  PreopenDirectory,
  WASI,
} from '@bjorn3/browser_wasi_shim';

import {
  args,
  argv0,
  bytes,
  directories,
  env,
  filesBelow,
} from './arguments.mjs';

function contentsOf(path) {
  const root = new Map();
  for (const { path: name, content } of filesBelow(path)) {
    const names = name.slice(1).split('/');
    const last = names.pop();
    let directory = root;
    for (const each of names) directory = directory.get(each).contents;
    directory.set(last, content ? new File(content) : new Directory(new Map()));
  }
  return root;
}

const wasi = new WASI(
  [argv0, ...args],
  Object.entries(env).map(([name, value]) => `${name}=${value}`),
  [
    new OpenFile(new File([])),
    new ConsoleStdout((chunk) => writeSync(1, chunk)),
    new ConsoleStdout((chunk) => writeSync(2, chunk)),
    ...directories.map(
      ({ name, path }) => new PreopenDirectory(name, contentsOf(path)),
    ),
  ],
  { debug: false },
);
const { instance } = await WebAssembly.instantiate(bytes, {
  wasi_snapshot_preview1: wasi.wasiImport,
});
process.exitCode = wasi.start(instance);
