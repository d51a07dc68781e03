'use strict';

// The stack of a trap: function names from the name section, source lines from DWARF.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { run, runSync, spawn } = require('..');
const { addPlaces } = require('../lib/backtrace');
const { compileSync } = require('../lib/run/program');
const { command } = require('./helpers/child');
const { guestPath, scratch } = require('./helpers/guest');

const TRAPS = guestPath('source_lines');
const BYTES = fs.readFileSync(TRAPS);

/** The frames of the two functions, with their lines in source_lines.c. */
const FRAMES =
  /^ {4}at .*\bcheck \(\/src\/source_lines\.c:7:\d+, wasm:\/\/.*\n {4}at .*\b_start \(\/src\/source_lines\.c:13:\d+, wasm:\/\/.*$/m;

const trapOf = (result) => result.error.stack;

test('the command shows the source line of a trap', (t) => {
  for (const options of [[], ['--max-memory', '64M'], ['--cpu-time', '1m']]) {
    const { exitCode, stderr } = command([...options, TRAPS]);
    t.is(exitCode, 134);
    t.regex(stderr, FRAMES, options.join(' '));
  }
});

test('run(), runSync() and spawn() show the source line of a trap', async (t) => {
  const options = { check: false };
  t.regex(trapOf(await run(TRAPS, options)), FRAMES);
  t.regex(trapOf(await run(BYTES, options)), FRAMES);
  t.regex(trapOf(await spawn(TRAPS).exited), FRAMES);
  for (const more of [{}, { timeout: 60_000 }, { cpuTime: 60_000 }]) {
    t.regex(trapOf(runSync(TRAPS, { ...options, ...more })), FRAMES);
  }
  // The module is rewritten for a lower maximum, so the offsets of code change.
  t.regex(trapOf(runSync(TRAPS, { ...options, maxMemory: 2 ** 26 })), FRAMES);
  t.regex(t.throws(() => runSync(TRAPS)).cause.stack, FRAMES);
});

test('a module that the program compiles itself has no source lines', (t) => {
  const module = new WebAssembly.Module(BYTES);
  const { error } = runSync(module, { check: false });
  t.regex(error.stack, /check \(wasm:/);
});

test('without DWARF the stack is that of the engine', (t) => {
  const { error } = runSync(guestPath('trap'), { check: false });
  t.true(error instanceof WebAssembly.RuntimeError);
  t.regex(error.stack, /^ {4}at .*wasm:\/\/wasm\/.*:wasm-function\[0\]:0x/m);
  t.false(error.stack.includes(', wasm:'));
});

/** The module with other content in a section, of any length. */
function withSection(name, change) {
  const at = BYTES.indexOf(`${String.fromCharCode(name.length)}${name}`);
  // A custom section; its size is encoded in one or two bytes here.
  const head = BYTES[at - 2] === 0 ? at - 2 : at - 3;
  const size = BYTES.subarray(head + 1, at);
  const length = size.length === 1 ? size[0] : (size[0] & 127) | (size[1] << 7);
  const start = at + 1 + name.length;
  const content = change(Buffer.from(BYTES.subarray(start, at + length)));
  const body = Buffer.concat([BYTES.subarray(at, start), content]);
  const leb = [(body.length & 127) | 128, (body.length >> 7) & 127];
  return Buffer.concat([
    BYTES.subarray(0, head),
    Buffer.from([0, ...leb]),
    body,
    BYTES.subarray(at + length),
  ]);
}

/** The stack of a module that traps. */
function stackOf(t, bytes) {
  const { reason, error } = runSync(bytes, { check: false });
  t.is(reason, 'trap');
  t.is(error.message, 'unreachable');
  return error.stack;
}

test('broken DWARF leaves all of a trap but its lines', (t) => {
  t.regex(
    stackOf(
      t,
      withSection('.debug_line', (line) => line),
    ),
    FRAMES,
  );
  const [{ byteLength: length }] = WebAssembly.Module.customSections(
    new WebAssembly.Module(BYTES),
    '.debug_line',
  );
  t.true(length > 50);
  const shapes = [
    () => Buffer.alloc(0),
    () => Buffer.alloc(1000, 0xff),
    ...Array.from({ length }, (_, at) => [
      (line) => line.subarray(0, at),
      (line) => line.fill(0xff, at, at + 1),
      (line) => line.fill(0x80, at, Math.min(at + 10, length)),
      (line) => line.fill(0, at, at + 1),
    ]).flat(),
  ];
  for (const shape of shapes) {
    const stack = stackOf(t, withSection('.debug_line', shape));
    t.regex(stack, /\bcheck \(.*wasm:/);
  }
  const nameless = withSection('.debug_line_str', () => Buffer.alloc(0));
  t.regex(stackOf(t, nameless), /\bcheck \(wasm:/);
});

test('file names with control characters are not shown', (t) => {
  const file = path.join(scratch(t), 'test.wasm');
  const bytes = withSection('.debug_line_str', (names) => {
    names[names.indexOf('lines.c')] = 0x1b;
    return names;
  });
  fs.writeFileSync(file, bytes);
  const { stderr } = command([file]);
  t.regex(stderr, /\bcheck \(wasm:/);
  t.false(stderr.includes('\u001B'));
});

test('an error whose stack cannot be changed is thrown unchanged', (t) => {
  const module = compileSync(BYTES);
  const { error } = runSync(new WebAssembly.Module(BYTES), { check: false });
  const { stack } = error;
  const frozen = Object.freeze({ stack });
  addPlaces(frozen, module);
  t.is(frozen.stack, stack);
  const hostile = {
    get stack() {
      throw new Error('not to be seen');
    },
  };
  for (const value of [undefined, null, 1, {}, { stack: 1 }, hostile]) {
    t.notThrows(() => addPlaces(value, module));
  }
  const twice = { stack };
  addPlaces(twice, module);
  t.regex(twice.stack, FRAMES);
  const once = twice.stack;
  addPlaces(twice, module);
  t.is(twice.stack, once);
});
