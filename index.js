'use strict';

const { constants } = require('node:fs');

const {
  IMPORT_MODULES,
  isValidObject,
  loadBinding,
  openGuest,
  readOptions,
} = require('./lib/core');

// Every program waits for what is loaded here, so all else is loaded on first use.
const errors = () => require('./lib/errors');
const moreOptions = () => require('./lib/options');
const validators = () => require('./lib/validators');

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

/** A class that extends it can add private fields to any object. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its constructor is what it is for
class Extension {
  constructor(object) {
    return object;
  }
}

/**
 * What an instance has that programs cannot see or replace, such as its number on
 * the native side: a private field, as Node's instances have no such property. The
 * instance, its `wasiImport` and its kSetMemory all have the field. So it is found
 * for a Proxy of an instance, and for an object that inherits from one, by the last
 * two, of which programs may replace one.
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

  /** What the guest has written to an output that is a `'pipe'`; null for any other. */
  static written(wasi, stream) {
    const { collected } = Native.#of(wasi, Native.written);
    return collected?.[stream]?.bytes ?? null;
  }

  /** The sockets at which the guest accepts connections. */
  static listeners(wasi) {
    return Native.#of(wasi, Native.listeners).listeners;
  }

  /** Refuses a guest with streams of Node or the Web, which only `startAsync()` serves. */
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

  /** The suspender of the guest; null if there is none yet, unless `make`. */
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
   * The imports of WASI: under `name` those of the version of the instance and, if
   * `versions` has the other version, also those of that.
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
 * The functions of an instance with the layouts of a version of WASI (`wasiImport`),
 * and a function that makes those that can suspend the guest (`suspending`).
 */
function viewOf(parts, version) {
  if (version === parts.version) return parts;
  const { number, kept, tracer } = parts;
  parts.views ??= new Map();
  let view = parts.views.get(version);
  if (view === undefined) {
    const { functionsOf } = require('./lib/run/guest');
    view = functionsOf(number, version, tracer, kept);
    parts.views.set(version, view);
  }
  return view;
}

/** The value of `wasi.fs` by instance. The getter makes it on first use. */
const fileSystems = new WeakMap();

const NO_OPTIONS = Object.freeze({ __proto__: null });

const NO_IMPORT_OPTIONS = Object.freeze({ __proto__: null, suspending: false });

/** The export `_start`; a module that does not have it, or is no command, is refused. */
function startOf({ exports }) {
  const { _start, _initialize } = exports;
  if (typeof _start !== 'function' || _initialize !== undefined) {
    const { validateFunction, validateUndefined } = validators();
    validateFunction(_start, 'instance.exports._start');
    validateUndefined(_initialize, 'instance.exports._initialize');
  }
  return _start;
}

/** Whether a guest has only been suspended, as its `_start` has returned a promise. */
const isSuspended = ({ how, value }) =>
  how === 'return' &&
  value !== undefined &&
  require('node:util').types.isPromise(value);

/**
 * The class of `node:wasi`, argument checks and error texts included.
 *
 * The functions of WASI are in Rust; here is only what must be exactly as in Node.
 * State that Node has in properties is in the same properties, so that a Proxy of an
 * instance works, and an object that inherits from one.
 */
class WASI {
  constructor(options = NO_OPTIONS) {
    const nativeOptions = readOptions(options);
    // Node reads it after it has opened the preopens.
    let returnsOnExit;
    nativeOptions.returnOnExit = () => {
      const { returnOnExit = true } = options;
      if (typeof returnOnExit !== 'boolean') {
        validators().validateBoolean(returnOnExit, 'options.returnOnExit');
      }
      returnsOnExit = returnOnExit;
      return returnsOnExit;
    };
    const { version, kept, collected, awaited } = nativeOptions;
    const { guest, listeners } = openGuest(
      nativeOptions,
      (native) => create(this, native, version, kept),
      ({ number: opened }) => close(opened),
    );
    const { number, suspending } = guest;
    const { trace, threads: threadOptions } = nativeOptions;
    const companions =
      trace === undefined && !threadOptions
        ? undefined
        : require('./lib/companions').companionsOf(
            nativeOptions,
            guest,
            this.wasiImport,
            returnsOnExit,
          );
    const setMemory = companions?.setMemory ?? guest.setMemory;
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
      tracer: companions?.tracer,
      threads: companions?.threads,
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

    const exports = isValidObject(instance) ? instance.exports : undefined;
    if (!isValidObject(exports)) {
      const { validateObject } = validators();
      const advise = () => require('./lib/advice').adviceFor(instance);
      validateObject(instance, 'instance', advise);
      validateObject(exports, 'instance.exports', advise);
    }
    // oxlint-disable-next-line prefer-rest-params -- its pattern takes one property out of it
    if (arguments.length > 1) moreOptions().checkBindingOptions(arguments[1]);

    this[kSetMemory](memory);

    this[kInstance] = instance;
    this[kStarted] = true;
  }

