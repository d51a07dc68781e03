// The host's side of a program under test: one guest in one process, described
// by the JSON in the only argument. Exits with the guest's exit code.
//
// A preopen is one of wasi-rs, or describes a file system:
//
//   { memory: path }          in memory, over an image of that directory; the result
//                             is written to the directory
//   { image: path, inside }   an image of a tar archive or of a directory, or of
//                             the directory `inside` of it

import { readFileSync, statSync, writeSync } from 'node:fs';

const {
  wasi: specifier,
  wasm,
  options,
  epilogue,
} = JSON.parse(process.argv[2]);
const { Image, MemoryFS, WASI } = await import(specifier);

const memories = [];

function mounted(preopen) {
  const { memory, image, inside } = preopen;
  if (image !== undefined) {
    const isDirectory = statSync(image).isDirectory();
    const make = isDirectory ? Image.fromDirectory : Image.fromTar;
    return { fs: make(image), path: inside };
  }
  if (memory === undefined) return preopen;
  const fs = new MemoryFS(Image.fromDirectory(memory));
  memories.push({ fs, directory: memory });
  return fs;
}

const preopens = Object.fromEntries(
  Object.entries(options.preopens).map(([path, preopen]) => [
    path,
    mounted(preopen),
  ]),
);
const wasi = new WASI({ ...options, preopens });
const module = await WebAssembly.compile(readFileSync(wasm));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
for (const { fs, directory } of memories) fs.applyTo(directory);

// A guest that closed its own descriptors must not have closed these.
if (epilogue !== undefined) {
  writeSync(1, epilogue);
}
