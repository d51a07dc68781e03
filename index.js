'use strict';

const { accessDenied, alreadyStarted } = require('./lib/errors');
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

const {
  WASI: NativeWASI,
  exitError,
  isExitError,
  mayCall,
  setMemory,
} = loadBinding();

// Other packages look these up by description on an instance, call kSetMemory
// and write kStarted and kInstance. They are part of the interface.
const kBindingName = Symbol('kBindingName');
const kSetMemory = Symbol('kSetMemory');
const kStarted = Symbol('kStarted');
const kExitCode = Symbol('kExitCode');
const kInstance = Symbol('kInstance');

// Of our own, and only there where some capability is missing.
const kAddCapability = Symbol('kAddCapability');

/** "Capabilities insufficient." */
const ENOTCAPABLE = 76;

const NO_OPTIONS = Object.freeze({ __proto__: null });

/** `wasiImport.proc_exit` of an instance made with `returnOnExit: true`. */
function wasiReturnOnProcExit(rval) {
  if (!mayCall(this, 'proc_exit')) return ENOTCAPABLE;
  this[kExitCode] = rval;
  throw exitError(rval);
}

/** Reads the options, and refuses where Node's permission model says so. */
function readPermittedOptions(options) {
  const nativeOptions = readOptions(options);
  if (process.permission?.has('wasi') === false) {
    throw accessDenied(readPermittedOptions);
  }
  // The native proc_exit is the one that ends the process. Where the guest's
  // exit is to return instead, the constructor below puts another in its place.
  nativeOptions.returnOnExit = false;
  return nativeOptions;
}

/**
 * The class of `node:wasi`, argument checks and error texts included.
 *
 * The functions of WASI are in Rust; here is only what must be said exactly as
 * Node says it. What Node keeps in properties is in the same properties, so that
 * a Proxy of an instance works, and an object that inherits from one.
 */
class WASI extends NativeWASI {
  constructor(options = NO_OPTIONS) {
    const nativeOptions = readPermittedOptions(options);
    super(nativeOptions);

    const { returnOnExit = true } = options;
    if (validateBoolean(returnOnExit, 'options.returnOnExit')) {
      this.wasiImport.proc_exit = wasiReturnOnProcExit.bind(this);
    }
    this[kBindingName] = IMPORT_MODULES[nativeOptions.version];
    this[kSetMemory] = setMemory.bind(undefined, this);
    this[kStarted] = false;
    this[kExitCode] = 0;
    this[kInstance] = undefined;
    if (nativeOptions.capabilities !== undefined) {
      this[kAddCapability] = super.addCapability.bind(this);
    }
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

    try {
      _start();
    } catch (error) {
      if (!isExitError(error)) throw error;
    }
    return this[kExitCode];
  }

  initialize(instance) {
    this.finalizeBindings(instance);

    const { _start, _initialize } = this[kInstance].exports;
    validateUndefined(_start, 'instance.exports._start');
    if (_initialize !== undefined) {
      validateFunction(_initialize, 'instance.exports._initialize');
      _initialize();
    }
  }

  getImportObject() {
    return { [this[kBindingName]]: this.wasiImport };
  }

  addCapability(name) {
    if (this[kStarted]) throw alreadyStarted();

    const capability = readCapability(name);
    this[kAddCapability]?.(capability);
  }
}

module.exports = { WASI };
