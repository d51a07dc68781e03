'use strict';

// JavaScript file systems that misbehave: they return nonsense, throw, make nested calls,
// or detach the buffer that they were lent.

const { Worker } = require('node:worker_threads');

const test = require('ava');

const { MemoryFS } = require('..');
const { WASI } = require('./helpers/compare');
const { assemble } = require('./helpers/guest');
const {
  CALLED,
  CREATE,
  PREOPEN,
  READ,
  WRITE,
  callAll,
  caught,
  failing,
  fileSystem,
  guestOver,
  list,
  read,
  stat,
  write,
} = require('./helpers/js-file-system');
const { ERRNO, OFLAGS, OUT } = require('./helpers/raw');

const NONSENSE = {
  'a promise': Promise.resolve(1),
  'a string': '1',
  null: null,
  undefined,
  NaN,
  'a part': 0.5,
  'less than nothing': -1,
  'too much': 2 ** 53,
  'for ever': Infinity,
  'a BigInt': 1n,
  'an object': {},
  true: true,
};

for (const [name, value] of Object.entries(NONSENSE)) {
  test(`${name} is refused as a count and as a descriptor`, (t) => {
    const lie = () => value;
    const reading = guestOver({ readSync: lie }).raw;
    t.is(read(reading, reading.open(PREOPEN, 'file', READ), 9), ERRNO.IO);
    const writing = guestOver({ writeSync: lie }).raw;
    t.is(
      write(writing, writing.open(PREOPEN, 'file', WRITE), 'text'),
      ERRNO.IO,
    );
    const opening = guestOver({ openSync: lie }).raw;
    t.is(opening.tryOpen(PREOPEN, 'file', READ).errno, ERRNO.IO);
    const sized = (original, ...args) => {
      const stats = original(...args);
      return stats && Object.assign(stats, { size: value });
    };
    if (typeof value !== 'bigint') {
      t.is(stat(guestOver({ lstatSync: sized }).raw, 'file'), ERRNO.IO);
    }
  });

  test(`${name} is refused as a time, attributes, a listing and a link`, (t) => {
    const over = (call) => guestOver({ [call]: () => value }).raw;
    const expected = value === undefined ? ERRNO.NOENT : ERRNO.IO;
    t.is(stat(over('lstatSync'), 'file'), expected);
    t.is(list(over('readdirSync'), PREOPEN), ERRNO.IO);
    if (typeof value !== 'string')
      t.is(stat(over('readlinkSync'), 'link'), ERRNO.IO);
    if (typeof value === 'number' && !Number.isNaN(value)) return;
    const timed = (original, ...args) => {
      const { size, mode } = original(...args);
      return { size, mode, atimeMs: value, mtimeMs: value, ctimeMs: value };
    };
    const isTime = typeof value === 'bigint';
    t.is(
      stat(guestOver({ lstatSync: timed }).raw, 'file'),
      isTime ? 0 : ERRNO.IO,
    );
  });
}

test('a count larger than the buffer is EIO', (t) => {
  const { raw } = guestOver({
    readSync: (_, fd, buffer, at, length) => length + 1,
  });
  t.is(read(raw, raw.open(PREOPEN, 'file', READ), 9), ERRNO.IO);
  const { raw: writing } = guestOver({
    writeSync: (_, fd, buffer, at, length) => length + 1,
  });
  t.is(write(writing, writing.open(PREOPEN, 'file', WRITE), 'text'), ERRNO.IO);
  const { raw: idle } = guestOver({ writeSync: () => 0 });
  t.is(write(idle, idle.open(PREOPEN, 'file', WRITE), 'text'), ERRNO.IO);
});

for (const name of ['', '.', '..', 'a/b', '/a', 'a\0b', 'x'.repeat(5000), 7]) {
  test(`${JSON.stringify(String(name).slice(0, 9))} is refused as a name in a listing`, (t) => {
    const listing = guestOver({
      readdirSync: (original, file, options) => [
        ...original(file, options),
        { name, isFile: () => true },
      ],
    });
    t.is(list(listing.raw, PREOPEN), ERRNO.IO);
    const texts = guestOver({ readdirSync: () => [name] });
    t.is(list(texts.raw, PREOPEN), ERRNO.IO);
  });
}

test('a listing without end is cut off', (t) => {
  const endless = new Proxy([], {
    get: (_, key) => (key === 'length' ? 2 ** 32 - 1 : 'name'),
  });
  t.is(list(guestOver({ readdirSync: () => endless }).raw, PREOPEN), ERRNO.IO);
});

