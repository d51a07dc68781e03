// A program with threads: search.wasm, which is built of search/ with rayon, reads
// the files of a directory in several. `node examples/threads.mjs`

import { fileURLToPath } from 'node:url';

import { run } from 'wasi-rs';

const at = (file) => fileURLToPath(new URL(file, import.meta.url));

for (const threads of ['1', '4']) {
  const { stdout } = await run(at('search.wasm'), {
    args: ['fn ', '/', threads],
    preopens: { '/': { path: at('manifest/src'), readOnly: true } },
    // What it may have beside its first thread; more are EAGAIN.
    threads: { max: 4 },
    timeout: 60_000,
    encoding: 'utf8',
  });
  console.log(`threads: ${threads}\n${stdout.trimEnd()}`);
}
