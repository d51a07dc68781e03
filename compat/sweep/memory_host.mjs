// As __test__/helpers/run-program.mjs, but that the guest's root is in memory,
// over an image of the directory. Its other preopens are those of the host.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const { Image, MemoryFS, WASI } = require('../..');

const { wasm, options } = JSON.parse(process.argv[2]);
const { '/': root, ...others } = options.preopens;
const memory = new MemoryFS(Image.fromDirectory(root));

const wasi = new WASI({ ...options, preopens: { '/': memory, ...others } });
const module = await WebAssembly.compile(readFileSync(wasm));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