test('the memory may grow during a call', (t) => {
  const expected = callAll(guestOver());
  t.is(expected.read, 'nested');
  t.is(expected.size, 3n);
  for (const name of CALLED) {
    const over = {};
    const grow = () => over.calls?.memory.grow(1);
    const growing = (original, ...args) => {
      grow();
      const result = original(...args);
      grow();
      return result;
    };
    Object.assign(over, guestOver({ [name]: growing }));
    t.deepEqual(callAll(over), expected, name);
    t.true(over.calls.memory.buffer.byteLength > 65536 * 2, name);
  }
});

test('a function may call the guest during a call', (t) => {
  const expected = callAll(guestOver());
  for (const name of CALLED) {
    let times = 0;
    let inside = false;
    const over = guestOver({
      [name](original, ...args) {
        if (!inside) {
          inside = true;
          back();
          inside = false;
        }
        return original(...args);
      },
    });
    const { raw, calls } = over;
    const back = () => {
      times++;
      // All that the outer call may be using: its file, its position in a listing, its
      // buffers, its arguments.
      const { fd } = raw.tryOpen(PREOPEN, 'file', READ);
      t.is(read(raw, fd, 3), 'con');
      t.is(calls.fd_close(fd), 0);
      t.deepEqual(list(raw, PREOPEN), expected.listed);
      // The results of the outer call are not written yet.
      raw.view.setUint32(OUT, 77, true);
    };
    t.deepEqual(callAll(over), expected, name);
    t.true(times > 0, name);
  }
});

test('a nested call on the same descriptor does not deadlock', (t) => {
  let back;
  const { raw } = guestOver({
    readSync(original, ...args) {
      const again = back;
      back = undefined;
      again?.();
      return original(...args);
    },
  });
  const fd = raw.open(PREOPEN, 'file', WRITE);
  back = () => t.is(read(raw, fd, 3), 'con');
  t.is(read(raw, fd, 4), 'cont');
  // The call that ended last has set the offset.
  t.is(read(raw, fd, 9), 'ent');
});

test('writeSync gets the bytes as they were at the call', (t) => {
  let back;
  const { raw, memory } = guestOver({
    writeSync(original, ...args) {
      const again = back;
      back = undefined;
      again?.();
      return original(...args);
    },
  });
  const outer = raw.open(PREOPEN, 'outer', CREATE);
  const inner = raw.open(PREOPEN, 'inner', CREATE);
  back = () => t.is(write(raw, inner, 'INNER TEXT'), 0);
  t.is(write(raw, outer, 'outer'), 0);
  t.is(memory.readFileSync('/outer', 'utf8'), 'outer');
  t.is(memory.readFileSync('/inner', 'utf8'), 'INNER TEXT');
});

test('the buffer that is lent may be detached', (t) => {
  for (const name of ['readSync', 'writeSync']) {
    let take = true;
    const { raw } = guestOver({
      [name](original, fd, buffer, ...args) {
        const result = original(fd, buffer, ...args);
        if (take) structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
        return result;
      },
    });
    const fd = raw.open(PREOPEN, 'file', WRITE);
    const call = () =>
      name === 'readSync' ? read(raw, fd, 9, 0n) : write(raw, fd, 'text');
    t.is(call(), name === 'readSync' ? ERRNO.IO : 0, name);
    take = false;
    t.is(call(), name === 'readSync' ? 'content' : 0, name);
  }
});

test('the buffer of a caller of wasi.fs may be detached, too', (t) => {
  const taken = Buffer.from(new ArrayBuffer(9));
  const { wasi } = guestOver({
    readSync(original, ...args) {
      if (taken.length > 0) {
        structuredClone(taken.buffer, { transfer: [taken.buffer] });
      }
      return original(...args);
    },
  });
  const fd = wasi.fs.openSync('/file');
  t.throws(() => wasi.fs.readSync(fd, taken, 0, 9, 0), { code: 'EFAULT' });
  const buffer = Buffer.alloc(9);
  t.is(wasi.fs.readSync(fd, buffer, 0, 9, 0), 7);
});

