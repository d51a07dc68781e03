// Checked by `npm run test:types`, never run: programs that use the types.

import { readFileSync } from 'node:fs';
import { WASI, type WASIExitError, type WASIOptions } from 'wasi-rs';

const options: WASIOptions = {
  version: 'preview1',
  args: process.argv,
  env: process.env,
  preopens: { '/data': './data' },
  returnOnExit: true,
  stdin: 0,
  stdout: 1,
  stderr: 2,
};

// What every program does, without a cast.
const wasi = new WASI(options);
const module = new WebAssembly.Module(readFileSync('app.wasm'));
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
const exitCode: number = wasi.start(instance);

// Functions of one's own beside WASI's, and in place of them.
const { fd_write } = wasi.wasiImport;
wasi.wasiImport.fd_write = (...args: number[]) => fd_write(...args);
new WebAssembly.Instance(module, {
  ...wasi.getImportObject(),
  wasi_snapshot_preview1: { ...wasi.wasiImport, sched_yield: () => 0 },
  env: { memory: new WebAssembly.Memory({ initial: 1 }) },
});

// A reactor, and a thread on a memory that it imports.
wasi.initialize(instance);
wasi.finalizeBindings(
  { exports: {} },
  { memory: new WebAssembly.Memory({ initial: 1 }) },
);

// A class made from it.
class Sandbox extends WASI {
  constructor(root: string) {
    super({ version: 'preview1', preopens: { '/': root } });
  }
}

function exitCodeOf(error: unknown): number | undefined {
  const exit = error as WASIExitError;
  return exit.code === 'ERR_WASI_EXITED' ? exit.exitCode : undefined;
}

// Mistakes that must not compile.
// @ts-expect-error version is mandatory
new WASI({});
// @ts-expect-error no such version
new WASI({ version: 'preview2' });
// @ts-expect-error a descriptor is a number
new WASI({ version: 'preview1', stdin: 'in.txt' });
// @ts-expect-error preopens map to paths
new WASI({ version: 'preview1', preopens: { '/': 1 } });
// @ts-expect-error wasiImport itself is not to be replaced
wasi.wasiImport = {};

export { exitCode, exitCodeOf, Sandbox };
