'use strict';

const { constants } = require('node:fs');
const { isPromise } = require('node:util').types;

const { loadBinding } = require('./lib/binding');
const {
  IMPORT_MODULES,
  checkBindingOptions,
  openGuest,
  readCapability,
  readImportOptions,
  readOptions,
  readTimeout,
} = require('./lib/options');
const {
  validateBoolean,
  validateFunction,
  validateInteger,
  validateObject,
  validateUndefined,
} = require('./lib/validators');

// What runs guests takes the timers as they are now: they may be others by then.
// oxlint-disable-next-line import/no-unassigned-import -- that is what it is for
require('./lib/run/timers');

// What is loaded here, every program waits for. The rest is loaded on first use.
const errors = () => require('./lib/errors');

const {
  addCapability,
  close,
  create,
  enter,
  files,
  rootOf,
  leave,
  run: runEntry,
  stop,
} = loadBinding();

// Other packages look these up by description on an instance, call kSetMemory
// and write kStarted and kInstance. They are part of the interface.
const kBindingName = Symbol('kBindingName');
const kSetMemory = Symbol('kSetMemory');
const kStarted = Symbol('kStarted');
const kExitCode = Symbol('kExitCode');
const kInstance = Symbol('kInstance');

/** What extends it can give fields to any object. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its constructor is what it is for
class Extension {
  constructor(object) {
    return object;
  }
}

/**
 * Tells the number that an instance has for the native side. A Proxy of it and an
 * object that inherits from it have it by their `wasiImport` or kSetMemory, of
 * which programs may replace one. It is a field of each, as an instance has no
 * property that Node's has not.
 */
class Native extends Extension {
  #parts;

  constructor(object, parts) {
    super(object);
    this.#parts = parts;
  }

  static mark(object, parts) {
    return new Native(object, parts);
  }

  static numberOf(wasi) {
    return Native.#of(wasi, Native.numberOf).number;
  }

  /** What the guest has written to an output that is a `'pipe'`, else null. */
  static written(wasi, stream) {
    const { collected } = Native.#of(wasi, Native.written);
    return collected?.[stream]?.bytes ?? null;
  }

  /** The sockets at which the guest accepts connections. */
  static listeners(wasi) {
    return Native.#of(wasi, Native.listeners).listeners;
  }

  /** Refuses a guest that has to wait for a stream, where it cannot. */
  static checkStreams(wasi, method) {
    if (!Native.#of(wasi, method).awaited?.length) return;
    const reason =
      'its standard streams have to be waited for: use startAsync()';
    throw errors().invalidState(method, reason);
  }

  /** The threads of the guest, if it may have any. */
  static threadsOf(wasi) {
    return Native.#of(wasi, Native.threadsOf).threads;
  }

  /** What suspends the calls of the guest: only if it has been asked for, or `make`. */
  static suspenderOf(wasi, make = false) {
    const parts = Native.#of(wasi, Native.suspenderOf);
    if (make && parts.suspender === null) {
      const { Suspender } = require('./lib/suspending/suspender');
      const { number, awaited, tracer } = parts;
      const callsOf = (version) => {
        const calls = viewOf(parts, version).suspending();
        return tracer?.suspending(calls, version) ?? calls;
      };
      parts.suspender = new Suspender(number, callsOf, awaited);
    }
    return parts.suspender;
  }

  /**
   * What the guest imports of WASI: by its name the version that the instance is of,
   * and those of these versions that are others.
   */
  static importsOf(wasi, name, versions, isSuspending) {
    const parts = Native.#of(wasi, Native.importsOf);
    const imported = (functions, version) => {
      if (!isSuspending) return functions;
      const suspender = Native.suspenderOf(wasi, true);
      return { __proto__: functions, ...suspender.exportsOf(version) };
    };
    const imports = { [name]: imported(wasi.wasiImport, parts.version) };
    const other = versions.find((version) => version !== parts.version);
    if (other === undefined) return imports;
    const { wasiImport } = viewOf(parts, other);
    return { ...imports, [IMPORT_MODULES[other]]: imported(wasiImport, other) };
  }

  static #of(wasi, above) {
    const marked =
      Native.#ifMarked(wasi) ??
      Native.#ifMarked(wasi.wasiImport) ??
      Native.#ifMarked(wasi[kSetMemory]);
    if (marked !== undefined) return marked.#parts;
    throw errors().invalidArgType(above, 'this', 'an instance of WASI', wasi);
  }

  static #ifMarked(object) {
    const mayBe = typeof object === 'object' || typeof object === 'function';
    return mayBe && object !== null && #parts in object ? object : undefined;
  }
}

/**
 * The functions of an instance for guests of a version of WASI, and what makes those
 * of them that may be suspended. Of its own version they are in its `wasiImport`.
 */
