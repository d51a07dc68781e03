'use strict';

// What an instance keeps alive, and what is freed when it is collected.

const fs = require('node:fs');

const test = require('ava');

const { script } = require('./helpers/child');
const { guestPath, scratch } = require('./helpers/guest');

/** Runs `body` in a child that can collect garbage; returns what it logs. */
function collecting(body, data) {
  const { stdout, stderr } = script(
    `const { WASI } = require('wasi-rs');
     const garbage = require('./__test__/helpers/garbage');
     const data = ${JSON.stringify(data)};
     (${body})({ WASI, data, ...garbage }).then(
       (result) => console.log(JSON.stringify(result)),
     );`,
    { flags: ['--expose-gc'] },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

const onLinux = fs.existsSync('/proc/self/fd') ? test : test.skip;

onLinux('descriptors of dropped instances are closed', (t) => {
  const [before, during, after] = collecting(
    async ({ WASI, data, descriptors, collectUntil }) => {
      const before = descriptors();
      // In a function, so that its variables are dead when it returns.
      const use = (count) => {
        const preopens = { '/': data, '/b': data };
        const instances = Array.from(
          { length: count },
          () => new WASI({ version: 'preview1', preopens }),
        );
        for (const wasi of instances) {
          const memory = new WebAssembly.Memory({ initial: 1 });
          wasi.initialize({ exports: { memory } });
        }
        return descriptors();
      };
      const during = use(50);
      await collectUntil(() => descriptors() === before);
      return [before, during, descriptors()];
    },
    scratch(t),
  );
  t.true(during >= before + 100);
  t.is(after, before);
});

onLinux(
  'functions of streams do not keep alive an instance that they refer to',
  (t) => {
    const [before, after, heard] = collecting(
      async ({ WASI, data, descriptors, collectUntil }) => {
        const { readFileSync } = require('node:fs');
        const bytes = readFileSync(data.guest);
        const module = new WebAssembly.Module(bytes);
        const before = descriptors();
        let heard = 0;
        const use = () => {
          const wasi = new WASI({
            version: 'preview1',
            preopens: { '/': data.directory },
            stdin: () => wasi.nothing,
            stdout(chunk) {
              heard += chunk.length;
              void wasi.fs;
            },
            stderr: 'pipe',
          });
          const imports = wasi.getImportObject();
          wasi.start(new WebAssembly.Instance(module, imports));
          // Without it, the end of the command would close what is open.
          wasi.fs.readdirSync('/');
        };
        for (let i = 0; i < 50; i++) use();
        await collectUntil(() => descriptors() === before);
        return [before, descriptors(), heard];
      },
      { directory: scratch(t), guest: guestPath('hello') },
    );
    t.is(after, before);
    t.is(heard, 50 * 'hello\n'.length);
  },
);

test('a guest keeps the functions of its streams alive', (t) => {
  const written = collecting(async ({ WASI, data, collect }) => {
    const { readFileSync } = require('node:fs');
    const bytes = readFileSync(data);
    const written = [];
    const make = () => {
      const wasi = new WASI({
        version: 'preview1',
        stdout: (chunk) => written.push(String(chunk)),
      });
      const module = new WebAssembly.Module(bytes);
      const instance = new WebAssembly.Instance(module, wasi.getImportObject());
      wasi.initialize({ exports: { memory: instance.exports.memory } });
      return instance.exports;
    };
    const { memory, fd_write: write } = make();
    await collect();
    Buffer.from(memory.buffer).write('text', 64);
    new Uint32Array(memory.buffer).set([64, 4]);
    write(1, 0, 1, 32);
    return written;
  }, guestPath('raw_calls'));
  t.deepEqual(written, ['text']);
});

onLinux('a constructor that throws leaves nothing open', (t) => {
  const [before, after] = collecting(
    async ({ WASI, data, descriptors, collectUntil }) => {
      const before = descriptors();
      for (let i = 0; i < 50; i++) {
        for (const wrong of [
          { preopens: { '/': data, '/none': `${data}/none` } },
          { preopens: { '/': data }, returnOnExit: 1 },
        ]) {
          try {
            new WASI({ version: 'preview1', ...wrong });
          } catch {
            // As it should.
          }
        }
      }
      await collectUntil(() => descriptors() === before);
      return [before, descriptors()];
    },
    scratch(t),
  );
  t.is(after, before);
});

test('a function of wasiImport keeps its guest alive', (t) => {
  const errnos = collecting(async ({ WASI, data, collect }) => {
    const take = () => {
      const wasi = new WASI({ version: 'preview1', preopens: { '/': data } });
      wasi.finalizeBindings({
        exports: { memory: new WebAssembly.Memory({ initial: 1 }) },
      });
      const { fd_prestat_get, random_get } = wasi.wasiImport;
      return { fd_prestat_get, random_get };
    };
    const { fd_prestat_get, random_get } = take();
    await collect();
    return [fd_prestat_get(3, 0), random_get(0, 65535), fd_prestat_get(4, 0)];
  }, scratch(t));
  t.deepEqual(errnos, [0, 0, 8]);
});

test('functions of the other version keep it alive, and are collected with it', (t) => {
  const [errnos, collected] = collecting(
    async ({ WASI, data, collect, collectUntil }) => {
      const { readFileSync } = require('node:fs');
      const module = new WebAssembly.Module(readFileSync(data.guest));
      let count = 0;
      const registry = new FinalizationRegistry(() => count++);
      const take = () => {
        const wasi = new WASI({
          version: 'preview1',
          preopens: { '/': data.directory },
        });
        const { wasi_unstable } = wasi.getImportObject({ module });
        const memory = new WebAssembly.Memory({ initial: 1 });
        wasi.finalizeBindings({ exports: { memory } });
        registry.register(wasi.wasiImport);
        registry.register(wasi_unstable);
        return { memory, fd_prestat_get: wasi_unstable.fd_prestat_get };
      };
      const use = async () => {
        const { memory, fd_prestat_get } = take();
        await collect();
        const before = fd_prestat_get(3, 65_536);
        memory.grow(1);
        return [fd_prestat_get(3, 0), before, fd_prestat_get(3, 65_536)];
      };
      const errnos = await use();
      await collectUntil(() => count === 2);
      return [errnos, count];
    },
    { directory: scratch(t), guest: guestPath('both_versions') },
  );
  const EOVERFLOW = 61;
  t.deepEqual(errnos, [0, EOVERFLOW, 0]);
  t.is(collected, 2);
});

test('an instance that its guest refers to is collected with it', (t) => {
  const collected = collecting(async ({ WASI, data, collectUntil }) => {
    let count = 0;
    const registry = new FinalizationRegistry(() => count++);
    const module = new WebAssembly.Module(
      require('node:fs').readFileSync(data),
    );
    const use = () => {
      const wasi = new WASI({ version: 'preview1' });
      const imports = wasi.getImportObject();
      const instance = new WebAssembly.Instance(module, imports);
      wasi.initialize(instance);
      instance.exports.random_get(0, 4);
      registry.register(wasi);
    };
    for (let i = 0; i < 50; i++) use();
    await collectUntil(() => count === 50);
    return count;
  }, guestPath('raw_calls'));
  t.is(collected, 50);
});

test('a guest with an adapter is collected', (t) => {
  const collected = collecting(async ({ data, collectUntil }) => {
    const { instantiate } = require('./lib/run/guest');
    const { describe } = require('./lib/run/program');
    const { create } = require('./lib/core').loadBinding();
    const { readOptions } = require('./lib/core');
    let count = 0;
    const registry = new FinalizationRegistry(() => count++);
    const module = new WebAssembly.Module(
      require('node:fs').readFileSync(data),
    );
    const guest = { module, ...describe(module) };
    const use = () => {
      const options = readOptions({ version: 'preview1' });
      options.returnOnExit = () => true;
      const native = create(undefined, options);
      const { exports } = instantiate(guest, native, (imports) => imports);
      native.setMemory(exports.memory);
      if (exports.random_get(0, 4) === 0) registry.register(exports);
      registry.register(native.call);
    };
    for (let i = 0; i < 50; i++) use();
    await collectUntil(() => count === 100);
    return count;
  }, guestPath('raw_calls'));
  t.is(collected, 100);
});

/** Objects of 16 MiB, each dropped in another way. */
const DROPPED = {
  'a file system in memory, and its guest': `(i) => {
    const memory = new MemoryFS({ content });
    const wasi = guest(memory);
    wasi.initialize({ exports: { memory: new WebAssembly.Memory({ initial: 1 }) } });
    if (i % 2) wasi.fs.statSync('/content');
    else memory.writeFileSync('more', content);
  }`,
  'an image': '() => Image.from({ content })',
  'an image that a guest has': `() => {
    guest(Image.from({ content })).fs.statSync('/content');
  }`,
  'an image that a file system is over': `() => {
    new MemoryFS(Image.from({ content })).statSync('/content');
  }`,
  'an image of an archive': `() => Image.fromTar(archive)`,
  'an archive': '() => kept.toTar()',
  'an archive of an image': '() => image.toTar()',
  'the files of a guest, that another has': `() => {
    const one = guest(new MemoryFS({ content }));
    guest(one.fs).fs.statSync('/content');
  }`,
  'a file system of JavaScript': `() => {
    const { lstatSync, openSync, closeSync, readSync, readdirSync } =
      new MemoryFS({ content });
    const wasi = guest({ lstatSync, openSync, closeSync, readSync, readdirSync });
    wasi.fs.statSync('/content');
  }`,
};

for (const [what, make] of Object.entries(DROPPED)) {
  onLinux(
    `dropped, it is freed without a turn of the event loop: ${what}`,
    (t) => {
      const { stdout, stderr } = script(`
      const { Image, MemoryFS, WASI } = require('wasi-rs');
      const content = new Uint8Array(16 << 20).fill(1);
      const kept = new MemoryFS({ content });
      const image = kept.snapshot();
      const archive = kept.toTar();
      const guest = (files) =>
        new WASI({ version: 'preview1', preopens: { '/': files } });
      const make = ${make};
      for (let i = 0; i < 150; i++) make(i);
      console.log(process.resourceUsage().maxRSS);`);
      t.is(stderr, '');
      // In KiB. All of them together have 2.3 GiB and more.
      t.true(Number(stdout) < 1.5 * 2 ** 20, stdout);
    },
  );
}

test('a function keeps its file system alive', (t) => {
  const text = collecting(async ({ collect }) => {
    const { MemoryFS } = require('wasi-rs');
    const take = () => new MemoryFS({ a: 'text' }).readFileSync;
    const readFileSync = take();
    await collect();
    // The next ones look for what was collected.
    for (let i = 0; i < 100; i++) new MemoryFS();
    await collect();
    return readFileSync('a', 'utf8');
  });
  t.is(text, 'text');
});

onLinux('the memory that file systems take', (t) => {
  const { stdout, stderr } = script(`
    const { MemoryFS } = require('wasi-rs');
    const grown = (make) => {
      const before = process.memoryUsage.rss();
      const made = make();
      return [process.memoryUsage.rss() - before, made][0];
    };
    const empty = grown(() => Array.from({ length: 10_000 }, () => new MemoryFS()));
    const full = grown(() => {
      const memory = new MemoryFS({}, { maxFiles: Infinity });
      const { closeSync, mkdirSync, openSync, writeSync } = memory;
      const content = Buffer.alloc(100, 'x');
      for (let d = 0; d < 250; d++) {
        mkdirSync('/' + d);
        for (let i = 0; i < 1000; i++) {
          const fd = openSync('/' + d + '/file-' + i, 'w');
          writeSync(fd, content);
          closeSync(fd);
        }
      }
      return memory;
    });
    console.log(JSON.stringify([empty, full]));`);
  t.is(stderr, '');
  const [empty, full] = JSON.parse(stdout);
  t.log(`${empty / 10_000} and ${full / 250_000} bytes each`);
  t.true(empty < 10_000 * 4096);
  // 400 MiB for a million, and garbage that is not collected yet.
  t.true(full < (400 / 4 + 25) * 2 ** 20);
});
