// Runs programs that nobody vouches for: each in a worker, which ends when its
// time is over, and with no more than its task needs.
//
//   node examples/untrusted.mjs

import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Worker,
  isMainThread,
  parentPort,
  workerData,
} from 'node:worker_threads';

import { WASI } from 'wasi-rs';

const EXAMPLES = fileURLToPath(new URL('.', import.meta.url));

/** What runs in the worker. */
function guest({ wasm, args, output }) {
  const wasi = new WASI({
    version: 'preview1',
    args,
    preopens: { '/': { path: EXAMPLES, readOnly: true } },
    // Reading files and writing to standard output, and neither clocks nor waits.
    capabilities: ['args', 'env', 'stdio', 'fs:read', 'exit'],
    limits: { descriptors: 16 },
    stdin: openSync(devNull),
    stdout: openSync(output, 'w'),
    stderr: openSync(devNull, 'w'),
  });
  const module = new WebAssembly.Module(wasm);
  return wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
}

/** Resolves to the exit code, or to what ended the guest instead. */
function run(job, milliseconds) {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: job,
    // Of the worker's JavaScript. The guest's memory is what its module says.
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      worker.terminate();
      resolve('out of time');
    }, milliseconds);
    worker.once('message', (code) => resolve(`exit code ${code}`));
    worker.once('error', (error) => resolve(String(error)));
    worker.once('exit', () => clearTimeout(timer));
  });
}

/** `(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))` */
const ENDLESS = Buffer.from(
  '0061736d01000000010401600000030201000503010001' +
    '071302066d656d6f72790200065f7374617274' +
    '00000a0901070003400c000b0b',
  'hex',
);

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'untrusted-'));
  const output = join(directory, 'output');
  const csv2json = readFileSync(join(EXAMPLES, 'csv2json.wasm'));
  const job = (...args) => ({
    wasm: csv2json,
    args: ['csv2json', ...args],
    output,
  });
  try {
    console.log('converts:', await run(job('--lines', 'stock.csv'), 60_000));
    console.log(readFileSync(output, 'utf8').split('\n')[0]);
    console.log(
      'writes:',
      await run(job('-o', 'made.json', 'stock.csv'), 60_000),
    );
    console.log('leaves:', await run(job('../package.json'), 60_000));
    console.log(
      'runs on:',
      await run({ wasm: ENDLESS, args: [], output }, 500),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (isMainThread) {
  await main();
} else {
  parentPort.postMessage(guest(workerData));
}
