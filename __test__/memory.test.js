'use strict';

// The memory that an instance works on: exported or imported, shared, grown,
// large, and of 64 bits.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { NODE_MAJOR, NodeWASI, WASI } = require('./helpers/compare');
const { assemble, guest, run, scratch } = require('./helpers/guest');

const EOVERFLOW = 61;
const PAGE = 65536;
const GIB = 2 ** 30;

function make(options) {
  return new WASI({ version: 'preview1', ...options });
}

/** Instantiates a guest that writes to a file, and returns what it has written. */
function withOutput(t, name, imports = {}) {
  const file = path.join(scratch(t), 'output');
  const fd = fs.openSync(file, 'w');
  t.teardown(() => fs.closeSync(fd));
  const wasi = make({ stdout: fd });
  const instance = new WebAssembly.Instance(guest(name), {
    ...wasi.getImportObject(),
    ...imports,
  });
  return { wasi, instance, printed: () => fs.readFileSync(file, 'utf8') };
}

test('a memory that the guest exports', (t) => {
  t.deepEqual(run(t, WASI, 'hello'), { exitCode: 0, printed: 'hello\n' });
});

test('a memory that the guest imports and does not export', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { wasi, instance, printed } = withOutput(t, 'imported_memory', {
    env: { memory },
  });
  t.throws(() => wasi.start(instance), { code: 'ERR_INVALID_ARG_TYPE' });
  wasi.finalizeBindings(instance, { memory });
  instance.exports._start();
  t.is(printed(), 'imported\n');
});

test('start() with the imported memory in an object around the exports', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { wasi, instance, printed } = withOutput(t, 'imported_memory', {
    env: { memory },
  });
  const { _start } = instance.exports;
  t.is(wasi.start({ exports: { __proto__: null, memory, _start } }), 0);
  t.is(printed(), 'imported\n');
});

test('a shared memory', (t) => {
  const memory = new WebAssembly.Memory({
    initial: 1,
    maximum: 16,
    shared: true,
  });
  const { wasi, instance, printed } = withOutput(t, 'shared_memory', {
    env: { memory },
  });
  t.true(memory.buffer instanceof SharedArrayBuffer);
  t.is(wasi.start(instance), 0);
  t.is(printed(), 'shared\n');
});

test('a shared memory that grows', (t) => {
  const memory = new WebAssembly.Memory({
    initial: 1,
    maximum: 16,
    shared: true,
  });
  const { wasi, instance, printed } = withOutput(t, 'shared_memory', {
    env: { memory },
  });
  const { clock_at, grow, write_at } = instance.exports;
  wasi.finalizeBindings(instance);
  t.is(clock_at(PAGE - 8 - 1), 0);
  t.is(clock_at(PAGE), EOVERFLOW);
  t.is(grow(1), 1);
  t.is(clock_at(PAGE), 0);
  t.is(write_at(2 * PAGE - 64), 0);
  t.is(clock_at(2 * PAGE), EOVERFLOW);
  memory.grow(1);
  t.is(write_at(2 * PAGE), 0);
  t.is(printed(), 'at ptr\nat ptr\n');
});

test('a memory that the guest grows between calls', (t) => {
  const { exitCode, printed } = run(t, WASI, 'grow_during');
  t.deepEqual([exitCode, printed], [0, 'abcdefghijklmnop\n']);
});

test('a memory that the host grows between calls', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const wasi = make({ args: ['name'] });
  wasi.finalizeBindings({ exports: { memory } });
  const { args_sizes_get } = wasi.wasiImport;
  for (let pages = 1; pages < 20; pages++) {
    const at = pages * PAGE;
    t.is(args_sizes_get(at, at + 4), EOVERFLOW);
    memory.grow(1);
    t.is(args_sizes_get(at, at + 4), 0);
    t.deepEqual([...new Uint32Array(memory.buffer, at, 2)], [1, 5]);
  }
});