  start(instance, options = NO_OPTIONS) {
    const timeout =
      options === NO_OPTIONS ? undefined : moreOptions().readTimeout(options);
    Native.checkStreams(this, this.start);
    this.finalizeBindings(instance);

    const start = startOf(this[kInstance]);
    const threads = Native.threadsOf(this);
    if (threads?.isUsed) {
      this[kExitCode] = threads.start(timeout);
      return this[kExitCode];
    }
    const number = Native.numberOf(this);
    const ended =
      timeout === undefined
        ? runEntry(start, enter(number))
        : require('./lib/timed').runFor(timeout, start, number);
    this[kExitCode] = leave(number, !isSuspended(ended));
    if (ended.how === 'throw') throw ended.value;
    return this[kExitCode];
  }

  async startAsync(instance, options = {}) {
    const { prepareStart } = require('./lib/suspending/start');
    const start = prepareStart(options, Native.suspenderOf(this));
    this.finalizeBindings(instance);
    this[kExitCode] = await start(startOf(this[kInstance]));
    return this[kExitCode];
  }

  initialize(instance) {
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    if (_start !== undefined) {
      validators().validateUndefined(_start, 'instance.exports._start');
    }
    Native.threadsOf(this)?.begin();
    if (_initialize === undefined) return;
    if (typeof _initialize !== 'function') {
      const { validateFunction } = validators();
      validateFunction(_initialize, 'instance.exports._initialize');
    }
    const number = Native.numberOf(this);
    const { how, value } = runEntry(_initialize, enter(number));
    leave(number, false);
    if (how !== 'return') throw value;
  }

  getImportObject(options = NO_OPTIONS) {
    const importOptions =
      options === NO_OPTIONS
        ? NO_IMPORT_OPTIONS
        : moreOptions().readImportOptions(options);
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
    const { readCapability } = moreOptions();
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
      // `owner` keeps the instance alive: its collection would close the descriptors.
      fileSystem = makeFileSystem(Object.assign(native, { owner: this }));
      fileSystems.set(this, fileSystem);
      // It may become a preopen of another guest.
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
    const { validateInteger } = validators();
    const code = validateInteger(exitCode, 'exitCode', -(2 ** 31), 2 ** 32 - 1);
    stop(Native.numberOf(this), code);
    Native.suspenderOf(this)?.stopped(code | 0);
    this.close();
  }
}

// Node 20 has these symbols from 20.5 on.
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

function run(program, options) {
  return require('./lib/run/run').run(program, options);
}

function runSync(program, options) {
  return require('./lib/run/sync').runSync(program, options);
}

function spawn(program, options) {
  return require('./lib/run/child').spawn(program, options);
}

/** The exports that are loaded on first use. */
const LAZY = {
  Image: () => require('./lib/image'),
  MemoryFS: () => require('./lib/memory-fs'),
  Pool: () => require('./lib/run/pool-class'),
  file: () => require('./lib/entries'),
  symlink: () => require('./lib/entries'),
};

/** Defines a property whose value is loaded when it is first read. It can be set as any other. */
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

// Node finds the names that ES modules can import by parsing this file, so all are written here.
module.exports = {
  Image: undefined,
  MemoryFS: undefined,
  Pool: undefined,
  WASI,
  constants,
  file: undefined,
  run,
  runSync,
  spawn,
  symlink: undefined,
};
for (const [name, load] of Object.entries(LAZY)) {
  defineLazily(module.exports, name, load);
}
