// child.mjs HOST FILE DIRECTORY [ARG...]: runs a guest under a host, and writes its run time
// in milliseconds to descriptor 3.

import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [, , host, file, directory, ...args] = process.argv;
const { WASI } = require(host === 'wasi-rs' ? '../..' : host);

const wasi = new WASI({
  version: 'preview1',
  args,
  env: { PYTHONDONTWRITEBYTECODE: '1' },
  preopens: { '/work': directory },
});
const module = new WebAssembly.Module(fs.readFileSync(file));
const start = process.hrtime.bigint();
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
const exitCode = wasi.start(instance);
const nanos = process.hrtime.bigint() - start;
fs.writeSync(3, String(Number(nanos) / 1e6));
process.exitCode = exitCode;
