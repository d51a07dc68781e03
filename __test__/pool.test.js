'use strict';

// Pool: threads that are kept warm, and do not keep the process alive.

const { once } = require('node:events');
const fs = require('node:fs');
const { availableParallelism } = require('node:os');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { setTimeout: later } = require('node:timers/promises');

const test = require('ava');

const { Pool, run, spawn } = require('../index.js');
const { script } = require('./helpers/child');
const { guest, scratch } = require('./helpers/guest');
const {
  AGES,
  CAN_COUNT,
  WAITING,
  bytesOf,
  guestPath,
  rejection,
} = require('./helpers/runs');

const HELLO = guestPath('hello');
const EXIT = guestPath('exit');
const CAT = guestPath('cat');

const onLinux = CAN_COUNT ? test : test.skip;

/** A pool that is closed when the test is over. */
function pool(t, options) {
  const made = new Pool(options);
  t.teardown(() => made.close());
  return made;
}

/** Runs a program that prints `lines`, and returns its output. */
function printed(body) {
  const { exitCode, stdout, stderr } = script(`
    const { Pool, run, spawn } = require('wasi-rs');
    const guest = (name) => './__test__/guests/' + name + '.wasm';
    (async () => { ${body} })();`);
  if (exitCode !== 0) throw new Error(`${exitCode}: ${stderr}`);
  return stdout;
}

test('runs wait when there are more than threads', async (t) => {
  const one = pool(t, { size: 1 });
  // A file would take time to load.
  const program = guest('exit');
  const order = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const result = await one.run(program, { args: ['0', String(i)] });
      t.is(result.text(), `${i}\n`);
      order.push(i);
    }),
  );
  t.deepEqual(order, [...Array(20).keys()]);
});

test('run() and spawn() take a pool as an option, and the pool runs the same way', async (t) => {
  const two = pool(t, { size: 2 });
  t.is((await run(HELLO, { pool: two })).text(), 'hello\n');
  t.is((await two.run(HELLO)).text(), 'hello\n');
  const child = two.spawn(CAT);
  child.stdin.end('text');
  const chunks = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  t.is(String(Buffer.concat(chunks)), 'text');
});

test('what NODE_OPTIONS preloads is not loaded into threads', (t) => {
  const preload = path.join(scratch(t), 'preload.cjs');
  fs.writeFileSync(preload, `require('node:fs').writeSync(1, 'loaded ')`);
  const { stdout, stderr } = script(
    `const { run } = require('wasi-rs');
     run(${JSON.stringify(HELLO)}).then((result) => console.log(result.text()));`,
    { env: { ...process.env, NODE_OPTIONS: `--require ${preload}` } },
  );
  t.is(stdout, 'loaded hello\n\n', stderr);
});

test('at most size guests run at a time, those of spawn() too', async (t) => {
  const two = pool(t, { size: 2 });
  const running = new Set();
  let most = 0;
  const children = Array.from({ length: 6 }, () => {
    const child = two.spawn(CAT);
    child.stdout.resume();
    child.once('spawn', () => {
      running.add(child);
      most = Math.max(most, running.size);
      // The first waits until there is a second.
      if (most === 2) running.forEach(({ stdin }) => stdin.end());
    });
    child.once('exit', () => running.delete(child));
    return child;
  });
  await Promise.all(children.map((child) => child.exited));
  t.is(most, 2);
});

test('a thread runs one guest after the other, up to maxRuns', async (t) => {
  for (const maxRuns of [1, 3, Infinity]) {
    const one = pool(t, { size: 1, maxRuns });
    for (let i = 0; i < 7; i++) t.true((await one.run(HELLO)).ok);
  }
});

test('a guest that computes is ended with its thread, and the next one gets another', async (t) => {
  const one = pool(t, { size: 1 });
  const spin = await bytesOf('spin');
  for (let i = 0; i < 3; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    const spinning = rejection(one.run(spin, { signal }));
    const next = one.run(HELLO);
    setTimeout(() => controller.abort(), 10);
    t.is((await spinning).code, 'ABORT_ERR');
    t.is((await next).text(), 'hello\n');
  }
});

