'use strict';

// The properties of an instance, and what other packages do with it: they find its
// symbols by description, write to them, and replace its methods.

const { inspect } = require('node:util');

const test = require('ava');

const {
  NODE_MAJOR,
  NodeWASI,
  WASI,
  outcome,
  sameAsNode,
} = require('./helpers/compare');
const { duck, guest } = require('./helpers/guest');

function make(WASI, options) {
  return new WASI({ version: 'preview1', ...options });
}

/** The symbols of an instance, found as packages for threads find them. */
function symbolsOf(wasi) {
  return Object.fromEntries(
    Object.getOwnPropertySymbols(wasi).map((symbol) => [
      symbol.description,
      symbol,
    ]),
  );
}

test('own properties and their order', (t) => {
  const { returned } = sameAsNode(t, (WASI) =>
    Reflect.ownKeys(make(WASI)).map(String),
  );
  t.deepEqual(returned, [
    'wasiImport',
    'Symbol(kBindingName)',
    'Symbol(kSetMemory)',
    'Symbol(kStarted)',
    'Symbol(kExitCode)',
    'Symbol(kInstance)',
  ]);
});

test('own properties are writable, enumerable and configurable', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    return Reflect.ownKeys(wasi).map((key) => {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(wasi, key);
      return [typeof value, flags];
    });
  });
});

test('the values of the symbols', (t) => {
  for (const version of ['preview1', 'unstable']) {
    sameAsNode(t, (WASI) => {
      const wasi = make(WASI, { version });
      const { kBindingName, kExitCode, kInstance, kStarted } = symbolsOf(wasi);
      const instance = duck({ _start() {} });
      const before = [kBindingName, kStarted, kExitCode].map((k) => wasi[k]);
      wasi.start(instance);
      return [before, wasi[kStarted], wasi[kInstance] === instance];
    });
  }
});

test('the symbols are the same on every instance', (t) => {
  t.deepEqual(symbolsOf(make(WASI)), symbolsOf(make(WASI)));
});

test('the class', (t) => {
  sameAsNode(t, (WASI) => [
    WASI.name,
    WASI.length,
    Object.getOwnPropertyNames(WASI).toSorted(),
    make(WASI).constructor === WASI,
    Object.prototype.toString.call(make(WASI)),
  ]);
});

test('the methods are those of Node 26 on every Node', (t) => {
  const describe = ({ prototype }) =>
    Object.getOwnPropertyNames(prototype).map((name) => {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(
        prototype,
        name,
      );
      return [name, value?.name, value?.length, flags];
    });
  const method = (name, length) => [
    name,
    name,
    length,
    { configurable: true, enumerable: false, writable: true },
  ];
  const getter = (name) => {
    const { get } = Object.getOwnPropertyDescriptor(WASI.prototype, name);
    const flags = { configurable: true, enumerable: false };
    return [name, undefined, undefined, { get, set: undefined, ...flags }];
  };
  const expected = [
    method('constructor', 0),
    method('finalizeBindings', 1),
    method('start', 1),
    method('initialize', 1),
    method('getImportObject', 0),
  ];
  expected[0][1] = 'WASI';
  t.deepEqual(describe(WASI), [
    ...expected.slice(0, 3),
    method('startAsync', 1),
    ...expected.slice(3),
    method('addCapability', 1),
    method('mount', 2),
    method('unmount', 1),
    getter('fs'),
    getter('listeners'),
    getter('stdout'),
    getter('stderr'),
    method('writeSync', 2),
    method('close', 0),
    method('stop', 0),
  ]);
  if (NodeWASI && NODE_MAJOR >= 24) t.deepEqual(describe(NodeWASI), expected);
});

test('util.inspect() of an instance is that of Node’s', (t) => {
  sameAsNode(t, (WASI) => inspect(make(WASI), { depth: -1 }));
  t.true(inspect(make(WASI)).startsWith('WASI {'));
});

test('getImportObject() is a new object around the same functions', (t) => {
  for (const [version, name] of [
    ['preview1', 'wasi_snapshot_preview1'],
    ['unstable', 'wasi_unstable'],
  ]) {
    const wasi = make(WASI, { version });
    const imports = wasi.getImportObject();
    t.deepEqual(Object.keys(imports), [name]);
    t.is(imports[name], wasi.wasiImport);
    t.not(imports, wasi.getImportObject());
  }
});

test('getImportObject() reads wasiImport and kBindingName when it is called', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    wasi.wasiImport = { mine: true };
    wasi[symbolsOf(wasi).kBindingName] = 'elsewhere';
    return wasi.getImportObject();
  });
});

test('an own method of an instance hides the one of the class', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    wasi.start = () => 'mine';
    return wasi.start();
  });
});

test('kStarted set back to false lets an instance start again', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    wasi.start(duck({ _start() {} }));
    wasi[symbolsOf(wasi).kStarted] = false;
    return wasi.start(duck({ _start() {} }));
  });
});

