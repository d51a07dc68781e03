// Runs one program in several workers at once. The module is compiled once and
// shared; each worker has an instance of its own, and a directory of its own.
//
//   node examples/workers.mjs

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Worker,
  isMainThread,
  parentPort,
  workerData,
} from 'node:worker_threads';

import { WASI } from 'wasi-rs';

/** A program of any length, off the main thread; resolves to its exit code. */
function inWorker(data) {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function main() {
  const module = await WebAssembly.compile(
    readFileSync(new URL('csv2json.wasm', import.meta.url)),
  );
  const root = mkdtempSync(join(tmpdir(), 'workers-'));
  const directories = ['north', 'south', 'east', 'west'].map((name, index) => {
    const directory = join(root, name);
    mkdirSync(directory);
    writeFileSync(
      join(directory, 'input.csv'),
      `place,count\n${name},${index}\n`,
    );
    return directory;
  });
  try {
    const codes = await Promise.all(
      directories.map((directory) => inWorker({ module, directory })),
    );
    console.log('exit codes', ...codes);
    for (const directory of directories) {
      const [row] = JSON.parse(
        readFileSync(join(directory, 'output.json'), 'utf8'),
      );
      console.log(row.place, row.count);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
}

if (isMainThread) {
  await main();
} else {
  const { module, directory } = workerData;
  const wasi = new WASI({
    version: 'preview1',
    args: ['csv2json', '--types', '-o', 'output.json', 'input.csv'],
    preopens: { '/': directory },
  });
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  parentPort.postMessage(wasi.start(instance));
}
