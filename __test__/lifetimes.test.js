'use strict';

// Threads and instances that end: while something runs in them, without an effect on
// others, and with nothing left behind.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { ROOT, script } = require('./helpers/child');
const { assemble, guestPath, scratch } = require('./helpers/guest');

const onLinux = fs.existsSync('/proc/self/fd') ? test : test.skip;
const onUnix = process.platform === 'win32' ? test.skip : test;

const PRELUDE = `
  const fs = require('node:fs');
  const { once } = require('node:events');
  const { Worker, parentPort, workerData } = require('node:worker_threads');
  const { WASI } = require('wasi-rs');
  const { collectUntil, descriptors, keptMemory } = require('./__test__/helpers/garbage');
  const tell = (message) => parentPort?.postMessage(message);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  function start(guest, options) {
    const wasi = new WASI({ version: 'preview1', ...options });
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(fs.readFileSync(guest)),
      { ...wasi.getImportObject(), host: globalThis.host },
    );
    return wasi.start(instance);
  }
`;

/**
 * Runs `main` in a process of its own and returns its result, exit code and output.
 * In `main`, `inWorker(body, data)` starts a worker.
 */
function inProcess(main, data) {
  const { stdout, ...ended } = script(
    `${PRELUDE}
     const data = ${JSON.stringify(data ?? null)};
     const inWorker = (body, data) =>
       new Worker(\`\${${JSON.stringify(PRELUDE)}}; (\${body})(workerData)\`, { eval: true, workerData: data });
     (${main})(data).then((result) => console.log(JSON.stringify(result)));`,
    { flags: ['--expose-gc'] },
  );
  return { ...ended, stdout };
}

/** What \`main\` came to, where the process is to end well. */
function resultOf(t, main, data) {
  const { exitCode, stdout, stderr } = inProcess(main, data);
  t.deepEqual([exitCode, stderr], [0, '']);
  return JSON.parse(stdout);
}

/** The path of a guest that is assembled from text. */
async function assembled(t, source) {
  const file = path.join(scratch(t), 'guest.wasm');
  fs.writeFileSync(file, await assemble(source));
  return file;
}

function fifo(t) {
  const file = path.join(scratch(t), 'fifo');
  execFileSync('mkfifo', [file]);
  return file;
}

/** Tells its host once that it runs, and then calls WASI forever. */
const CALLS_FOR_EVER = `(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "host" "running" (func $running))
  (memory (export "memory") 1)
  (func (export "_start")
    call $running
    (loop $again
      (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 0)))
      br $again)))`;

test('programs run in many workers at once', (t) => {
  const codes = resultOf(
    t,
    async ({ exit, directory }) => {
      const body = ({ exit, directory, code }) => {
        const preopens = { '/': directory };
        let last;
        for (let i = 0; i < 20; i++) {
          last = start(exit, { args: ['exit', String(code)], preopens });
        }
        tell(last);
      };
      const workers = Array.from({ length: 12 }, (_, code) =>
        inWorker(body, { exit, directory, code }),
      );
      return Promise.all(
        workers.map(async (worker) => (await once(worker, 'message'))[0]),
      );
    },
    { exit: guestPath('exit'), directory: scratch(t) },
  );
  t.deepEqual(
    codes,
    Array.from({ length: 12 }, (_, code) => code),
  );
});

onLinux(
  'a worker may be ended while its guest runs, and leaves nothing open',
  async (t) => {
    const [before, after, code] = resultOf(
      t,
      async ({ guest, directory }) => {
        const body = ({ guest, directory }) => {
          globalThis.host = {
            running: () => tell('running'),
          };
          start(guest, { preopens: { '/': directory } });
        };
        const end = async () => {
          const worker = inWorker(body, { guest, directory });
          await once(worker, 'message');
          return worker.terminate();
        };
        await end();
        const before = descriptors();
        const codes = await Promise.all(Array.from({ length: 8 }, end));
        return [before, descriptors(), codes[7]];
      },
      {
        guest: await assembled(t, CALLS_FOR_EVER),
        directory: scratch(t),
      },
    );
    t.is(code, 1);
    t.is(after, before);
  },
);