for (const name of CALLED) {
  test(`the guest may be closed in ${name}`, (t) => {
    let close;
    const over = guestOver({
      [name](original, ...args) {
        close?.();
        return original(...args);
      },
    });
    const { raw, calls, wasi } = over;
    const fd = raw.open(PREOPEN, 'file', WRITE);
    close = () => {
      close = undefined;
      wasi.close();
    };
    callAll(over);
    t.is(calls.fd_close(fd), ERRNO.BADF);
    t.is(stat(raw, 'file'), ERRNO.BADF);
  });
}

/** The imports of a command that opens "file" in descriptor 3, and the memory with that name. */
const OPENS = `
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (func $open (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))`;

/** A command that makes a call on descriptor 3, and continues if it can. */
const COMMAND = (name) => `(module ${OPENS}
  (global $survived (export "survived") (mut i32) (i32.const 0))
  (global $errno (export "errno") (mut i32) (i32.const -1))
  (func (export "${name}")
    try
      (global.set $errno (call $open))
    catch_all
      (global.set $survived (i32.const 1))
      (global.set $errno (call $open))
      rethrow 0
    end))`;

const THROWN = {
  'a TypeError': new TypeError('of my own'),
  'an error with a code of its own': Object.assign(new Error('x'), {
    code: 'ERR_MY_OWN',
  }),
  'an error with a number as its code': Object.assign(new Error('x'), {
    code: 2,
  }),
  'a text': 'text',
  undefined,
  null: null,
  'a number': 7,
  'a symbol': Symbol('thrown'),
};

async function commandThatThrows(entry, thrown) {
  const memory = new MemoryFS();
  memory.writeFileSync('/file', '');
  const fs = fileSystem(
    {
      openSync() {
        throw thrown;
      },
    },
    memory,
  );
  const wasi = new WASI({ version: 'preview1', preopens: { '/': fs } });
  const module = await WebAssembly.compile(await assemble(COMMAND(entry)));
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  return { wasi, instance };
}

for (const [name, thrown] of Object.entries(THROWN)) {
  test(`${name} ends the guest and is thrown unchanged by start()`, async (t) => {
    const { wasi, instance } = await commandThatThrows('_start', thrown);
    t.is(
      caught(t, () => wasi.start(instance)),
      thrown,
    );
    // No guest can catch it.
    t.is(instance.exports.survived.value, 0);
  });

  test(`${name} is thrown unchanged by initialize()`, async (t) => {
    const { wasi, instance } = await commandThatThrows('_initialize', thrown);
    t.is(
      caught(t, () => wasi.initialize(instance)),
      thrown,
    );
    t.is(instance.exports.survived.value, 0);
  });

  // V8 cannot throw null again.
  if (thrown !== null)
    test(`${name} is thrown unchanged by an export, and a guest that catches it cannot make calls`, async (t) => {
      const { wasi, instance } = await commandThatThrows('work', thrown);
      wasi.initialize(instance);
      t.is(caught(t, instance.exports.work), thrown);
      t.is(instance.exports.survived.value, 1);
      t.is(instance.exports.errno.value, ERRNO.NOTCAPABLE);
    });

  test(`${name} is thrown unchanged by wasi.fs and the constructor`, (t) => {
    const throwing = () => {
      throw thrown;
    };
    const { wasi } = guestOver({ readSync: throwing });
    t.is(
      caught(t, () => wasi.fs.readFileSync('/file')),
      thrown,
    );
    const fs = fileSystem({ lstatSync: throwing });
    const options = { version: 'preview1', preopens: { '/': fs } };
    t.is(
      caught(t, () => new WASI(options)),
      thrown,
    );
  });
}

for (const name of CALLED) {
  test(`a file system may be unmounted, and another mounted, in ${name}`, (t) => {
    const lower = guestOver();
    const memory = new MemoryFS();
    memory.writeFileSync('/file', 'content');
    memory.symlinkSync('file', '/link');
    const { raw, wasi } = lower;
    const other = new MemoryFS();
    other.writeFileSync('/file', 'other');
    let isMounted = false;
    const replaced = {
      [name](original, ...args) {
        if (isMounted) {
          isMounted = false;
          wasi.unmount('/over');
          wasi.mount('/over', other);
        }
        return original(...args);
      },
    };
    wasi.mount('/over', fileSystem(replaced, memory));
    isMounted = true;
    const opened = raw.tryOpen(PREOPEN, 'over/link', WRITE);
    if (opened.errno === 0) {
      read(raw, opened.fd, 3);
      write(raw, opened.fd, '!');
      raw.calls.fd_filestat_get(opened.fd, OUT);
      raw.calls.fd_filestat_set_size(opened.fd, 3n);
      raw.calls.fd_close(opened.fd);
    }
    const dir = raw.tryOpen(PREOPEN, 'over', { oflags: OFLAGS.DIRECTORY });
    list(raw, dir.fd);
    t.false(isMounted);
    t.is(wasi.fs.readFileSync('/over/file', 'utf8'), 'other');
  });
}

