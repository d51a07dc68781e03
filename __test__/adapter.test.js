'use strict';

// Adapters: a module of WebAssembly between a guest and the addon.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { loadBinding } = require('../lib/core');
const { runSync } = require('..');
const { assemble, scratch } = require('./helpers/guest');

const EINVAL = 28;

const IMPORT = (name, params, result = '(result i32)') =>
  `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) ${result}))`;
const EXIT = IMPORT('proc_exit', 'i32', '');

test('an adapter has each call of WASI, and takes a memory and one function', (t) => {
  const { adapterModule, callNames } = loadBinding();
  const names = callNames();
  const module = new WebAssembly.Module(
    adapterModule(names.join(' '), 'preview1'),
  );
  t.deepEqual(
    WebAssembly.Module.exports(module).map(({ name }) => name),
    names,
  );
  t.deepEqual(
    WebAssembly.Module.imports(module).map(({ name, kind }) => [name, kind]),
    [
      ['memory', 'memory'],
      ['call', 'function'],
    ],
  );
  t.throws(() => adapterModule('fd_nothing', 'preview1'), {
    message: /fd_nothing/,
  });
});

test('a guest may declare a call with other types, and gets EINVAL', async (t) => {
  // As tools without support for BigInt generate it.
  const guest = await assemble(`(module
    ${IMPORT('fd_seek', 'i32 i32 i32 i32 i32')} ${EXIT}
    (memory (export "memory") 1)
    (func (export "_start") (call $proc_exit
      (call $fd_seek (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))`);
  t.is(runSync(guest, { check: false }).exitCode, EINVAL);
});

/** Reads 5 bytes of a file, grows its memory, reads 5 more, and exits with the last of them. */
const READER = `(module
  ${IMPORT('path_open', 'i32 i32 i32 i32 i32 i64 i64 i32 i32')}
  ${IMPORT('fd_read', 'i32 i32 i32 i32')} ${EXIT}
  (memory (export "memory") 1)
  (data (i32.const 0) "f")
  (data (i32.const 16) "\\40\\00\\00\\00\\05\\00\\00\\00")
  (func $read (if (call $fd_read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 32))
    (then unreachable)))
  (func (export "_start")
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1)
          (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))
      (then unreachable))
    (call $read)
    (drop (memory.grow (i32.const 100)))
    (call $read)
    (call $proc_exit (i32.load8_u (i32.const 68)))))`;

test('a call during which another guest runs is not changed by that', async (t) => {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'f'), 'abcdefghij');
  const reader = await assemble(READER);
  const inner = [];
  const files = {
    ...fs,
    readSync(...args) {
      const preopens = { '/': directory };
      if (inner.length < 10) {
        inner.push(null);
        inner[inner.length - 1] = runSync(reader, {
          preopens,
          check: false,
        }).exitCode;
      }
      return fs.readSync(...args);
    },
  };
  const at = (file) => path.join(directory, file);
  for (const name of ['openSync', 'lstatSync', 'statSync', 'readdirSync']) {
    files[name] = (file, ...rest) => fs[name](at(String(file)), ...rest);
  }
  const { exitCode } = runSync(reader, {
    preopens: { '/': files },
    check: false,
  });
  t.is(exitCode, 'j'.charCodeAt(0));
  t.true(inner.length > 0 && inner.every((code) => code === 106));
});

test('an error that imports of the user throw at the start is thrown unchanged', async (t) => {
  const guest = await assemble(`(module
    ${IMPORT('fd_close', 'i32')} (import "mine" "go" (func $go))
    (memory (export "memory") 1) (start $go))`);
  let count = 0;
  const error = new WebAssembly.LinkError('mine');
  const imports = {
    mine: {
      go() {
        count++;
        throw error;
      },
    },
  };
  t.is(
    t.throws(() => runSync(guest, { imports })),
    error,
  );
  t.is(count, 1);
});
