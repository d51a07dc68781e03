// Runs a case in this process, and prints its result as JSON in the last line:
// `case.mjs <case> <directory>`. The parent process chooses between node:wasi and wasi-rs
// by the flags of the runtime; here the instances of WASI are only counted.

import { createRequire, syncBuiltinESMExports } from 'node:module';

const [name, directory] = process.argv.slice(2);
const require = createRequire(import.meta.url);

const wasi = require('node:wasi');
const ours = wasi.WASI === require('../index.js').WASI;
let used = 0;
wasi.WASI = class WASI extends wasi.WASI {
  constructor(options) {
    super(options);
    used++;
  }
};
syncBuiltinESMExports();

const { run } = await import(`./cases/${name}.mjs`);
const result = await run(directory);
console.log(JSON.stringify({ ours, used, result }));
// Bindings with threads keep the process alive.
process.exit(0);
