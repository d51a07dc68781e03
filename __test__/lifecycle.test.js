'use strict';

// start(), initialize() and finalizeBindings(): what they accept as an instance, what
// they refuse, and the state after that.

const test = require('ava');

const { script } = require('./helpers/child');
const {
  NODE_MAJOR,
  NodeWASI,
  WASI,
  outcome,
  sameAsNode,
} = require('./helpers/compare');
const { duck, guest } = require('./helpers/guest');

// Node has finalizeBindings() from 24 on; ours is the same on every Node.
const compareFinalize = NODE_MAJOR >= 24 ? sameAsNode : oursAlone;

function oursAlone(t, body) {
  const ours = outcome(() => body(WASI));
  t.truthy(ours);
  return ours;
}

function make(WASI) {
  return new WASI({ version: 'preview1' });
}

const memory = new WebAssembly.Memory({ initial: 1 });

/** Values that are not an instance. */
const INSTANCES = {
  undefined,
  null: null,
  number: 1,
  function: () => {},
  array: [],
  'an object without exports': {},
  'exports: null': { exports: null },
  'exports: a number': { exports: 1 },
  'exports: a string': { exports: 'x' },
  'exports: a function': { exports: () => {} },
  'exports: an array': { exports: [] },
  'no memory': { exports: {} },
  'memory: null': { exports: { memory: null } },
  'memory: an object': { exports: { memory: {} } },
  'memory: a buffer': { exports: { memory: new ArrayBuffer(8) } },
  'memory: a typed array': { exports: { memory: new Uint8Array(8) } },
  'memory: a forgery': {
    exports: { memory: Object.create(WebAssembly.Memory.prototype) },
  },
  'memory: a proxy': { exports: { memory: new Proxy(memory, {}) } },
  'memory only': { exports: { memory } },
  '_start: null': duck({ _start: null }),
  '_start: a string': duck({ _start: 'x' }),
  '_start: an object': duck({ _start: {} }),
  '_start: a function': duck({ _start() {} }),
  '_initialize: null': duck({ _initialize: null }),
  '_initialize: a function': duck({ _initialize() {} }),
  '_initialize: anonymous': duck({ _initialize: (() => () => {})() }),
  both: duck({ _start() {}, _initialize() {} }),
  'both, _initialize null': duck({ _start() {}, _initialize: null }),
  'exports without prototype': {
    exports: { __proto__: null, memory, _start() {} },
  },
  'an instance without prototype': {
    __proto__: null,
    exports: { memory, _initialize() {} },
  },
  'an instance that inherits': Object.create(duck({ _start() {} })),
  'exports that inherit': {
    exports: Object.create({ memory, _start() {} }),
  },
  'a proxy': new Proxy(duck({ _start() {} }), {}),
  'a proxy of exports': {
    exports: new Proxy({ memory, _initialize() {} }, {}),
  },
};

for (const method of ['start', 'initialize']) {
  test(`${method}() of values that are not an instance`, (t) => {
    for (const [title, instance] of Object.entries(INSTANCES)) {
      sameAsNode(t, (WASI) => make(WASI)[method](instance), title);
    }
  });

  test(`${method}() without an argument`, (t) => {
    sameAsNode(t, (WASI) => make(WASI)[method]());
  });
}

/** Programs that are not an instance, and the advice for each. */
const PROGRAMS = {
  'a path': ['app.wasm', 'itself to run()'],
  'a URL': [new URL('file:///app.wasm'), 'itself to run()'],
  'a Buffer': [Buffer.from('\0asm'), 'itself to run()'],
  'an ArrayBuffer': [new ArrayBuffer(8), 'itself to run()'],
  'a module': [guest('hello'), 'itself to run()'],
  'a Response': [new Response(''), 'itself to run()'],
  'a promise': [Promise.resolve(duck({})), 'has to be awaited'],
  'what instantiate() gives': [{ instance: duck({}) }, 'its property'],
};

for (const [title, [program, advice]] of Object.entries(PROGRAMS)) {
  test(`start() of ${title} is Node’s error, and says what to pass`, (t) => {
    const ours = outcome(() => make(WASI).start(program));
    t.true(ours.message.includes(advice), ours.message);
    t.is(outcome(() => make(WASI).initialize(program)).message, ours.message);
    if (NodeWASI === undefined) return;
    const nodes = outcome(() => make(NodeWASI).start(program));
    const withoutText = { message: '', string: '', stackHeader: '' };
    t.deepEqual({ ...ours, ...withoutText }, { ...nodes, ...withoutText });
    t.true(ours.message.startsWith(`${nodes.message}. `), ours.message);
  });
}