test('a worker may be terminated at any moment of its start', (t) => {
  const ended = resultOf(
    t,
    async ({ guest, directory }) => {
      const body = ({ guest, directory }) => {
        tell('running');
        const options = { args: ['exit', '0'], preopens: { '/': directory } };
        for (;;) start(guest, options);
      };
      let ended = 0;
      for (let delay = 0; delay < 20; delay++) {
        const worker = inWorker(body, { guest, directory });
        if (delay % 2 === 0) await once(worker, 'message');
        await pause(delay);
        await worker.terminate();
        ended++;
      }
      return ended;
    },
    { guest: guestPath('exit'), directory: scratch(t) },
  );
  t.is(ended, 20);
});

onLinux('a worker ended during a blocked read leaves nothing open', (t) => {
  const { before, after, codes } = resultOf(
    t,
    async ({ cat, pipe, directory }) => {
      const fd = fs.openSync(pipe, 'r+');
      const body = ({ cat, fd, directory }) => {
        tell('running');
        start(cat, { stdin: fd, preopens: { '/': directory } });
      };
      const end = async () => {
        const worker = inWorker(body, { cat, fd, directory });
        await once(worker, 'message');
        await pause(200);
        return worker.terminate();
      };
      const first = await end();
      const before = descriptors();
      const second = await end();
      return { before, after: descriptors(), codes: [first, second] };
    },
    { cat: guestPath('cat'), pipe: fifo(t), directory: scratch(t) },
  );
  t.deepEqual(codes, [1, 1]);
  t.is(after, before);
});

onUnix(
  'a worker that ends takes nothing from another on the same pipes',
  (t) => {
    const { first, second, echoed } = resultOf(
      t,
      async ({ cat, exit, input, output }) => {
        const stdin = fs.openSync(input, 'r+');
        const stdout = fs.openSync(output, 'r+');
        const reader = inWorker(
          ({ cat, stdin, stdout }) => {
            tell('running');
            start(cat, { stdin, stdout });
          },
          { cat, stdin, stdout },
        );
        await once(reader, 'message');
        const neighbour = inWorker(
          ({ exit, stdin, stdout }) => {
            start(exit, {
              args: ['exit', '3'],
              stdin,
              stdout,
              returnOnExit: false,
            });
          },
          { exit, stdin, stdout },
        );
        const [first] = await once(neighbour, 'exit');
        fs.writeSync(stdin, 'still there');
        const buffer = Buffer.alloc(64);
        const length = await new Promise((resolve, reject) => {
          fs.read(stdout, buffer, 0, 64, null, (error, n) =>
            error ? reject(error) : resolve(n),
          );
        });
        return {
          first,
          second: await reader.terminate(),
          echoed: buffer.toString('utf8', 0, length),
        };
      },
      {
        cat: guestPath('cat'),
        exit: guestPath('exit'),
        input: fifo(t),
        output: fifo(t),
      },
    );
    t.deepEqual([first, second, echoed], [3, 1, 'still there']);
  },
);

onLinux('ten thousand instances come and go', (t) => {
  const { before, after, growth } = resultOf(
    t,
    async ({ directory }) => {
      const before = descriptors();
      // With one memory: the engine is slow to free ten thousand.
      const memory = new WebAssembly.Memory({ initial: 1 });
      const use = (count) => {
        for (let i = 0; i < count; i++) {
          const wasi = new WASI({
            version: 'preview1',
            args: ['program', 'argument'],
            env: { INDEX: String(i) },
            preopens: { '/': directory },
          });
          const { fd_prestat_get } =
            wasi.getImportObject().wasi_snapshot_preview1;
          const _start = () => fd_prestat_get(3, 0);
          wasi.start({ exports: { memory, _start } });
        }
      };
      const batches = async (count) => {
        for (let i = 0; i < count; i++) {
          use(500);
          await collectUntil(() => descriptors() === before);
        }
      };
      await batches(4);
      const kept = keptMemory();
      await batches(20);
      const growth = keptMemory() - kept;
      return { before, after: descriptors(), growth };
    },
    { directory: scratch(t) },
  );
  t.is(after, before);
  t.log(`memory grew by ${(growth / 1e6).toFixed(1)} MB`);
  // An instance has 10 KB and more, and the heap of the engine varies.
  t.true(growth < 32e6);
});

