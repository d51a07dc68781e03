// Runs one case in this process and prints, as its last line, what came of it as
// JSON: `case.mjs <case> <directory>`. Whether WASI is Node's or wasi-rs is the
// affair of who starts it; here it is only counted how often it was used.

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
