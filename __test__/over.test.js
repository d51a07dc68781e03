'use strict';

// Guests that are over must leave nothing open, without the help of the garbage
// collector. So nothing here forces a collection, and the loops that make one instance
// after the other do not return to the event loop.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { node } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { assemble, duck, scratch } = require('./helpers/guest');

const onLinux = fs.existsSync('/proc/self/fd') ? test : test.skip;
const onUnix = process.platform === 'win32' ? test.skip : test;

const HELLO = path.join(__dirname, 'guests', 'hello.wasm');

const EBADF = 8;
const ENFILE = 41;
const ESTALE = 72;

const IMPORTS = `
  (import "wasi_snapshot_preview1" "path_open" (func $path_open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir
    (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) ".")
  (func $open (export "open") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 1)
      (i32.const 0) (i64.const 0x4002) (i64.const 0) (i32.const 0) (i32.const 0)))
  (func $list (param $fd i32)
    (drop (call $fd_readdir (local.get $fd) (i32.const 200) (i32.const 4000)
      (i64.const 0) (i32.const 0))))`;

/** A command that opens and lists directories, and leaves them open. */
const LEAVES_OPEN = (end) => `(module ${IMPORTS}
  (func (export "_start")
    (call $list (i32.const 3))
    (drop (call $open)) (drop (call $open)) (call $list (i32.const 4))
    ${end}))`;

const ENDS = {
  'it returns': '',
  'it exits': '(call $proc_exit (i32.const 3))',
  'it traps': 'unreachable',
};

/** Runs `body` in a process of its own and returns its result. */
function inProcess(t, body, data, { limit } = {}) {
  const source = `
    const fs = require('node:fs');
    const { WASI } = require('wasi-rs');
    const { descriptors, filledMemory } = require('./__test__/helpers/garbage');
    const data = ${JSON.stringify(data)};
    const module = data.bytes && new WebAssembly.Module(Buffer.from(data.bytes, 'base64'));
    const instantiate = (wasi) => new WebAssembly.Instance(module, wasi.getImportObject());
    (${body})().then((result) => console.log(JSON.stringify(result)));`;
  const file = path.join(scratch(t), 'main.cjs');
  fs.writeFileSync(file, source);
  const { exitCode, stdout, stderr } =
    limit === undefined
      ? node(['--eval', source])
      : {
          exitCode: 0,
          stderr: '',
          stdout: execFileSync(
            '/bin/sh',
            [
              '-c',
              `ulimit -n ${limit} && exec "$0" --eval "$(cat "$1")"`,
            ].concat([process.execPath, file]),
            { cwd: path.join(__dirname, '..'), encoding: 'utf8' },
          ),
        };
  t.deepEqual([exitCode, stderr], [0, '']);
  return JSON.parse(stdout);
}

for (const [title, end] of Object.entries(ENDS)) {
  onLinux(`a command has nothing open when ${title}`, async (t) => {
    const bytes = (await assemble(LEAVES_OPEN(end))).toString('base64');
    const [before, most] = inProcess(
      t,
      async () => {
        const run = () => {
          const wasi = new WASI({
            version: 'preview1',
            preopens: { '/': data.directory, '/b': data.directory },
          });
          try {
            wasi.start(instantiate(wasi));
          } catch {
            // The trap.
          }
        };
        run();
        const before = descriptors();
        let most = before;
        for (let i = 0; i < 3000; i++) {
          run();
          if (i % 100 === 0) most = Math.max(most, descriptors());
        }
        return [before, most];
      },
      { bytes, directory: scratch(t) },
    );
    t.is(most, before);
  });
}

onLinux('reactors that are dropped are closed as they are collected', (t) => {
  const [before, most] = inProcess(
    t,
    async () => {
      const before = descriptors();
      let most = 0;
      for (let i = 0; i < 20000; i++) {
        const wasi = new WASI({
          version: 'preview1',
          preopens: { '/': data.directory },
        });
        const memory = new WebAssembly.Memory({ initial: 1 });
        wasi.initialize({ exports: { memory } });
        if (i % 100 === 0) most = Math.max(most, descriptors());
      }
      return [before, most];
    },
    { directory: scratch(t) },
  );
  // The engine decides when it collects, but it has to do so in time.
  t.true(most < before + 10000, `${most} descriptors`);
});

onLinux('memories of commands that are over are collected', async (t) => {
  const bytes = await assemble(`(module
    (import "wasi_snapshot_preview1" "random_get"
      (func $random_get (param i32 i32) (result i32)))
    (memory (export "memory") 1024)
    (func (export "_start")
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))
      (drop (call $random_get (i32.const 0) (i32.const 16)))))`);
  const most = inProcess(
    t,
    async () => {
      let most = 0;
      for (let i = 0; i < 60; i++) {
        const wasi = new WASI({ version: 'preview1' });
        wasi.start(instantiate(wasi));
        most = Math.max(most, filledMemory());
      }
      return most;
    },
    { bytes: bytes.toString('base64') },
  );
  // All of them together are 3.75 GiB.
  t.true(most < 2 ** 31, `${most} bytes`);
});

