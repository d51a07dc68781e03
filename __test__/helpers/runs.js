'use strict';

// Guests for the tests of run(), spawn() and Pool: small ones that misbehave, and ways to
// have another one wait.

const fs = require('node:fs');

const { assemble, guestPath } = require('./guest');

const FD_WRITE = `(import "wasi_snapshot_preview1" "fd_write"
  (func $fd_write (param i32 i32 i32 i32) (result i32)))`;
const PROC_EXIT = `(import "wasi_snapshot_preview1" "proc_exit"
  (func $proc_exit (param i32)))`;

/** A module with a memory of its own, from imports and other fields. */
function wat(
  fields,
  { imports = '', memory = '(memory (export "memory") 1)' },
) {
  return `(module ${imports} ${memory} ${fields})`;
}

const SOURCES = {
  /** Computes forever. */
  spin: wat('(func (export "_start") (loop $l (br $l)))', {}),
  /** Writes 64 KiB to standard output forever, whatever the result. */
  flood: wat(
    `(data (i32.const 0) "\\10\\00\\00\\00\\00\\00\\01\\00")
     (func (export "_start")
       (loop $l
         (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
         (br $l)))`,
    { imports: FD_WRITE, memory: '(memory (export "memory") 2)' },
  ),
  /** Fills a large memory forever, by an instruction during which the engine seldom checks for termination. */
  fill: wat(
    `(func (export "_start")
       (loop $l
         (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))
         (br $l)))`,
    { memory: '(memory (export "memory") 1024)' },
  ),
  /** Grows by a page until that fails; exits with the number of pages. */
  grow: wat(
    `(func (export "_start")
       (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
       (call $proc_exit (memory.size)))`,
    { imports: PROC_EXIT },
  ),
  /** Begins with a page, grows by 8 and exits with the number of pages. */
  growOnce: wat(
    `(func (export "_start")
       (drop (memory.grow (i32.const 8)))
       (call $proc_exit (memory.size)))`,
    { imports: PROC_EXIT },
  ),
  /** Traps in its _initialize. */
  badInitialize: wat('(func (export "_initialize") unreachable)', {}),
  /** Traps in its start function, which runs before everything else. */
  badStart: wat(
    '(func $trap unreachable) (start $trap) (func (export "_start"))',
    {},
  ),
  /** Exits in its start function. */
  exitsInStart: wat(
    '(func $exit (call $proc_exit (i32.const 5))) (start $exit) (func (export "_start"))',
    { imports: PROC_EXIT },
  ),
  /** Has no entry. */
  library: wat('(func (export "add") (result i32) (i32.const 1))', {}),
  /** Recurses until the stack overflows. */
  deep: wat('(func $f (export "_start") (call $f))', {}),
  /** Throws an exception that nobody catches. */
  throws: wat('(tag $t) (func (export "_start") (throw $t))', {}),
  /** Exits with the result of a function of the host. */
  asks: wat('(func (export "_start") (call $proc_exit (call $ask)))', {
    imports: `${PROC_EXIT} (import "host" "ask" (func $ask (result i32)))`,
  }),
};

const assembled = new Map();

/** The bytes of one of the modules above. */
function bytesOf(name) {
  if (!assembled.has(name))
    assembled.set(name, assemble(SOURCES[name], { bulk_memory: true }));
  return assembled.get(name);
}

/** The arguments with which poll.wasm waits for longer than any test. */
const AGES = `after:1:${10n ** 14n}`;

/** Guests that wait, one for each way to wait, as arguments of `spawn()`. */
const WAITING = {
  'for a time': [guestPath('poll'), { args: ['-v', AGES] }],
  'for input': [guestPath('cat'), {}],
  'for a descriptor': [guestPath('poll'), { args: ['-v', 'read:0'] }],
};

/** The reason with which a promise is rejected. */
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not rejected');
}

/** The number of descriptors of the process, on systems that have it. */
function openDescriptors() {
  return fs.readdirSync('/proc/self/fd').length;
}

/** Tests for systems that have the descriptors of the process. */
const CAN_COUNT = process.platform === 'linux';

module.exports = {
  AGES,
  CAN_COUNT,
  WAITING,
  bytesOf,
  guestPath,
  openDescriptors,
  rejection,
};