test('what mounting throws is thrown by wasi.mount()', (t) => {
  const thrown = new TypeError('of my own');
  const fs = fileSystem({
    lstatSync() {
      throw thrown;
    },
  });
  t.is(
    caught(t, () => guestOver().wasi.mount('/over', fs)),
    thrown,
  );
});

test('what closeSync throws is thrown by the call that closes the file', (t) => {
  const thrown = new TypeError('of my own');
  const throwing = () => {
    throw thrown;
  };
  const closing = guestOver({ closeSync: throwing });
  const fd = closing.raw.open(PREOPEN, 'file', READ);
  t.is(
    caught(t, () => closing.calls.fd_close(fd)),
    thrown,
  );
  const whole = guestOver({ closeSync: throwing });
  whole.raw.open(PREOPEN, 'file', READ);
  t.is(
    caught(t, () => whole.wasi.close()),
    thrown,
  );
  // An error of closeSync with a code is ignored.
  const failed = guestOver({ closeSync: failing('EIO') });
  t.is(failed.calls.fd_close(failed.raw.open(PREOPEN, 'file', READ)), 0);
});

test('endless recursion in a function ends the guest', (t) => {
  const { raw } = guestOver({
    openSync: function again(...args) {
      return again(...args);
    },
  });
  const error = caught(t, () => raw.tryOpen(PREOPEN, 'file', READ));
  t.true(error instanceof RangeError);
});

test('a guest may exit in a call from its file system', async (t) => {
  const module = new WebAssembly.Module(
    await assemble(`(module ${OPENS}
      (func (export "leave") (call $exit (i32.const 7)))
      (func (export "_start") (drop (call $open))))`),
  );
  const memory = new MemoryFS();
  memory.writeFileSync('/file', '');
  const fs = fileSystem({ openSync: () => instance.exports.leave() }, memory);
  const wasi = new WASI({ version: 'preview1', preopens: { '/': fs } });
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  t.is(wasi.start(instance), 7);
});

test('a guest may be started, and fail, during a call of another', (t) => {
  const thrown = new TypeError('of my own');
  const inner = guestOver({
    openSync() {
      throw thrown;
    },
  });
  const outer = guestOver({
    openSync(original, ...args) {
      const error = caught(t, () => inner.raw.tryOpen(PREOPEN, 'file', READ));
      t.is(error, thrown);
      return original(...args);
    },
  });
  const fd = outer.raw.open(PREOPEN, 'file', READ);
  t.is(read(outer.raw, fd, 9), 'content');
});

for (const [when, code] of Object.entries({
  'in a call': 'for (;;);',
  'with a file open':
    'parentPort.postMessage("open"); setInterval(() => {}, 1e6);',
})) {
  test(`a worker may be ended ${when}`, async (t) => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
      const { MemoryFS, WASI } = require('./index.js');
      const { fileSystem } = require('./__test__/helpers/js-file-system');
      const memory = new MemoryFS();
      memory.writeFileSync('/file', 'text');
      let waiting = false;
      const fs = fileSystem({
        readSync(original, ...args) {
          if (waiting) { parentPort.postMessage('call'); ${code} }
          return original(...args);
        },
      }, memory);
      const wasi = new WASI({ version: 'preview1', preopens: { '/': fs } });
      const fd = wasi.fs.openSync('/file');
      waiting = true;
      wasi.fs.readSync(fd, Buffer.alloc(9));`,
      { eval: true },
    );
    await new Promise((resolve) => {
      worker.once('message', resolve);
    });
    t.is(await worker.terminate(), 1);
  });
}

test('a guest that is collected closes its files, whatever closeSync does', (t) => {
  const thrown = [];
  for (let count = 0; count < 200; count++) {
    const { raw } = guestOver({
      closeSync(original, fd) {
        original(fd);
        thrown.push(fd);
        throw new TypeError('of my own');
      },
    });
    raw.open(PREOPEN, 'file', READ);
  }
  t.pass();
});
