'use strict';

// proc_exit: with returnOnExit, start() returns its code, and no guest survives it;
// without, it is process.exit().

const test = require('ava');

const { script } = require('./helpers/child');
const { NodeWASI, WASI, outcome, sameAsNode } = require('./helpers/compare');
const { assemble, duck, guest, run, scratch } = require('./helpers/guest');

const EINVAL = 28;

function make(WASI, options) {
  return new WASI({ version: 'preview1', ...options });
}

/** Calls proc_exit from a guest made of JavaScript functions, with any argument. */
function exitWith(WASI, ...values) {
  const wasi = make(WASI);
  return wasi.start(
    duck({ _start: () => wasi.wasiImport.proc_exit(...values) }),
  );
}

test('start() returns the exit code of a program', (t) => {
  for (const [code, expected] of [
    ['0', 0],
    ['1', 1],
    ['255', 255],
    ['256', 256],
    ['2147483647', 2147483647],
    // A guest passes an i32.
    ['4294967295', -1],
    ['return', 0],
  ]) {
    const { returned } = sameAsNode(t, (WASI) =>
      run(t, WASI, 'exit', { args: ['exit', code, 'text'] }),
    );
    t.deepEqual(returned, { exitCode: expected, printed: 'text\n' });
  }
});

test('an exit code is an i32, and any other value is EINVAL', (t) => {
  for (const value of [0, 7, -1, 2 ** 31 - 1, -(2 ** 31)]) {
    const { returned } = sameAsNode(t, (WASI) => exitWith(WASI, value));
    t.is(returned, value);
  }
  t.is(exitWith(WASI, 2 ** 32 - 1), -1);
  const symbol = Symbol('code');
  for (const values of [
    ...['7', null, undefined, 1.5, NaN, -0, 2 ** 32, {}, 5n, symbol].map(
      (value) => [value],
    ),
    [],
    [1, 2, 3],
  ]) {
    const wasi = make(WASI);
    let errno;
    const code = wasi.start(
      duck({
        _start() {
          errno = wasi.wasiImport.proc_exit(...values);
        },
      }),
    );
    t.deepEqual([errno, code], [EINVAL, 0]);
  }
});

test('start() returns the code of an earlier exit', (t) => {
  const { returned } = sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    try {
      wasi.wasiImport.proc_exit(7);
    } catch {
      // No guest is running that it could end.
    }
    return wasi.start(duck({ _start() {} }));
  });
  t.is(returned, 7);
});

test('an exit outside of start() is an error that says so', (t) => {
  const wasi = make(WASI);
  const { proc_exit } = wasi.wasiImport;
  for (const [title, body] of [
    ['proc_exit', () => proc_exit(3)],
    ['initialize', () => wasi.initialize(duck({ _initialize: body3 }))],
  ]) {
    const error = t.throws(body, { any: true }, title);
    t.true(error instanceof WebAssembly.RuntimeError);
    t.is(error.name, 'RuntimeError');
    t.is(error.code, 'ERR_WASI_EXITED');
    t.is(error.exitCode, 3);
    t.is(error.message, 'The guest exited with code 3');
    t.deepEqual(Object.keys(error), ['code', 'exitCode']);
    t.regex(error.stack, /^RuntimeError: The guest exited with code 3\n +at /);
  }
  function body3() {
    proc_exit(3);
  }
});

test('proc_exit inside a real _initialize', (t) => {
  const wasi = make(WASI);
  const instance = new WebAssembly.Instance(
    guest('reactor_exit'),
    wasi.getImportObject(),
  );
  const error = t.throws(() => wasi.initialize(instance), { any: true });
  t.is(error.code, 'ERR_WASI_EXITED');
  t.is(error.exitCode, 5);
  t.is(instance.exports.survived.value, 0);
  if (!NodeWASI) return;
  // Node throws a bare symbol.
  t.is(
    outcome(() => {
      const node = make(NodeWASI);
      node.initialize(
        new WebAssembly.Instance(guest('reactor_exit'), node.getImportObject()),
      );
    }).thrown,
    'Symbol(kExitCode)',
  );
});

