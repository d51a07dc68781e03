// A program as it is written for node:wasi. It need not be changed to run with
// wasi-rs instead:
//
//   node --import wasi-rs/register examples/coming-from-node-wasi.mjs
//
// Started without that flag, it runs with Node's own WASI.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { WASI } from 'node:wasi';

const examples = new URL('.', import.meta.url);

const wasi = new WASI({
  version: 'preview1',
  args: ['csv2json', '--types', '--lines', 'stock.csv'],
  preopens: { '/': fileURLToPath(examples) },
});
const wasm = await WebAssembly.compile(
  await readFile(new URL('csv2json.wasm', examples)),
);
const instance = await WebAssembly.instantiate(wasm, wasi.getImportObject());
process.exitCode = wasi.start(instance);