test('a guest that the engine does not end is over all the same, and its place is taken', (t) => {
  const { exitCode, stdout } = script(`
    const { Pool } = require('wasi-rs');
    const { bytesOf, guestPath } = require('./__test__/helpers/runs');
    (async () => {
      const pool = new Pool({ size: 1 });
      const fill = await bytesOf('fill');
      const { reason } = await pool.run(fill, { timeout: 100, check: false });
      const child = pool.spawn(fill, { stdin: 'ignore' });
      child.once('spawn', () => setTimeout(() => child.kill(), 100));
      const killed = (await child.exited).reason;
      const next = (await pool.run(guestPath('hello'))).text();
      await pool.close();
      require('node:fs').writeSync(1, reason + ' ' + killed + ' ' + next);
      // Any other end of the process waits for the threads.
      process.kill(process.pid, 'SIGKILL');
    })();`);
  t.is(stdout, 'timeout kill hello\n');
  t.is(exitCode, process.platform === 'win32' ? 1 : 'SIGKILL');
});

for (const [how, [program, options]] of Object.entries(WAITING)) {
  test(`a guest that waits ${how} is ended without its thread`, async (t) => {
    const one = pool(t, { size: 1 });
    for (let i = 0; i < 10; i++) {
      const child = one.spawn(program, options);
      child.stdout.resume();
      child.once('spawn', () => setTimeout(() => child.kill(), 2));
      t.like(await child.exited, { exitCode: null, reason: 'kill' });
      t.is((await one.run(HELLO)).text(), 'hello\n');
    }
  });
}

test('run() does not wait behind children of spawn(), however many there are', async (t) => {
  const children = Array.from({ length: 2 * availableParallelism() }, () => {
    const child = spawn(CAT);
    child.stdout.resume();
    return child;
  });
  const spawned = children.map((child) => once(child, 'spawn'));
  t.is((await run(HELLO)).text(), 'hello\n');
  await Promise.all(spawned);
  t.is((await run(HELLO)).text(), 'hello\n');
  t.true(children.every(({ exitCode, reason }) => exitCode === reason));
  children.forEach(({ stdin }) => stdin.end());
  await Promise.all(children.map(({ exited }) => exited));
  const runs = Array.from({ length: 20 }, () => run(HELLO));
  for (const result of await Promise.all(runs)) t.true(result.ok);
});

test('a preopen that cannot be opened fails only its run', async (t) => {
  const one = pool(t, { size: 1 });
  const missing = { '/': path.join(__dirname, 'missing') };
  const runs = [
    one.run(HELLO),
    one.run(HELLO, { preopens: missing }),
    one.run(HELLO, { stdout: 987_654 }),
    one.run(HELLO),
  ];
  const [first, second, third, fourth] = await Promise.allSettled(runs);
  t.is(first.value.text(), 'hello\n');
  t.is(second.reason.code, 'UVWASI_ENOENT');
  t.is(third.reason.code, 'UVWASI_EBADF');
  t.is(fourth.value.text(), 'hello\n');
});

test('close() waits for running and queued guests, and refuses further ones', async (t) => {
  const one = new Pool({ size: 1 });
  const runs = Array.from({ length: 5 }, () => one.run(HELLO));
  await Promise.all(runs.slice(0, 1));
  const closing = one.close();
  t.is((await rejection(one.run(HELLO))).code, 'ERR_WASI_POOL_CLOSED');
  const child = one.spawn(HELLO);
  t.is(
    (await new Promise((resolve) => child.once('error', resolve))).code,
    'ERR_WASI_POOL_CLOSED',
  );
  for (const each of await Promise.all(runs)) t.is(each.text(), 'hello\n');
  await closing;
  await one.close();
});

test('close() waits for a run whose program is still loading', async (t) => {
  const one = new Pool({ size: 1 });
  const running = one.run(HELLO);
  const missing = rejection(one.run('no/such.wasm'));
  const promised = one.run(later(20, HELLO));
  const killed = one.spawn(later(1, HELLO));
  killed.kill();
  await one.close();
  t.is((await running).text(), 'hello\n');
  t.is((await promised).text(), 'hello\n');
  t.is((await missing).code, 'ENOENT');
});

test('a pool that has run nothing closes', async (t) => {
  await t.notThrowsAsync(new Pool().close());
});

