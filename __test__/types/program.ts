// Checked by `npm run test:types`, never run: programs that use the types.

import nodeFs, { readFileSync } from 'node:fs';
import net from 'node:net';
import {
  constants,
  file,
  type FileTree,
  Image,
  MemoryFS,
  symlink,
  WASI,
  type WASICapability,
  type WASIExitError,
  type WASIFileSystem,
  type WASILimits,
  type WASIOptions,
  type WASIPreopen,
} from 'wasi-rs';

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

// Standard streams other than descriptors.
const piped = new WASI({
  version: 'preview1',
  input: 'text',
  stdout: 'pipe',
  stderr: (chunk) => void chunk.toString('utf8'),
  maxBuffer: 1024,
});
export const captured: Buffer | null = piped.stdout ?? piped.stderr;
for (const stdin of [
  'ignore' as const,
  new Uint8Array(1),
  (size: number) => (size > 1 ? 'text' : null),
]) {
  new WASI({ version: 'preview1', stdin, stdout: 'inherit' });
}
// @ts-expect-error -- nothing waits for a promise
new WASI({ version: 'preview1', stdin: async () => 'text' });
// @ts-expect-error -- what is written goes somewhere
new WASI({ version: 'preview1', stdout: new Uint8Array(1) });

// What every program does, without a cast.
const wasi = new WASI(options);
const module = new WebAssembly.Module(readFileSync('app.wasm'));
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
const suspending = wasi.getImportObject({ suspending: true });
new WASI({ version: 'preview1', threads: { max: 2, warm: 1 } }).getImportObject(
  {
    module,
    memory: new WebAssembly.Memory({ initial: 1 }),
  },
);
new WASI({ version: 'preview1', stdin: process.stdin, stdout: process.stdout });
new WASI({ version: 'preview1', stdin: new Blob([]).stream() });
const isZero: Promise<boolean> = wasi
  .startAsync(new WebAssembly.Instance(module, suspending), {
    timeout: 1000,
    signal: AbortSignal.timeout(1000),
  })
  .then((code) => code === 0);
// @ts-expect-error: no such option
void wasi.startAsync(instance, { cpuTime: 1 });
const exitCode: number = wasi.start(instance);

// What everybody passes once in the place of its property `instance`.
void WebAssembly.instantiate(new Uint8Array(1)).then((source) => {
  // @ts-expect-error: its property `instance` is one
  wasi.start(source);
  // @ts-expect-error: likewise
  wasi.initialize(source);
  return wasi.start(source.instance);
});

// A deterministic guest.
new WASI({
  version: 'preview1',
  random: { seed: 42 },
  clock: { realtime: new Date(0), step: 1n, sleep: 'skip' },
});
new WASI({
  version: 'preview1',
  random: (bytes) => void bytes.fill(4),
  clock: { realtime: () => 1n, monotonic: process.hrtime.bigint },
});
// @ts-expect-error: milliseconds, or what?
new WASI({ version: 'preview1', clock: { realtime: Date.now() } });

// Own functions besides WASI's, and in place of them.
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

// A derived class.
class Sandbox extends WASI {
  constructor(root: string) {
    super({ version: 'preview1', preopens: { '/': root } });
  }
}

function exitCodeOf(error: unknown): number | undefined {
  const exit = error as WASIExitError;
  return exit.code === 'ERR_WASI_EXITED' ? exit.exitCode : undefined;
}

// A guest with restrictions.
const data: WASIPreopen = { path: './data', readOnly: true };
const memory = new MemoryFS(
  {
    'in.csv': 'name,count',
    lib: { 'x.py': new Uint8Array(1), y: new ArrayBuffer(1) },
    link: symlink('in.csv'),
    dated: file('text', { mtime: new Date() }),
  },
  { maxBytes: 1 << 20, maxFiles: Infinity },
);
const parts: WASIOptions['preopens'] = {
  '/tmp': memory,
  '/lib': { fs: memory, path: '/lib', readOnly: true },
  // @ts-expect-error -- a path of what?
  '/none': { readOnly: true },
};
const kept: string = memory.readFileSync('/in.csv', 'utf8');
const exported: FileTree = memory.export('/lib');
const used: number = memory.usage.bytes + memory.usage.files;
const host: WASIFileSystem = new MemoryFS(exported);
// @ts-expect-error -- no plain object is an entry
new MemoryFS({ link: { kind: 'symlink', target: 1 } });
const limits: WASILimits = { descriptors: 64, symlinkHops: 0 };
const capabilities: WASICapability[] = [
  'fd_prestat',
  'wasi_snapshot_preview1:fd_prestat',
  'wasi_unstable:random_get',
  'args',
  'stdio',
  'fs:read',
  'exit',
];
const limited = new WASI({
  version: 'preview1',
  preopens: { '/data': data, '/log': { path: './log', rights: ['path_open'] } },
  limits,
  capabilities: [...capabilities, 'fd_datasync'] as const,
});
limited.addCapability('clock');
limited.addCapability('poll_oneoff');
new WASI({
  version: 'preview1',
  preopens: { '/': { path: '/', readOnly: undefined, rights: undefined } },
  limits: { iovecs: undefined },
  capabilities: undefined,
});