test('two exits throw two errors', (t) => {
  const { proc_exit } = make(WASI).wasiImport;
  const [first, second] = [1, 2].map((code) =>
    t.throws(() => proc_exit(code), { any: true }),
  );
  t.not(first, second);
  t.deepEqual([first.exitCode, second.exitCode], [1, 2]);
});

test('an error that only looks like an exit is passed on', (t) => {
  const forged = Object.assign(new WebAssembly.RuntimeError('exit'), {
    code: 'ERR_WASI_EXITED',
    exitCode: 0,
  });
  const instance = duck({
    _start() {
      throw forged;
    },
  });
  t.is(
    t.throws(() => make(WASI).start(instance), { any: true }),
    forged,
  );
});

// All ways for a guest to catch its own exit. An engine without one of these
// instructions cannot run the guest that uses it.
const imports = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $survived (export "survived") (mut i32) (i32.const 0))`;
const exit = `i32.const 7 call $exit`;
const survive = `i32.const 1 global.set $survived`;
const CATCHING = {
  'try, catch_all': `try ${exit} catch_all end ${survive}`,
  'try, catch_all, rethrow': `
    try try ${exit} catch_all rethrow 0 end catch_all end ${survive}`,
  'try, delegate': `
    try try ${exit} delegate 0 catch_all end ${survive}`,
  'try_table, catch_all': `
    (block $caught (try_table (catch_all $caught) ${exit})) ${survive}`,
  'try_table, catch_all_ref': `
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) ${exit}) (return))
    drop ${survive}`,
  'try_table, catch_all_ref, throw_ref': `
    (block $outer
      (try_table (catch_all $outer)
        (block $caught (result exnref)
          (try_table (catch_all_ref $caught) ${exit}) (return))
        throw_ref))
    ${survive}`,
};

for (const [title, body] of Object.entries(CATCHING)) {
  test(`no guest survives its exit: ${title}`, async (t) => {
    const bytes = await assemble(
      `(module ${imports} (func (export "_start") ${body}))`,
    );
    if (!WebAssembly.validate(bytes)) {
      t.true(title.startsWith('try_table'), 'unknown to this engine');
      return;
    }
    const module = new WebAssembly.Module(bytes);
    const end = (WASI) => {
      const wasi = make(WASI);
      const instance = new WebAssembly.Instance(module, wasi.getImportObject());
      return [wasi.start(instance), instance.exports.survived.value];
    };
    t.deepEqual(end(WASI), [7, 0]);
    if (NodeWASI) t.log(`node:wasi: runs on ${end(NodeWASI)[1]} times`);
  });
}

test('a program that catches everything has nothing open after its exit', (t) => {
  for (const name of ['exit_caught', 'exit_caught_table']) {
    const supported = outcome(() => guest(name)).returned !== undefined;
    if (!supported) continue;
    const { exitCode, printed } = run(t, WASI, name, {
      preopens: { '/': scratch(t) },
    });
    t.deepEqual([exitCode, printed], [7, '']);
  }
});

test('proc_exit may be replaced, and the original called from there', (t) => {
  const { returned } = sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    const { proc_exit } = wasi.wasiImport;
    const codes = [];
    wasi.wasiImport.proc_exit = function (code) {
      codes.push(code);
      return proc_exit.call(this, code + 1);
    };
    const { wasi_snapshot_preview1: functions } = wasi.getImportObject();
    const code = wasi.start(duck({ _start: () => functions.proc_exit(1) }));
    return [codes, code];
  });
  t.deepEqual(returned, [[1], 2]);
});

test('a finally block of the host runs while an exit passes through', (t) => {
  const steps = [];
  const wasi = make(WASI);
  const code = wasi.start(
    duck({
      _start() {
        try {
          wasi.wasiImport.proc_exit(3);
        } finally {
          steps.push('finally');
        }
      },
    }),
  );
  t.deepEqual([code, steps], [3, ['finally']]);
});

test('proc_exit does not look at memory when it only returns', (t) => {
  t.is(
    t.throws(() => make(WASI).wasiImport.proc_exit(3), { any: true }).code,
    'ERR_WASI_EXITED',
  );
  for (const returnOnExit of [true, false]) {
    const { name, length } = make(WASI, { returnOnExit }).wasiImport.proc_exit;
    t.deepEqual([name, length], ['bound proc_exit', 1]);
  }
});

test('without returnOnExit, proc_exit is checked as every other function', (t) => {
  for (const args of [[], [1, 2], ['1'], [-0], [1.5], [null], [1]]) {
    sameAsNode(t, (WASI) =>
      make(WASI, { returnOnExit: false }).wasiImport.proc_exit(...args),
    );
  }
});

/** A child in which a guest with `returnOnExit: false` exits with `code`. */
function exitingChild(code, before = '') {
  return script(`
    const { WASI } = require('.');
    ${before}
    const wasi = new WASI({ version: 'preview1', returnOnExit: false });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.start({
      exports: { memory, _start: () => wasi.wasiImport.proc_exit(${code}) },
    });
    console.log('survived');
  `);
}

test('returnOnExit: false ends the process, exit handlers included', (t) => {
  // Windows keeps all bits of an exit code, other systems the lowest eight.
  const kept = process.platform === 'win32' ? 0xffff_ffff : 0xff;
  for (const code of [0, 3, 256, 4294967295]) {
    const before = `process.on('exit', (code) => console.log('handler', code))`;
    const { exitCode, stdout, stderr } = exitingChild(code, before);
    t.is(stderr, '');
    t.is(exitCode, (code & kept) >>> 0);
    t.regex(stdout, /^handler -?\d+\n$/);
  }
});

test('returnOnExit: false calls process.exit(), which a test may replace', (t) => {
  const { stdout } = exitingChild(
    9,
    `process.exit = (code) => { console.log('asked for', code); process.reallyExit(1) };`,
  );
  t.is(stdout, 'asked for 9\n');
});

test('returnOnExit: false in a worker ends only the worker', (t) => {
  const { exitCode, stdout, stderr } = script(`
    const { Worker, isMainThread } = require('node:worker_threads');
    const source = ${JSON.stringify(`
      const { WASI } = require('.');
      const wasi = new WASI({ version: 'preview1', returnOnExit: false });
      const memory = new WebAssembly.Memory({ initial: 1 });
      wasi.start({
        exports: { memory, _start: () => wasi.wasiImport.proc_exit(5) },
      });
      console.log('survived');
    `)};
    new Worker(source, { eval: true }).on('exit', (code) => {
      console.log('worker', code);
    });
  `);
  t.is(stderr, '');
  t.deepEqual([exitCode, stdout], [0, 'worker 5\n']);
});

const NESTED = {
  outer: `(module
    (import "host" "call" (func $call))
    (memory (export "memory") 1)
    (global $done (export "done") (mut i32) (i32.const 0))
    (func (export "_start") call $call (global.set $done (i32.const 1))))`,
  inner: `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 3)))
    (func (export "run") (call $exit (i32.const 3))))`,
};

/** A guest that calls the function that `call` makes of another guest, which exits with 3. */
async function nested(call) {
  const [outer, inner] = await Promise.all(
    [NESTED.outer, NESTED.inner].map(
      async (source) => new WebAssembly.Module(await assemble(source)),
    ),
  );
  const [wasi, other] = [make(WASI), make(WASI)];
  const guest = new WebAssembly.Instance(inner, other.getImportObject());
  const instance = new WebAssembly.Instance(outer, {
    ...wasi.getImportObject(),
    host: { call: () => call(other, guest) },
  });
  return { start: () => wasi.start(instance), exports: instance.exports };
}

test('an exit belongs to its instance, and is an error in another', async (t) => {
  const { start, exports } = await nested((other, { exports }) => {
    other.finalizeBindings({ exports });
    exports.run();
  });
  const error = t.throws(start, { any: true });
  t.deepEqual([error.code, error.exitCode], ['ERR_WASI_EXITED', 3]);
  t.is(exports.done.value, 0);
});

test('a guest continues after it has run another', async (t) => {
  const codes = [];
  const { start, exports } = await nested((other, guest) => {
    codes.push(other.start(guest));
  });
  t.is(start(), 0);
  t.deepEqual([codes, exports.done.value], [[3], 1]);
});

/** The end of a guest that catches everything, without returnOnExit, after `before`. */
function mocked(t, before) {
  return JSON.parse(
    script(`
      const { WASI } = require('.');
      require('./__test__/helpers/guest').assemble(\`(module ${imports}
        (func (export "_start") try ${exit} catch_all ${survive} end))\`).then((bytes) => {
        const wasi = new WASI({ version: 'preview1', returnOnExit: false });
        const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), wasi.getImportObject());
        const { log } = console;
        const thrown = { mine: true };
        const real = process.exit;
        ${before}
        let how;
        try { how = { returned: wasi.start(instance) }; } catch (error) { how = { same: error === thrown }; }
        process.exit = real;
        log(JSON.stringify({ ...how, survived: instance.exports.survived.value }));
      });`).stdout,
  );
}

