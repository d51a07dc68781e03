// The official test suite on @runno/wasi: see arguments.mjs.

import { writeSync } from 'node:fs';

import { WASI, WASIContext } from '@runno/wasi';

import { argsOfOne, argv0, bytes, env, filesOfOne } from './arguments.mjs';

const now = new Date();
const timestamps = { access: now, change: now, modification: now };
const files = Object.fromEntries(
  [...filesOfOne()]
    .filter(({ content }) => content)
    .map(({ path, content }) => [
      path,
      { path, timestamps, mode: 'binary', content },
    ]),
);
const { exitCode } = await WASI.start(
  new Response(bytes, { headers: { 'content-type': 'application/wasm' } }),
  new WASIContext({
    args: [argv0, ...argsOfOne('/')],
    env,
    stdin: () => null,
    stdout: (text) => writeSync(1, text),
    stderr: (text) => writeSync(2, text),
    fs: files,
  }),
);
process.exitCode = exitCode;