// Guests that end.
function runOnce(root: string): number {
  using guest = new Sandbox(root);
  return guest.start(instance);
}
async function runLater(root: string): Promise<void> {
  await using guest: AsyncDisposable = new Sandbox(root);
  void guest;
}
limited.stop();
limited.stop(3);
const closed: void = limited.close();

// The guest's files.
const files: WASIFileSystem = wasi.fs;
const fd: number = wasi.fs.open('myfile.txt', constants.O_RDONLY);
const bytes: Buffer = wasi.fs.read(fd);
const some: Buffer = wasi.fs.read(fd, 10);
const count: number = wasi.fs.read(fd, bytes, 0, 1, null);
wasi.fs.close(fd);
wasi.fs.close(fd, (error) => void error);
wasi.fs.read(fd, bytes, 0, 1, 0, (error, bytesRead) => [error, bytesRead]);
wasi.mount('/tmp', new MemoryFS());
wasi.mount('/srv', { path: '/srv', readOnly: true });
wasi.mount('/etc/app.json', file('{}'));
wasi.unmount('/tmp');
const written: number = wasi.writeSync(fd, 'Hello');
const text: string = files.readFileSync('a.txt', 'utf8');
const size: bigint = files.statSync('a.txt', { bigint: true }).size;
const names: string[] = files
  .readdirSync('.', { withFileTypes: true })
  .map((entry) => entry.name);
async function readLater(): Promise<string> {
  await using handle = await files.promises.open('a.txt');
  return handle.readFile('utf8');
}

// Mistakes that must not compile.
// @ts-expect-error version is mandatory
new WASI({});
// @ts-expect-error no such version
new WASI({ version: 'preview2' });
// @ts-expect-error a descriptor is a number
new WASI({ version: 'preview1', stdin: 'in.txt' });
// node:fs is a file system, and so is an object with a few of its functions.
new WASI({
  version: 'preview1',
  preopens: {
    '/': nodeFs,
    '/srv': { fs: nodeFs, path: '/srv', readOnly: true },
    '/few': {
      openSync: () => 3,
      closeSync() {},
      readSync: () => 0,
      readdirSync: () => ['name'],
      lstatSync: () => ({ mode: 0o100644, size: 0, mtimeMs: 0 }),
    },
  },
});
// @ts-expect-error a file system has more than that
new WASI({ version: 'preview1', preopens: { '/': { fs: { openSync() {} } } } });
// @ts-expect-error preopens map to paths
new WASI({ version: 'preview1', preopens: { '/': 1 } });
// @ts-expect-error a preopen has a path
const nowhere: WASIPreopen = { readOnly: true };
// @ts-expect-error misspelled
const misspelled: WASIPreopen = { path: '/', readonly: true };
// @ts-expect-error no such right
const unknown: WASIPreopen = { path: '/', rights: ['read'] };
// @ts-expect-error no such limit
new WASI({ version: 'preview1', limits: { memory: 1 } });
// @ts-expect-error no such capability
new WASI({ version: 'preview1', capabilities: ['fs'] });
// @ts-expect-error no such capability
limited.addCapability('fs');
// @ts-expect-error a descriptor is a number
files.openSync('a.txt', constants.O_RDONLY).toUpperCase();
// @ts-expect-error there is nothing to watch with
files.watch('a.txt');
// @ts-expect-error wasiImport itself is not to be replaced
wasi.wasiImport = {};

// Sockets.
const serving = new WASI({
  version: 'preview1',
  listeners: [
    { port: 0, host: '::1' },
    { path: 'socket' },
    5,
    new net.Server(),
  ],
  connections: [new net.Socket(), 6],
});
const listensAt: (net.AddressInfo | string | null)[] = serving.listeners.map(
  (listener) => listener.address(),
);
// @ts-expect-error neither a port nor a path
new WASI({ version: 'preview1', listeners: [{ host: '::1' }] });
// @ts-expect-error a port beside a path
new WASI({ version: 'preview1', listeners: [{ path: 'socket', port: 1 }] });

export { isZero, listensAt };
export {
  closed,
  count,
  names,
  readLater,
  size,
  some,
  text,
  written,
  exitCode,
  exitCodeOf,
  host,
  kept,
  misspelled,
  nowhere,
  parts,
  runLater,
  runOnce,
  Sandbox,
  unknown,
  used,
};

// The changes of a guest over an image, and their uses.
const image: Image = Image.fromTar('lib.tar.gz', { maxBytes: 1 << 30 });
const over = new MemoryFS(image, { maxBytes: 1 << 20 });
for (const { path, type, from } of over.changes()) {
  if (type === 'renamed') console.log(`${from} -> ${path}`);
}
const layer: Buffer = over.toTar({ changes: true });
Image.fromZip(layer);
MemoryFS.overlay('.').applyTo(new URL('file:///tmp/out'));
const inWorker: Image = Image.open(over.snapshot().handle);
new WASI({ version: 'preview1', preopens: { '/': { fs: inWorker } } });
// @ts-expect-error -- there are functions for that
new Image();