test('no guest survives a process.exit() that was replaced', (t) => {
  t.deepEqual(mocked(t, 'process.exit = () => {};'), {
    returned: 7,
    survived: 0,
  });
  for (const thrown of [
    'process.exit = () => { throw thrown; };',
    `Object.defineProperty(process, 'exit', { get() { throw thrown; }, set() {}, configurable: true });`,
  ]) {
    t.deepEqual(mocked(t, thrown), { same: true, survived: 0 });
  }
});

test('what a replaced process.exit() throws is thrown by start()', (t) => {
  const { stdout } = script(`
    const thrown = { mine: true };
    process.exit = () => { throw thrown; };
    const wasi = new (require('.').WASI)({ version: 'preview1', returnOnExit: false });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.finalizeBindings({ exports: { memory } });
    try { wasi.wasiImport.proc_exit(3); } catch (error) { console.log(error === thrown); }
    // A guest that caught it has ended all the same.
    console.log(wasi.wasiImport.random_get(0, 4), wasi.wasiImport.fd_close(1));
  `);
  t.is(stdout, 'true\n76 76\n');
});

test('an exit uses nothing that a program can replace', (t) => {
  const replacements = [
    `Error.captureStackTrace = () => { throw new Error('mine'); };`,
    `Error.prepareStackTrace = () => { throw new Error('mine'); };`,
    `Object.defineProperty(Error, 'stackTraceLimit', { get() { throw new Error('mine'); } });`,
    `for (const name of ['code', 'exitCode', 'message', 'stack']) {
       Object.defineProperty(Error.prototype, name, { set() { throw new Error('mine'); }, configurable: true });
       Object.defineProperty(WebAssembly.RuntimeError.prototype, name, { set() { throw new Error('mine'); }, configurable: true });
     }`,
    `WebAssembly.Instance = WebAssembly.Module = () => { throw new Error('mine'); };
     Object.defineProperty(Object.getPrototypeOf(instance), 'exports', { get() { throw new Error('mine'); } });`,
    `Reflect.apply = Object.defineProperty = () => { throw new Error('mine'); };
     WeakSet.prototype.add = WeakSet.prototype.has = () => false;`,
    `Array.prototype[Symbol.iterator] = () => { throw new Error('mine'); };
     Array.prototype.flat = () => [];`,
    `globalThis.Uint8Array = class {};`,
    `delete globalThis.WebAssembly;`,
  ];
  for (const replacement of replacements) {
    const { stdout, stderr } = script(`
      require('./__test__/helpers/guest').assemble(\`(module ${imports}
        (func (export "_start") try ${exit} catch_all ${survive} end))\`).then((bytes) => {
        const { WASI } = require('.');
        const wasi = new WASI({ version: 'preview1' });
        const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), wasi.getImportObject());
        const { exports } = instance;
        const { survived } = exports;
        const write = require('node:fs').writeSync;
        ${replacement}
        let how;
        try { how = wasi.start({ exports }); } catch (error) { how = 'threw'; }
        write(1, how + ' ' + survived.value);
      });`);
    t.is(stdout, '7 0', `${replacement}\n${stderr}`);
  }
});