onUnix(
  'the reader of a FIFO sees the end when the writing command is over',
  async (t) => {
    const directory = scratch(t);
    execFileSync('mkfifo', [path.join(directory, 'fifo')]);
    const reader = fs.openSync(
      path.join(directory, 'fifo'),
      fs.constants.O_RDONLY | fs.constants.O_NONBLOCK,
    );
    t.teardown(() => fs.closeSync(reader));
    const bytes = await assemble(`(module
    (import "wasi_snapshot_preview1" "path_open" (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 100) "fifo")
    (func (export "_start")
      (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 100)
            (i32.const 4) (i32.const 0) (i64.const 64) (i64.const 0)
            (i32.const 1) (i32.const 0))
        (then unreachable))))`);
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/': directory },
    });
    wasi.start(
      new WebAssembly.Instance(
        new WebAssembly.Module(bytes),
        wasi.getImportObject(),
      ),
    );
    // With a writer, this would be EAGAIN.
    t.is(fs.readSync(reader, Buffer.alloc(1)), 0);
  },
);

/** A command whose host calls `open` later. */
async function calledLater(t, directory, { end = '' } = {}) {
  const wasi = new WASI({ version: 'preview1', preopens: { '/': directory } });
  const bytes = await assemble(LEAVES_OPEN(end));
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(bytes),
    wasi.getImportObject(),
  );
  const opened = () =>
    new DataView(instance.exports.memory.buffer).getUint32(0, true);
  return { wasi, instance, open: instance.exports.open, opened };
}

test('an export that is called after start() finds the preopens, and no more', async (t) => {
  const { wasi, instance, open, opened } = await calledLater(t, scratch(t));
  t.is(wasi.start(instance), 0);
  t.is(wasi.wasiImport.fd_close(4), EBADF);
  t.is(wasi.wasiImport.fd_prestat_get(3, 16), 0);
  t.is(wasi.wasiImport.fd_filestat_get(3, 512), 0);
  t.is(open(), 0);
  t.is(opened(), 4);
  t.is(wasi.wasiImport.fd_fdstat_get(1, 16), 0);
});

test('packages that pass start() an entry of their own keep their descriptors', (t) => {
  const wasi = new WASI({ version: 'preview1', preopens: { '/': scratch(t) } });
  const { exports } = duck({ _start() {} });
  wasi.start({ exports });
  t.is(wasi.wasiImport.fd_filestat_get(3, 512), 0);
});

test('a preopen is not opened again if its path is another directory', async (t) => {
  const directory = path.join(scratch(t), 'directory');
  fs.mkdirSync(directory);
  const { wasi, instance, open } = await calledLater(t, directory);
  wasi.start(instance);
  fs.renameSync(directory, `${directory}.old`);
  t.is(open(), 44);
  fs.mkdirSync(directory);
  t.is(open(), ESTALE);
  fs.rmdirSync(directory);
  fs.renameSync(`${directory}.old`, directory);
  t.is(open(), 0);
});

test('a relative preopen is opened again after process.chdir()', async (t) => {
  const parent = scratch(t);
  fs.mkdirSync(path.join(parent, 'directory'));
  const script = `
    process.chdir(${JSON.stringify(parent)});
    const wasi = new WASI({ version: 'preview1', preopens: { '/': 'directory' } });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.start({ exports: { memory, _start() {} } });
    process.chdir('/');
    return wasi.wasiImport.fd_filestat_get(3, 512);`;
  t.is(inProcess(t, `async () => {${script}}`, {}), 0);
});

test('a command that is called later has the rights that it was given', (t) => {
  const wasi = new WASI({
    version: 'preview1',
    preopens: { '/': { path: scratch(t), readOnly: true } },
  });
  const { exports } = duck({ _start() {} });
  const rights = () => {
    t.is(wasi.wasiImport.fd_fdstat_get(3, 0), 0);
    const view = new DataView(exports.memory.buffer);
    return [view.getBigUint64(8, true), view.getBigUint64(16, true)];
  };
  wasi.finalizeBindings({ exports });
  const before = rights();
  const again = new WASI({
    version: 'preview1',
    preopens: { '/': { path: scratch(t), readOnly: true } },
  });
  again.start({ exports });
  t.is(again.wasiImport.fd_fdstat_get(3, 0), 0);
  t.deepEqual(rights(), before);
  Buffer.from(exports.memory.buffer).write('made', 1000);
  t.is(again.wasiImport.path_create_directory(3, 1000, 4), 76);
});

test('a command that returns a promise is not over', async (t) => {
  const { wasi, instance, open, opened } = await calledLater(t, scratch(t));
  const { memory } = instance.exports;
  wasi.start({ exports: { memory, _start: async () => open() } });
  t.is(opened(), 4);
  t.is(wasi.wasiImport.fd_close(4), 0);
});