function viewOf(parts, version) {
  if (version === parts.version) return parts;
  const { number, kept, tracer } = parts;
  parts.views ??= new Map();
  let view = parts.views.get(version);
  if (view === undefined) {
    const { functionsOf } = require('./lib/adapter');
    view = functionsOf(number, version, tracer, kept);
    parts.views.set(version, view);
  }
  return view;
}

/** The threads of an instance that may have some. */
function makeThreads(options, { number }, wasi, returnsOnExit) {
  const { InstanceThreads } = require('./lib/threads/instance');
  // A program may put another in its place later.
  const { proc_exit: procExit } = wasi.wasiImport;
  return new InstanceThreads(options, { number, procExit }, returnsOnExit);
}

/** The value of `fs` by instance, made by the getter the first time. */
const fileSystems = new WeakMap();

/** What tells of a guest's calls, if that is asked for, and the function that gives it its memory. */
function traced({ trace, version }, created, wasi) {
  if (trace === undefined) {
    return { tracer: undefined, setMemory: created.setMemory };
  }
  const { Tracer } = require('./lib/trace/tracer');
  const { sinkOf } = require('./lib/trace/sinks');
  const { number, setMemory } = created;
  const tracer = new Tracer(trace, number, sinkOf(trace.to));
  tracer.trace(wasi.wasiImport, version);
  return { tracer, setMemory: tracer.seeingMemory(setMemory) };
}

/** What an instance has beside its guest. Where that cannot be made, the guest is closed. */
function companionsOf(options, guest, wasi, returnsOnExit) {
  try {
    const { tracer, setMemory } = traced(options, guest, wasi);
    const threads =
      options.threads && makeThreads(options, guest, wasi, returnsOnExit);
    return { tracer, setMemory, threads };
  } catch (error) {
    close(guest.number);
    throw error;
  }
}

const NO_OPTIONS = Object.freeze({ __proto__: null });

/**
 * The class of `node:wasi`, argument checks and error texts included.
 *
 * The functions of WASI are in Rust; here is only what must be said exactly as
 * Node says it. What Node keeps in properties is in the same properties, so that
 * a Proxy of an instance works, and an object that inherits from one.
 */
class WASI {
  constructor(options = NO_OPTIONS) {
    const nativeOptions = readOptions(options);
    // Node looks at it when it has opened what the guest is given.
    let returnsOnExit;
    nativeOptions.returnOnExit = () => {
      const { returnOnExit = true } = options;
      returnsOnExit = validateBoolean(returnOnExit, 'options.returnOnExit');
      return returnsOnExit;
    };
    const { version, kept, collected, awaited } = nativeOptions;
    const { guest, listeners } = openGuest(
      nativeOptions,
      (native) => create(this, native, version, kept),
      ({ number: opened }) => close(opened),
    );
    const { number, suspending } = guest;
    const { tracer, setMemory, threads } = companionsOf(
      nativeOptions,
      guest,
      this,
      returnsOnExit,
    );
    const parts = {
      number,
      version,
      kept,
      collected,
      awaited,
      suspending,
      suspender: null,
      views: undefined,
      listeners,
      tracer,
      threads,
    };
    for (const object of [this, this.wasiImport, setMemory]) {
      Native.mark(object, parts);
    }

    this[kBindingName] = IMPORT_MODULES[version];
    this[kSetMemory] = setMemory;
    this[kStarted] = false;
    this[kExitCode] = 0;
    this[kInstance] = undefined;
  }

  finalizeBindings(
    instance,
    { memory = instance?.exports?.memory } = NO_OPTIONS,
  ) {
    if (this[kStarted]) throw errors().alreadyStarted();

    // Loaded where it is needed, which is seldom.
    const advise = () => require('./lib/advice').adviceFor(instance);
    validateObject(instance, 'instance', advise);
    validateObject(instance.exports, 'instance.exports', advise);
    // oxlint-disable-next-line prefer-rest-params -- its pattern takes one property out of it
    if (arguments.length > 1) checkBindingOptions(arguments[1]);

    this[kSetMemory](memory);

    this[kInstance] = instance;
    this[kStarted] = true;
  }

  start(instance, options = NO_OPTIONS) {
    const timeout = readTimeout(options);
    Native.checkStreams(this, this.start);
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateFunction(_start, 'instance.exports._start');
    validateUndefined(_initialize, 'instance.exports._initialize');

    const threads = Native.threadsOf(this);
    if (threads?.isUsed) {
      this[kExitCode] = threads.start(timeout);
      return this[kExitCode];
    }
    const number = Native.numberOf(this);
    const { how, value } =
      timeout === undefined
        ? runEntry(_start, enter(number))
        : require('./lib/timed').runFor(timeout, _start, number);
    // A guest that has returned a promise has only been suspended.
    this[kExitCode] = leave(number, !isPromise(value));
    if (how === 'throw') throw value;
    return this[kExitCode];
  }