test('kSetMemory binds a memory without starting', (t) => {
  const bind = (WASI) => {
    const wasi = make(WASI, { args: ['one'] });
    const { kInstance, kSetMemory, kStarted } = symbolsOf(wasi);
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi[kInstance] = { exports: { memory } };
    wasi[kSetMemory](memory);
    const errno = wasi.wasiImport.args_sizes_get(0, 4);
    return [errno, wasi[kStarted], [...new Uint32Array(memory.buffer, 0, 2)]];
  };
  t.deepEqual(sameAsNode(t, bind).returned, [0, false, [1, 4]]);
});

test('kSetMemory refuses values other than a memory', (t) => {
  for (const memory of [undefined, null, {}, 1, new ArrayBuffer(1)]) {
    sameAsNode(t, (WASI) => {
      const wasi = make(WASI);
      wasi[symbolsOf(wasi).kSetMemory](memory);
    });
  }
});

test('a proxy of an instance works', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = new Proxy(make(WASI), {});
    const { fd_write, proc_exit } = wasi.wasiImport;
    const code = wasi.start(duck({ _start: () => proc_exit(3) }));
    return [code, fd_write(1, 0, 0, 0), Object.keys(wasi.getImportObject())];
  });
});

test('an object that inherits from an instance works', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = Object.create(make(WASI));
    const { proc_exit } = wasi.wasiImport;
    return wasi.start(duck({ _start: () => proc_exit(4) }));
  });
});

test('a derived class works', (t) => {
  sameAsNode(t, (WASI) => {
    class Sandbox extends WASI {
      constructor() {
        super({ version: 'preview1' });
      }
      start(instance) {
        return `code ${super.start(instance)}`;
      }
    }
    const sandbox = new Sandbox();
    const code = sandbox.start(duck({ _start() {} }));
    return [code, sandbox instanceof WASI, sandbox.constructor.name];
  });
});

test('methods without their instance throw as Node’s do', (t) => {
  for (const name of ['start', 'initialize', 'getImportObject']) {
    sameAsNode(t, (WASI) => {
      const { [name]: method } = make(WASI);
      try {
        return method(duck({ _start() {} }));
      } catch (error) {
        // The order in which properties are read does not matter.
        return error.constructor.name;
      }
    });
  }
});

test('frozen options, functions, exports and instances work', (t) => {
  const { freeze } = Object;
  const { returned } = sameAsNode(t, (WASI) => {
    const wasi = new WASI(
      freeze({
        version: 'preview1',
        args: freeze(['one']),
        env: freeze({ A: 'b' }),
        preopens: freeze({ '/': __dirname }),
      }),
    );
    freeze(wasi.wasiImport);
    const { wasi_snapshot_preview1: functions } = freeze(
      wasi.getImportObject(),
    );
    const { exports } = duck({ _start: () => functions.proc_exit(7) });
    return wasi.start(freeze({ exports: freeze(exports) }));
  });
  t.is(returned, 7);
  // A frozen instance cannot store that it was started.
  const refused = sameAsNode(t, (WASI) => {
    const wasi = freeze(make(WASI));
    return outcome(() => wasi.start(duck({ _start() {} }))).class;
  });
  t.is(refused.returned, 'TypeError');
});

test('instances share nothing', (t) => {
  const instances = Array.from({ length: 20 }, (_, i) => {
    const wasi = make(WASI, { args: Array.from({ length: i }, () => 'x') });
    const memory = new WebAssembly.Memory({ initial: 1 });
    wasi.finalizeBindings({ exports: { memory } });
    return { wasi, memory };
  });
  for (const [i, { wasi, memory }] of instances.entries()) {
    t.is(wasi.wasiImport.args_sizes_get(0, 4), 0);
    t.is(new Uint32Array(memory.buffer)[0], i);
  }
});

test('one instance serves a real module through getImportObject()', (t) => {
  const wasi = make(WASI);
  const instance = new WebAssembly.Instance(
    guest('raw_calls'),
    wasi.getImportObject(),
  );
  wasi.initialize(instance);
  t.is(instance.exports.sched_yield(), 0);
  t.is(instance.exports.fd_close(99), 8);
});

test('an instance whose kSetMemory was wrapped can be started', (t) => {
  const set = (wasi) =>
    Object.getOwnPropertySymbols(wasi).find(
      ({ description }) => description === 'kSetMemory',
    );
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    const { [set(wasi)]: original } = wasi;
    let calls = 0;
    wasi[set(wasi)] = (memory) => {
      calls++;
      original(memory);
    };
    return [wasi.start(duck({ _start() {} })), calls];
  });
  sameAsNode(t, (WASI) => {
    const traced = new Proxy(make(WASI), {
      get(target, key, receiver) {
        const value = Reflect.get(target, key);
        return typeof value === 'function'
          ? (...args) => value.apply(receiver, args)
          : value;
      },
    });
    return traced.start(duck({ _start() {} }));
  });
});