onLinux(
  'close() closes preopens and what the guest opened, and leaves streams open',
  async (t) => {
    const { wasi, instance, open } = await calledLater(t, scratch(t));
    wasi.start(instance);
    t.is(open(), 0);
    t.is(wasi.close(), undefined);
    for (const fd of [0, 1, 2, 3, 4]) {
      t.is(wasi.wasiImport.fd_close(fd), EBADF, `${fd}`);
    }
    t.is(open(), EBADF);
    t.notThrows(() => fs.fstatSync(1));
    t.is(wasi.close(), undefined);
    // Calls without a descriptor still work.
    t.is(wasi.wasiImport.clock_res_get(0, 0), 0);
  },
);

test('close() by its other names', async (t) => {
  for (const end of [
    (wasi) => wasi[Symbol.dispose](),
    (wasi) => wasi[Symbol.asyncDispose](),
    (wasi) => new Proxy(wasi, {}).close(),
    (wasi) => Object.create(wasi).close(),
  ]) {
    const wasi = new WASI({ version: 'preview1' });
    wasi.finalizeBindings(duck({}));
    await end(wasi);
    t.is(wasi.wasiImport.fd_close(1), EBADF);
  }
});

/** A guest whose first call is a write, and a function that is called before. */
async function writing(before, options) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const { fd_write: write } = wasi.wasiImport;
  const calls = [];
  wasi.wasiImport.fd_write = (...args) => {
    before(wasi);
    calls.push(args[0]);
    return write(...args);
  };
  const module = await WebAssembly.compile(fs.readFileSync(HELLO));
  const imports = wasi.getImportObject();
  return { wasi, calls, instance: new WebAssembly.Instance(module, imports) };
}

test('stop() ends the guest at its next call, with a code', async (t) => {
  for (const [args, code] of [
    [[], 0],
    [[3], 3],
    [[-1], -1],
    [[2 ** 32 - 1], -1],
  ]) {
    const { wasi, instance, calls } = await writing((it) => it.stop(...args));
    t.is(wasi.start(instance), code);
    t.deepEqual(calls, [1]);
  }
});

test('the first code of stop() counts, and everything is closed', async (t) => {
  const { wasi, instance } = await writing((it) => {
    it.stop(1);
    it.stop(2);
    it.close();
  });
  t.is(wasi.start(instance), 1);
  t.throws(() => wasi.wasiImport.clock_res_get(0, 0), {
    code: 'ERR_WASI_EXITED',
    message: 'The guest exited with code 1',
  });
  t.throws(() => wasi.start(instance), { code: 'ERR_WASI_ALREADY_STARTED' });
});

test('a guest that is stopped before it starts is closed', (t) => {
  const wasi = new WASI({ version: 'preview1' });
  wasi.stop();
  t.throws(() => wasi.start(duck({ _start() {} })), {
    code: 'ERR_WASI_CLOSED',
  });
});

test('what stop() refuses as a code', (t) => {
  const wasi = new WASI({ version: 'preview1' });
  for (const code of ['1', null, 1n]) {
    t.throws(() => wasi.stop(code), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const code of [1.5, 2 ** 32, -(2 ** 31) - 1, NaN]) {
    t.throws(() => wasi.stop(code), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('what is closed cannot be started', (t) => {
  for (const start of ['start', 'initialize', 'finalizeBindings']) {
    const wasi = new WASI({ version: 'preview1' });
    wasi.close();
    t.throws(() => wasi[start](duck({ _start() {} })), {
      code: 'ERR_WASI_CLOSED',
      message: 'WASI instance is closed',
    });
  }
});

test('a guest may be closed during a call', async (t) => {
  const { wasi, instance, open } = await calledLater(t, scratch(t));
  const { memory } = instance.exports;
  const errnos = [];
  const _start = () => {
    errnos.push(open());
    wasi.close();
    errnos.push(open());
  };
  t.is(wasi.start({ exports: { memory, _start } }), 0);
  t.deepEqual(errnos, [0, EBADF]);
});

onLinux(
  'all guests together leave the host three quarters of its descriptors',
  async (t) => {
    const bytes = (await assemble(LEAVES_OPEN(''))).toString('base64');
    const { opened, errnos, hosts, again } = inProcess(
      t,
      async () => {
        const guests = Array.from({ length: 5 }, () => {
          const wasi = new WASI({
            version: 'preview1',
            preopens: { '/': data.directory },
            limits: { descriptors: 1000 },
          });
          const instance = instantiate(wasi);
          wasi.finalizeBindings(instance);
          return { wasi, open: instance.exports.open };
        });
        let opened = 0;
        const errnos = guests.map(({ open }) => {
          for (;;) {
            const errno = open();
            if (errno !== 0) return errno;
            opened++;
          }
        });
        const hosts = [];
        try {
          for (;;) hosts.push(fs.openSync('/dev/null'));
        } catch (error) {
          if (error.code !== 'EMFILE') throw error;
        }
        for (const fd of hosts) fs.closeSync(fd);
        // A descriptor that one frees can be used by another.
        guests[0].wasi.close();
        return { opened, errnos, hosts: hosts.length, again: guests[1].open() };
      },
      { bytes, directory: scratch(t) },
      { limit: 400 },
    );
    t.is(opened, 100);
    t.deepEqual(errnos, Array(5).fill(ENFILE));
    t.true(hosts >= 200, `${hosts}`);
    t.is(again, 0);
  },
);