test('finalizeBindings() of values that are not an instance', (t) => {
  for (const instance of Object.values(INSTANCES)) {
    compareFinalize(t, (WASI) => make(WASI).finalizeBindings(instance));
  }
});

test('finalizeBindings() takes a memory from its second argument', (t) => {
  for (const options of [
    { memory },
    { memory: undefined },
    { memory: null },
    { memory: {} },
    {},
    undefined,
    null,
    1,
    'x',
    [],
    () => {},
  ]) {
    for (const instance of [{ exports: {} }, { exports: { memory } }, null]) {
      compareFinalize(t, (WASI) =>
        make(WASI).finalizeBindings(instance, options),
      );
    }
  }
  t.is(
    outcome(() => make(WASI).finalizeBindings({ exports: {} }, null)).message,
    "Cannot read properties of null (reading 'memory')",
  );
});

test('finalizeBindings() prefers the memory that it is given', (t) => {
  const given = new WebAssembly.Memory({ initial: 1 });
  const wasi = make(WASI);
  wasi.finalizeBindings({ exports: { memory } }, { memory: given });
  t.is(wasi.wasiImport.args_sizes_get(8, 12), 0);
  t.is(wasi.wasiImport.random_get(16, 64), 0);
  t.true(new Uint8Array(given.buffer, 16, 64).some((byte) => byte !== 0));
  t.true(new Uint8Array(memory.buffer).every((byte) => byte === 0));
});

test('an instance is bound once', (t) => {
  const ways = ['start', 'initialize', 'finalizeBindings'];
  const valid = {
    start: duck({ _start() {} }),
    initialize: duck({}),
    finalizeBindings: duck({}),
  };
  for (const first of ways) {
    for (const second of ways) {
      const { code, message } = compareFinalize(t, (WASI) => {
        const wasi = make(WASI);
        wasi[first](valid[first]);
        return wasi[second](valid[second]);
      });
      t.is(code, 'ERR_WASI_ALREADY_STARTED');
      t.is(message, 'WASI instance has already started');
    }
  }
});

test('a second start is refused before its instance is looked at', (t) => {
  sameAsNode(t, (WASI) => {
    const wasi = make(WASI);
    wasi.start(duck({ _start() {} }));
    wasi.start(null);
  });
});

// Node 20 and 22 count an instance as started even then.
test('a start that never had a memory does not count, as on Node 24', (t) => {
  const body = (WASI) => {
    const wasi = make(WASI);
    const refused = [{}, { exports: {} }, null].map(
      (instance) => outcome(() => wasi.start(instance)).code,
    );
    return [refused, wasi.start(duck({ _start() {} }))];
  };
  const { returned } = compareFinalize(t, body);
  t.is(returned[1], 0);
});

test('a start that had a memory counts, whatever happened then', (t) => {
  for (const exports of [
    {},
    { _start: 1 },
    { _start() {}, _initialize() {} },
    {
      _start() {
        throw new Error('mine');
      },
    },
  ]) {
    const { code } = sameAsNode(t, (WASI) => {
      const wasi = make(WASI);
      outcome(() => wasi.start(duck(exports)));
      wasi.start(duck({ _start() {} }));
    });
    t.is(code, 'ERR_WASI_ALREADY_STARTED');
  }
});

test('start() returns 0 whatever _start returns', (t) => {
  for (const value of [undefined, 7, 'x', null]) {
    const { returned } = sameAsNode(t, (WASI) =>
      make(WASI).start(duck({ _start: () => value })),
    );
    t.is(returned, 0);
  }
});

test('initialize() and finalizeBindings() return nothing', (t) => {
  const initialize = duck({ _initialize: () => 7 });
  t.is(make(WASI).initialize(initialize), undefined);
  t.is(make(WASI).initialize(duck({})), undefined);
  t.is(make(WASI).finalizeBindings(duck({})), undefined);
});