test('a memory whose buffer the host has detached', (t) => {
  // Growing by nothing detaches the old buffer and makes a new one.
  const memory = new WebAssembly.Memory({ initial: 1 });
  const wasi = make();
  wasi.finalizeBindings({ exports: { memory } });
  const before = memory.buffer;
  t.is(wasi.wasiImport.random_get(0, 16), 0);
  memory.grow(0);
  t.is(before.byteLength, 0);
  t.is(wasi.wasiImport.random_get(0, 16), 0);
  t.true(new Uint8Array(memory.buffer, 0, 16).some((byte) => byte !== 0));
});

test('pointers of 2 GiB and more', (t) => {
  const directory = scratch(t);
  const file = path.join(directory, 'output');
  const fd = fs.openSync(file, 'w');
  t.teardown(() => fs.closeSync(fd));
  const wasi = make({ stdout: fd, preopens: { '/': directory } });
  const { exports } = new WebAssembly.Instance(
    guest('big_memory'),
    wasi.getImportObject(),
  );
  wasi.initialize({ exports });
  for (const pages of [2 * (GIB / PAGE) + 1, 65536]) {
    if (exports.reserve(pages) === -1) {
      t.log(`no room for ${pages} pages`);
      t.pass();
      return;
    }
    const ptr = pages * PAGE - 128;
    // A number of 2 ** 31 and more that JavaScript passes as an i32 becomes negative.
    t.is(exports.clock_time_get(ptr), 0);
    t.is(exports.fd_write(ptr), 0);
    t.is(exports.random_get(ptr, 64), 0);
    t.is(exports.poll_oneoff(ptr), 0);
    t.is(exports.create(ptr), 0);
    const opened = new DataView(exports.memory.buffer).getUint32(ptr, true);
    t.is(exports.fd_pwrite(opened, ptr), 0);
    // Signatures with an i64 beside the pointer: EINVAL on Node 24 and 26.
    t.is(exports.fd_seek(opened, 1n, ptr), 0);
    t.is(
      fs.readFileSync(path.join(directory, 'high'), 'utf8').slice(3),
      'high\n',
    );
    fs.rmSync(path.join(directory, 'high'));
  }
  t.is(fs.readFileSync(file, 'utf8'), 'high\nhigh\n');
  t.is(exports.random_get(2 ** 32 - 16, 16), 0);
  t.is(exports.random_get(2 ** 32 - 16, 17), EOVERFLOW);
});

test('a memory of 64 bits is taken where the engine has it', (t) => {
  let memory;
  try {
    memory = new WebAssembly.Memory({ initial: 1n, address: 'i64' });
    if (memory.buffer.byteLength !== PAGE) throw new TypeError('another kind');
  } catch {
    t.true(NODE_MAJOR < 24 || !NodeWASI, 'unknown to this engine');
    return;
  }
  for (const Class of [WASI, NodeWASI].filter(Boolean)) {
    const wasi = new Class({ version: 'preview1' });
    wasi.finalizeBindings({ exports: { memory } });
    t.is(wasi.wasiImport.random_get(0, 16), 0);
  }
});

test('the start section of a module runs before any memory is bound', async (t) => {
  const module = new WebAssembly.Module(
    await assemble(`(module
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (memory (export "memory") 1)
      (func $early call $yield drop)
      (start $early))`),
  );
  const error = t.throws(
    () => new WebAssembly.Instance(module, make().getImportObject()),
  );
  t.is(error.code, 'ERR_WASI_NOT_STARTED');
});

test('a later kSetMemory replaces the memory', (t) => {
  const wasi = make();
  const kSetMemory = Object.getOwnPropertySymbols(wasi).find(
    ({ description }) => description === 'kSetMemory',
  );
  const memories = [1, 2].map((initial) => new WebAssembly.Memory({ initial }));
  for (const memory of memories) {
    wasi[kSetMemory](memory);
    t.is(wasi.wasiImport.random_get(0, 32), 0);
    t.true(new Uint8Array(memory.buffer, 0, 32).some((byte) => byte !== 0));
    new Uint8Array(memory.buffer).fill(0);
  }
  t.is(wasi.wasiImport.random_get(PAGE, 32), 0);
  t.true(new Uint8Array(memories[0].buffer).every((byte) => byte === 0));
});
