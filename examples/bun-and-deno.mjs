// The same program on three runtimes:
//
//   node examples/bun-and-deno.mjs
//   bun examples/bun-and-deno.mjs
//   deno run --allow-read --allow-env --allow-ffi examples/bun-and-deno.mjs

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { WASI } from 'wasi-rs';

const wasi = new WASI({
  version: 'preview1',
  args: ['manifest'],
  // Deno's permissions end at the addon: this is all that the guest can reach.
  preopens: { '/': fileURLToPath(new URL('.', import.meta.url)) },
});
const { instance } = await WebAssembly.instantiate(
  await readFile(new URL('manifest.wasm', import.meta.url)),
  wasi.getImportObject(),
);
console.log('exit code', wasi.start(instance));