if (Symbol.asyncDispose) {
  test('await using closes it', async (t) => {
    const one = new Pool({ size: 1 });
    await one.run(HELLO);
    await one[Symbol.asyncDispose]();
    t.is((await rejection(one.run(HELLO))).code, 'ERR_WASI_POOL_CLOSED');
  });
}

test('options of the wrong kind are refused', (t) => {
  const cases = [
    [{ size: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ size: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ size: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ size: Infinity }, 'ERR_OUT_OF_RANGE'],
    [{ idle: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ maxRuns: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ warm: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [4, 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [options, code] of cases) {
    t.throws(() => new Pool(options), { code }, JSON.stringify(options));
  }
});

test('a method called on something other than a pool is an error', async (t) => {
  const { prototype } = Pool;
  for (const method of ['run', 'spawn', 'close']) {
    const call = async () => prototype[method].call({}, HELLO);
    t.is((await rejection(call())).code, 'ERR_INVALID_ARG_TYPE', method);
    const { [method]: unbound } = prototype;
    const callUnbound = async () => unbound(HELLO);
    t.is((await rejection(callUnbound())).code, 'ERR_INVALID_ARG_TYPE', method);
  }
});

test('methods take inherited options and accessors', async (t) => {
  class Options {
    get capabilities() {
      return [];
    }
  }
  const one = pool(t, { size: 1 });
  for (const options of [
    new Options(),
    Object.create({ capabilities: [] }),
    new (class extends Options {})(),
  ]) {
    t.is((await run(HELLO, options)).text(), '');
    t.is((await one.run(HELLO, options)).text(), '');
    const child = one.spawn(HELLO, options);
    const chunks = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    t.is(String(Buffer.concat(chunks)), '');
  }
});

test('methods refuse what run() and spawn() refuse, and another pool', async (t) => {
  const one = pool(t, { size: 1 });
  for (const method of ['run', 'spawn']) {
    const call = async (options) => one[method](HELLO, options);
    for (const options of [null, 5, [], 'text', () => {}]) {
      const { code } = await rejection(call(options));
      t.is(code, 'ERR_INVALID_ARG_TYPE', method);
    }
    const { code, message } = await rejection(call({ pool: new Pool() }));
    t.is(code, 'ERR_INVALID_ARG_VALUE');
    t.regex(message, /options\.pool/);
  }
});

test('threads that are idle keep no process alive', (t) => {
  t.is(
    printed(`
      const pool = new Pool({ idle: Infinity });
      console.log((await pool.run(guest('hello'))).text().trim());
      console.log((await run(guest('hello'))).text().trim());`),
    'hello\nhello\n',
  );
});

test('a running guest keeps the process alive, unless unref() was called', (t) => {
  t.is(
    printed(`
      await run(guest('poll'), { args: ['after:1:50000000'] });
      console.log('waited');`),
    'waited\n',
  );
  t.is(
    printed(`
      const child = spawn(guest('poll'), {
        args: ['${AGES}'],
        stdin: 'ignore', stdout: 'ignore', stderr: 'ignore',
      });
      child.once('spawn', () => child.unref());`),
    '',
  );
});

test('a queued guest keeps the process alive, unless unref() was called', (t) => {
  const sleeper = `
    const pool = new Pool({ size: 1 });
    const ignored = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' };
    const child = pool.spawn(guest('poll'), { args: [TIME], ...ignored });
    child.unref();
    await new Promise((resolve) => child.once('spawn', resolve));`;
  t.is(
    printed(`${sleeper.replace('TIME', "'after:1:50000000'")}
      console.log((await pool.run(guest('hello'))).text().trim());`),
    'hello\n',
  );
  t.is(
    printed(`${sleeper.replace('TIME', `'${AGES}'`)}
      pool.spawn(guest('hello'), ignored).unref();
      await new Promise((resolve) => setTimeout(resolve, 20));
      pool.spawn(new WebAssembly.Module(
        require('fs').readFileSync(guest('hello'))), ignored).unref();`),
    '',
  );
});

test('process.exit() ends a process whose guests compute or wait', (t) => {
  t.is(
    printed(`
      for (const name of ['cat', 'poll']) {
        spawn(guest(name), { args: name === 'poll' ? ['${AGES}'] : [] });
      }
      const spinning = await WebAssembly.compile(Uint8Array.of(
        0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0,
        7, 10, 1, 6, 95, 115, 116, 97, 114, 116, 0, 0,
        10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11));
      const child = spawn(spinning);
      child.once('spawn', () => setTimeout(() => {
        console.log('leaving');
        process.exit();
      }, 20));`),
    'leaving\n',
  );
});

test('idle threads end after their time, and new ones are made when needed', async (t) => {
  const short = pool(t, { size: 2, idle: 1 });
  for (let i = 0; i < 5; i++) {
    t.is((await short.run(HELLO)).text(), 'hello\n');
    await later(10);
  }
  const none = pool(t, { size: 1, idle: 0 });
  for (let i = 0; i < 5; i++) t.is((await none.run(HELLO)).text(), 'hello\n');
});

onLinux('descriptors are constant over some hundreds of runs', (t) => {
  // In a process of its own: other tests open files in this one.
  const difference = printed(`
    const { openDescriptors } = require('./__test__/helpers/runs');
    const two = new Pool({ size: 2 });
    const round = async (i) => {
      const signal = i % 3 === 0 ? AbortSignal.timeout(i % 7) : undefined;
      await two
        .run(guest('cat'), {
          input: 'a',
          stdout: () => {},
          preopens: { '/': '.' },
          signal,
        })
        .catch(() => {});
      const child = two.spawn(guest('cat'));
      child.on('error', () => {});
      child.stdin.on('error', () => {});
      child.stdin.write('abc');
      setTimeout(() => child.kill(), i % 4);
      await new Promise((resolve) => child.once('close', resolve));
    };
    for (let i = 0; i < 20; i++) await round(i);
    const before = openDescriptors();
    for (let i = 0; i < 200; i++) await round(i);
    console.log(openDescriptors() - before);`);
  // Threads are started and ended, each with some descriptors.
  t.true(Number(difference) <= 10, difference);
});

test('a pool works in a worker, and ends with it', (t) => {
  t.is(
    printed(`
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const { run, spawn } = require('wasi-rs');
        const { parentPort } = require('node:worker_threads');
        run('./__test__/guests/hello.wasm').then((result) => {
          spawn('./__test__/guests/cat.wasm');
          parentPort.postMessage(result.text());
        });\`, { eval: true });
      worker.on('message', (text) => {
        console.log(text.trim());
        worker.terminate().then(() => console.log('ended'));
      });`),
    'hello\nended\n',
  );
});

test('guests that are ended at random moments end with no other reason than that', async (t) => {
  const two = pool(t, { size: 2 });
  const spin = await bytesOf('spin');
  const flood = await bytesOf('flood');
  const programs = [
    [CAT, {}],
    [flood, {}],
    [spin, {}],
    [HELLO, {}],
    [guestPath('poll'), { args: [AGES] }],
    [EXIT, { args: ['7'] }],
  ];
  let seed = 1;
  const random = (below) => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % below;
  };
  const reasons = {};
  for (let i = 0; i < 300; i++) {
    const [program, options] = programs[random(programs.length)];
    const child = two.spawn(program, options);
    child.stdin.on('error', () => {});
    let written = '';
    child.stdout.on('data', (chunk) => {
      if (program === HELLO) written += chunk;
    });
    const wait = random(8);
    if (wait === 0) child.kill();
    else if (wait < 3) setImmediate(() => child.kill());
    else setTimeout(() => child.kill(), wait - 2);
    const [exitCode, reason] = await new Promise((resolve) =>
      child.once('close', (...event) => resolve(event)),
    );
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    t.true(['exit', 'kill'].includes(reason), reason);
    if (reason === 'exit') {
      t.true([HELLO, EXIT, CAT].includes(program));
      t.is(exitCode, program === EXIT ? 7 : 0);
      if (program === HELLO) t.is(written, 'hello\n');
    } else {
      t.is(exitCode, null);
    }
  }
  t.true(reasons.kill > 0);
  t.is((await two.run(HELLO)).text(), 'hello\n');
});

test('the file of a program is closed', async (t) => {
  const file = path.join(__dirname, 'guests/hello.wasm');
  const stream = fs.createReadStream(file);
  t.is((await run(file, { stdin: stream })).text(), 'hello\n');
  const never = new PassThrough();
  t.is((await run(file, { stdin: never })).text(), 'hello\n');
});