test('process.exit() in a call of a guest ends the calling thread', async (t) => {
  const source = `(module
    (import "host" "running" (func $running))
    (memory (export "memory") 1)
    (func (export "_start") call $running))`;
  const body = `(guest) => {
    globalThis.host = { running: () => process.exit(6) };
    process.on('exit', (code) => fs.writeSync(1, 'exit handler ' + code + '\\n'));
    start(guest, {});
    fs.writeSync(1, 'not reached\\n');
  }`;
  const guest = await assembled(t, source);

  const main = inProcess(`async (data) => (${body})(data)`, guest);
  t.deepEqual([main.exitCode, main.stdout], [6, 'exit handler 6\n']);

  const worker = inProcess(
    `async (guest) => {
      const [code] = await once(inWorker(${JSON.stringify(body)}, guest), 'exit');
      return { code };
    }`,
    guest,
  );
  t.deepEqual(
    [worker.exitCode, worker.stdout],
    [0, 'exit handler 6\n{"code":6}\n'],
  );
});

for (const [name, body] of Object.entries({
  'file systems in memory': (content) => {
    const { MemoryFS } = require('wasi-rs');
    globalThis.memory = new MemoryFS({ a: content });
    globalThis.open = globalThis.memory.openSync('/a');
  },
  images: (content) => {
    globalThis.image = require('wasi-rs').Image.from({ a: content });
  },
  'guests that have file systems in memory': (content) => {
    const { MemoryFS } = require('wasi-rs');
    const preopens = { '/': new MemoryFS({ a: content }) };
    globalThis.wasi = new WASI({ version: 'preview1', preopens });
    globalThis.text = globalThis.wasi.fs.readFileSync('/a');
  },
})) {
  test(`a worker that ends leaves no ${name} behind`, (t) => {
    const grown = resultOf(
      t,
      async (body) => {
        const run = async () => {
          const make = `() => (${body})(Buffer.alloc(20e6, 'x'))`;
          await once(inWorker(make), 'exit');
        };
        await run();
        const before = process.memoryUsage.rss();
        for (let i = 0; i < 8; i++) await run();
        return process.memoryUsage.rss() - before;
      },
      String(body),
    );
    // A leak would be 160 MB.
    t.true(grown < 80e6, `${grown}`);
  });
}

/** A copy of the package, with its binary. */
function copyOfPackage(t) {
  const directory = path.join(scratch(t), 'wasi-rs');
  const files = fs
    .readdirSync(ROOT)
    .filter((file) =>
      /^(index\.js|binding\.js|lib|package\.json|.*\.node)$/.test(file),
    );
  for (const file of files) {
    fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
      recursive: true,
    });
  }
  return directory;
}

test('two copies of the package share a process, and its workers', (t) => {
  const result = resultOf(
    t,
    async ({ copies, exit }) => {
      const body = ({ copies, exit }) => {
        const classes = copies.map((copy) => require(copy).WASI);
        const codes = classes.map((Copy, index) => {
          const wasi = new Copy({
            version: 'preview1',
            args: ['exit', String(index + 1)],
          });
          const module = new WebAssembly.Module(fs.readFileSync(exit));
          return wasi.start(
            new WebAssembly.Instance(module, wasi.getImportObject()),
          );
        });
        const [a, b] = classes;
        const foreign = new b({ version: 'preview1' }) instanceof a;
        const result = { classes: new Set(classes).size, codes, foreign };
        tell(result);
        return result;
      };
      const [inWorkers] = await once(
        inWorker(body, { copies, exit }),
        'message',
      );
      const here = body({ copies, exit });
      return { inWorkers, here };
    },
    {
      copies: [copyOfPackage(t), copyOfPackage(t), ROOT],
      exit: guestPath('exit'),
    },
  );
  const expected = { classes: 3, codes: [1, 2, 3], foreign: false };
  t.deepEqual(result, { inWorkers: expected, here: expected });
});
