// The host's side of a program under test: one guest in one process, described
// by the JSON in the only argument. Exits with the guest's exit code.

import { readFileSync, writeSync } from 'node:fs';

const {
  wasi: specifier,
  wasm,
  options,
  epilogue,
} = JSON.parse(process.argv[2]);
const { WASI } = await import(specifier);

const wasi = new WASI(options);
const module = await WebAssembly.compile(readFileSync(wasm));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);

// A guest that closed its own descriptors must not have closed these.
if (epilogue !== undefined) {
  writeSync(1, epilogue);
}