  async startAsync(instance, options = {}) {
    const { prepareStart } = require('./lib/suspending/start');
    const start = prepareStart(options, Native.suspenderOf(this));
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateFunction(_start, 'instance.exports._start');
    validateUndefined(_initialize, 'instance.exports._initialize');

    this[kExitCode] = await start(_start);
    return this[kExitCode];
  }

  initialize(instance) {
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateUndefined(_start, 'instance.exports._start');
    Native.threadsOf(this)?.begin();
    if (_initialize !== undefined) {
      validateFunction(_initialize, 'instance.exports._initialize');
      const number = Native.numberOf(this);
      const { how, value } = runEntry(_initialize, enter(number));
      leave(number, false);
      if (how !== 'return') throw value;
    }
  }

  getImportObject(options = NO_OPTIONS) {
    const importOptions = readImportOptions(options);
    const threads = Native.threadsOf(this);
    const wasiOf = (versions) => {
      const { suspending } = importOptions;
      return Native.importsOf(this, this[kBindingName], versions, suspending);
    };
    if (!threads && !importOptions.module) return wasiOf([]);
    const { importsFor } = require('./lib/threads/imports');
    return importsFor(wasiOf, importOptions, threads);
  }

  addCapability(name) {
    if (this[kStarted]) throw errors().alreadyStarted();

    const number = Native.numberOf(this);
    for (const each of readCapability(name, 'name'))
      addCapability(number, each);
  }

  mount(guestPath, source) {
    const { mount } = require('./lib/mounts');
    mount(Native.numberOf(this), guestPath, source, this[kStarted]);
  }

  unmount(guestPath) {
    const { unmount } = require('./lib/mounts');
    unmount(Native.numberOf(this), guestPath, this[kStarted]);
  }

  get fs() {
    let fileSystem = fileSystems.get(this);
    if (fileSystem === undefined) {
      const { setRoot } = require('./lib/file-systems');
      const { makeFileSystem } = require('./lib/fs');
      const number = Native.numberOf(this);
      const native = files(number);
      // `owner` keeps the instance from garbage collection, which would close its descriptors.
      fileSystem = makeFileSystem(Object.assign(native, { owner: this }));
      fileSystems.set(this, fileSystem);
      // Another guest may have it.
      setRoot(fileSystem, () => rootOf(number));
    }
    return fileSystem;
  }

  get listeners() {
    return Native.listeners(this);
  }

  get stdout() {
    return Native.written(this, 'stdout');
  }

  get stderr() {
    return Native.written(this, 'stderr');
  }

  writeSync(fd, data, ...rest) {
    return this.fs.writeSync(fd, data, ...rest);
  }

  close() {
    Native.threadsOf(this)?.end();
    close(Native.numberOf(this));
    Native.suspenderOf(this)?.closed();
  }

  stop(exitCode = 0) {
    const code = validateInteger(exitCode, 'exitCode', -(2 ** 31), 2 ** 32 - 1);
    stop(Native.numberOf(this), code);
    Native.suspenderOf(this)?.stopped(code | 0);
    this.close();
  }
}

// Node 20 has them from 20.5 on.
if (Symbol.dispose) {
  Object.defineProperties(WASI.prototype, {
    [Symbol.dispose]: {
      __proto__: null,
      value() {
        this.close();
      },
      writable: true,
      configurable: true,
    },
    [Symbol.asyncDispose]: {
      __proto__: null,
      async value() {
        this.close();
      },
      writable: true,
      configurable: true,
    },
  });
}

/** What each of the others is loaded from. */
const LAZY = {
  Image: () => require('./lib/image'),
  MemoryFS: () => require('./lib/memory-fs'),
  Pool: () => require('./lib/run/api'),
  file: () => require('./lib/entries'),
  run: () => require('./lib/run/api'),
  runSync: () => require('./lib/run/api'),
  spawn: () => require('./lib/run/api'),
  symlink: () => require('./lib/entries'),
};

/** Gives an object a property that is loaded when it is first read, and can be set as any. */
function defineLazily(object, name, load) {
  const define = (value) =>
    Object.defineProperty(object, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  Object.defineProperty(object, name, {
    __proto__: null,
    get() {
      const { [name]: value } = load();
      define(value);
      return value;
    },
    set: define,
    enumerable: true,
    configurable: true,
  });
}

// Node finds the names that can be imported in the text of this file alone.
module.exports = {
  Image: undefined,
  MemoryFS: undefined,
  Pool: undefined,
  WASI,
  constants,
  file: undefined,
  run: undefined,
  runSync: undefined,
  spawn: undefined,
  symlink: undefined,
};
for (const [name, load] of Object.entries(LAZY)) {
  defineLazily(module.exports, name, load);
}