test('_start and _initialize are called once, without receiver or arguments', (t) => {
  for (const [method, name] of [
    ['start', '_start'],
    ['initialize', '_initialize'],
  ]) {
    const { returned } = sameAsNode(t, (WASI) => {
      const calls = [];
      const instance = duck({
        [name](...args) {
          calls.push([this === undefined, args]);
        },
      });
      make(WASI)[method](instance);
      return calls;
    });
    t.deepEqual(returned, [[true, []]]);
  }
});

test('what the guest throws is thrown unchanged', (t) => {
  const thrown = new SyntaxError('mine');
  for (const [method, name] of [
    ['start', '_start'],
    ['initialize', '_initialize'],
  ]) {
    for (const value of [
      thrown,
      undefined,
      null,
      'text',
      Symbol('kExitCode'),
    ]) {
      const instance = duck({
        [name]() {
          throw value;
        },
      });
      try {
        make(WASI)[method](instance);
        t.fail();
      } catch (error) {
        t.is(error, value);
      }
    }
  }
});

test('exports are read as often as Node reads them, and in its order', (t) => {
  const body = (method) => (WASI) => {
    const reads = [];
    const watch = (object, name) =>
      new Proxy(object, {
        get(target, key) {
          reads.push(`${name}.${String(key)}`);
          return target[key];
        },
      });
    const exports = watch({ memory, [method]() {} }, 'exports');
    const instance = watch({ exports }, 'instance');
    make(WASI)[method === '_start' ? 'start' : 'initialize'](instance);
    return reads;
  };
  compareFinalize(t, body('_start'));
  compareFinalize(t, body('_initialize'));
});

test('a getter of the exports may throw, or use the instance', (t) => {
  const throwing = {
    exports: {
      get memory() {
        throw new SyntaxError('mine');
      },
    },
  };
  sameAsNode(t, (WASI) => make(WASI).start(throwing));

  const body = (WASI) => {
    const wasi = make(WASI);
    const outcomes = [];
    const instance = {
      exports: {
        memory,
        get _start() {
          outcomes.push(outcome(() => wasi.start(duck({ _start() {} }))).code);
          return () => {};
        },
      },
    };
    wasi.start(instance);
    return outcomes;
  };
  const { returned } = sameAsNode(t, body);
  t.deepEqual(returned, ['ERR_WASI_ALREADY_STARTED']);
});

test('start() goes through finalizeBindings() of a derived class', (t) => {
  const body = (WASI) => {
    const calls = [];
    class Derived extends WASI {
      finalizeBindings(...args) {
        calls.push(args.length);
        return super.finalizeBindings(...args);
      }
    }
    new Derived({ version: 'preview1' }).start(duck({ _start() {} }));
    new Derived({ version: 'preview1' }).initialize(duck({}));
    return calls;
  };
  t.deepEqual(body(WASI), [1, 1]);
  if (NodeWASI && NODE_MAJOR >= 24) t.deepEqual(body(NodeWASI), [1, 1]);
});

test('Node shows one line of source for an uncaught error', (t) => {
  const { exitCode, stderr } = script(`
    const { WASI } = require('wasi-rs');
    new WASI({ version: 'preview1' }).finalizeBindings({ exports: {} });`);
  t.is(exitCode, 1);
  t.regex(stderr, /"instance.exports.memory" property must be/);
  t.true(stderr.length < 2000, stderr);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

// Loading these modules can fail, for example without a free descriptor.
for (const [option, module] of Object.entries({
  'trace: true': 'tracer',
  'trace: { to: 1 }': 'sinks',
  'threads: true': 'threads/instance',
})) {
  onLinux(`if ${module} cannot be loaded, nothing stays open`, (t) => {
    const { exitCode, stdout, stderr } = script(`
      const fs = require('node:fs');
      const Module = require('node:module');
      const { WASI } = require('wasi-rs');
      const load = Module._load;
      Module._load = (request, ...rest) => {
        if (request.endsWith(${JSON.stringify(module)})) throw new Error('not to be had');
        return load(request, ...rest);
      };
      const open = () => fs.readdirSync('/proc/self/fd').length;
      const make = () => new WASI({
        version: 'preview1', preopens: { '/': '.' }, listeners: [{ port: 0 }], ${option},
      });
      const tell = () => { try { make(); } catch ({ message }) { return message; } };
      tell();
      const before = open();
      console.log(tell(), open() - before);`);
    t.is(stderr, '');
    t.deepEqual(
      { exitCode, stdout },
      { exitCode: 0, stdout: 'not to be had 0\n' },
    );
  });
}
