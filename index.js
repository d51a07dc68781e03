'use strict';

const { isPromise } = require('node:util').types;

const { alreadyStarted } = require('./lib/errors');
const { loadBinding } = require('./lib/binding');
const {
  IMPORT_MODULES,
  readCapability,
  readOptions,
} = require('./lib/options');
const {
  validateBoolean,
  validateFunction,
  validateObject,
  validateUndefined,
} = require('./lib/validators');

const { WASI: NativeWASI, enter, leave, run, setMemory } = loadBinding();

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
 * Tells the object that the native side knows by its kSetMemory, which a Proxy of
 * it and an object that inherits from it have, too. It takes a field of that
 * function, as an instance has no property that Node's has not.
 */
class Native extends Extension {
  #wasi;

  constructor(bound, wasi) {
    super(bound);
    this.#wasi = wasi;
  }

  /** Returns `bound`, from now on the kSetMemory of `wasi`. */
  static mark(bound, wasi) {
    return new Native(bound, wasi);
  }

  static of({ [kSetMemory]: bound }) {
    return bound.#wasi;
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
class WASI extends NativeWASI {
  constructor(options = NO_OPTIONS) {
    const nativeOptions = readOptions(options);
    // Node looks at it when it has opened what the guest is given.
    nativeOptions.returnOnExit = () => {
      const { returnOnExit = true } = options;
      return validateBoolean(returnOnExit, 'options.returnOnExit');
    };
    super(nativeOptions);

    this[kBindingName] = IMPORT_MODULES[nativeOptions.version];
    this[kSetMemory] = Native.mark(setMemory.bind(undefined, this), this);
    this[kStarted] = false;
    this[kExitCode] = 0;
    this[kInstance] = undefined;
  }

  finalizeBindings(
    instance,
    { memory = instance?.exports?.memory } = NO_OPTIONS,
  ) {
    if (this[kStarted]) throw alreadyStarted();

    validateObject(instance, 'instance');
    validateObject(instance.exports, 'instance.exports');

    this[kSetMemory](memory);

    this[kInstance] = instance;
    this[kStarted] = true;
  }

  start(instance) {
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateFunction(_start, 'instance.exports._start');
    validateUndefined(_initialize, 'instance.exports._initialize');

    const native = Native.of(this);
    const { how, value } = run(_start, enter(native));
    // A guest that has returned a promise has only been suspended.
    this[kExitCode] = leave(native, !isPromise(value));
    if (how === 'throw') throw value;
    return this[kExitCode];
  }

  initialize(instance) {
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateUndefined(_start, 'instance.exports._start');
    if (_initialize !== undefined) {
      validateFunction(_initialize, 'instance.exports._initialize');
      const native = Native.of(this);
      const { how, value } = run(_initialize, enter(native));
      leave(native, false);
      if (how !== 'return') throw value;
    }
  }

  getImportObject() {
    return { [this[kBindingName]]: this.wasiImport };
  }

  addCapability(name) {
    if (this[kStarted]) throw alreadyStarted();

    super.addCapability.call(Native.of(this), readCapability(name));
  }

  close() {
    super.close.call(Native.of(this));
  }

  stop() {
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

module.exports = { WASI };
