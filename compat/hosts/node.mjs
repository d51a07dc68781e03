// The official test suite on node:wasi of the Node that runs it: see arguments.mjs.

import { WASI } from 'node:wasi';

import { args, argv0, bytes, directories, env } from './arguments.mjs';

const wasi = new WASI({
  version: 'preview1',
  args: [argv0, ...args],
  env,
  preopens: Object.fromEntries(
    directories.map(({ name, path }) => [name, path]),
  ),
  returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(
  bytes,
  wasi.getImportObject(),
);
process.exitCode = wasi.start(instance);
