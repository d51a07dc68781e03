// The program that is bundled. It runs guests in this thread, in another, and with threads,
// and prints their output. If a bundle lacks a file, it fails.

import { readFileSync } from 'node:fs';

import { MemoryFS, Pool, WASI, run, runSync, spawn } from 'wasi-rs';

const HELLO = 'guests/hello.wasm';
const ARGS = 'guests/args_env.wasm';
const THREADS = 'guests/threads.wasm';

const encoding = 'utf8';
const join = { args: ['join', '3'], encoding };

/** The class, whose guest writes to a pipe. */
function hello() {
  const wasi = new WASI({ version: 'preview1', stdout: 'pipe' });
  const module = new WebAssembly.Module(readFileSync(HELLO));
  wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
  return String(wasi.stdout);
}

async function spawned() {
  const child = spawn(ARGS, { args: ['spawn'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text;
}

async function pooled() {
  const pool = new Pool({ size: 2 });
  const runs = ['a', 'b', 'c'].map((arg) =>
    pool.run(ARGS, { args: [arg], encoding }),
  );
  const results = await Promise.all(runs);
  await pool.close();
  return results.map(({ stdout }) => stdout).join('');
}

async function main() {
  const files = new MemoryFS({ a: 'b' });
  console.log(
    JSON.stringify({
      class: hello(),
      runSync: runSync(HELLO, { encoding }).stdout,
      cpuTime: runSync(HELLO, { encoding, cpuTime: 60_000 }).stdout,
      run: (await run(HELLO, { encoding })).stdout,
      spawn: await spawned(),
      pool: await pooled(),
      threads: (await run(THREADS, join)).stdout,
      threadsSync: runSync(THREADS, join).stdout,
      files: files.readFileSync('/a', 'utf8'),
    }),
  );
}

main();
