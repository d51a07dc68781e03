'use strict';

// Options of `new WASI()` that only some programs set, and its errors: see lib/core.js.

const { posix } = require('node:path');
const { inspect } = require('node:util');

const {
  IS_DEBUGGED,
  OPTIONS: NAMES,
  VM_TIMEOUT_MAX,
  isObject,
  readOptions,
} = require('./core');
const {
  properties,
  validateArray,
  validateBoolean,
  validateFd,
  validateInteger,
  validateObject,
  validateOneOf,
  validateProperties,
  validateSpelling,
  validateString,
} = require('./validators');

// Loaded on first use: most programs make no mistake, and do not set these options.
const entries = () => require('./entries');
const determinism = () => require('./determinism');
const errors = () => require('./errors');
const fileSystems = () => require('./file-systems');
const knownLimits = () => require('./limits').LIMITS;
const knownNames = () => require('./names');

/** The properties of a `WASIPreopen`. */
const PREOPEN = properties(['path', 'fs', 'readOnly', 'rights']);

/** Functions that a `WASIPreopen` may also have, so that it is a path for node:wasi. */
const CONVERSIONS = ['toString', 'valueOf'];

/** What `String()` makes of an object without a `toString` of its own. */
const NO_PATH = '[object Object]';

/**
 * Reads what `preopens` has for a path: a file system; a `WASIPreopen`, which is an
 * object with any of its properties, or one that `String()` does not convert to a
 * path; or else a path of the host, which as in Node is what `String()` returns.
 */
function readSource(value, name) {
  if (!isObject(value)) {
    return { realPath: String(value) };
  }
  const whole = readWhole(value, name);
  if (whole !== undefined) return whole;
  if (![...PREOPEN.names].some((property) => property in value)) {
    // An object with some functions of node:fs is meant as a file system.
    if (fileSystems().whyNot(value) !== undefined) readFileSystem(value, name);
    validateSpelling(value, name, PREOPEN);
    const realPath = isConvertible(value) ? String(value) : NO_PATH;
    if (realPath !== NO_PATH) return { realPath };
  }
  return readDescribedPreopen(value, name);
}

/** The root of a file system; of `wasi.fs`, the directory where relative paths begin. */
const ROOT = '.';

/** A file system, or a `file()`; undefined for anything else. */
function readWhole(value, name) {
  const directory = fileSystems().rootOf(value);
  if (directory !== undefined) return { directory, realPath: ROOT };
  // Those of file() are frozen.
  const entry = Object.isFrozen(value) ? entries().readEntry(value) : undefined;
  if (entry === undefined) return undefined;
  if (entry.kind !== 'file') {
    throw errors().invalidArgValue(
      readWhole,
      name,
      'must be no symbolic link',
      value,
    );
  }
  const { MemoryFS } = require('./memory-fs');
  const memory = new MemoryFS({ [FILE]: value });
  return { directory: fileSystems().rootOf(memory), file: FILE, realPath: '/' };
}

/** The name of a `file()` in the file system that is made for it. */
const FILE = 'file';

function readPreopen(mappedPath, value) {
  const name = `options.preopens[${inspect(mappedPath)}]`;
  return { mappedPath, ...readSource(value, name) };
}

/** Whether an object, or its class, defines its conversion to a string. */
function isConvertible(value) {
  return (
    Symbol.toPrimitive in value ||
    CONVERSIONS.some((property) => property in value)
  );
}

const FILE_SYSTEM =
  'an instance of MemoryFS or Image, fs of a WASI, made by file(), or an object with the synchronous functions of node:fs';

function readFileSystem(value, name) {
  const whole = readWhole(value, name);
  if (whole !== undefined) return whole;
  const reason = fileSystems().whyNot(value);
  const expected =
    reason === undefined ? FILE_SYSTEM : `${FILE_SYSTEM}, ${reason}`;
  throw errors().invalidArgType(readFileSystem, name, expected, value);
}

/** The place of a `WASIPreopen`: in its `fs`, or on the host. */
function readPlace({ fs, path }, name) {
  if (fs === undefined) {
    return { realPath: validateString(path, `${name}.path`) };
  }
  const whole = readFileSystem(fs, `${name}.fs`);
  if (path === undefined) return whole;
  validateString(path, `${name}.path`);
  if (whole.file === undefined) return { ...whole, realPath: path };
  const reason = 'cannot be combined with a file';
  throw errors().invalidArgValue(readPlace, `${name}.path`, reason, path);
}

function readDescribedPreopen(value, name) {
  validateProperties(value, name, PREOPEN, CONVERSIONS);
  const { readOnly, rights } = value;
  return {
    ...readPlace(value, name),
    readOnly:
      readOnly === undefined
        ? undefined
        : validateBoolean(readOnly, `${name}.readOnly`),
    rights:
      rights === undefined
        ? undefined
        : readNames(rights, `${name}.rights`, knownNames().rightNames()),
  };
}

/** The path in the guest of `mount()` and `unmount()`. */
function readMountPoint(value) {
  const path = validateString(value, 'guestPath');
  const reason = reasonAgainst(path);
  if (reason === undefined) return path;
  throw errors().invalidArgValue(readMountPoint, 'guestPath', reason, path);
}

function reasonAgainst(path) {
  if (path === '') return 'must not be empty';
  if (path.includes('\0')) return 'must be a string without null bytes';
  if (path.split('/').includes('..')) return "must be a path without '..'";
  return undefined;
}

/** The arguments of `mount()`. */
function readMount(guestPath, source) {
  const mappedPath = readMountPoint(guestPath);
  if (typeof source !== 'string' && !isObject(source)) {
    const expected = 'of type string or an instance of Object';
    throw errors().invalidArgType(readMount, 'source', expected, source);
  }
  const mount = { mappedPath, ...readSource(source, 'source') };
  if (!mount.realPath.includes('\0')) return mount;
  const reason = 'must be a string without null bytes';
  throw errors().invalidArgValue(readMount, 'source', reason, mount.realPath);
}

/** The name of the preopen with the devices. */
const DEVICES = '/dev';

function isDevices({ mappedPath }) {
  return posix.join(mappedPath, '/') === `${DEVICES}/`;
}

/** Whether the guest has devices; together with another preopen of that name it is an error. */
function readDevices(value = false, preopens) {
  validateBoolean(value, 'options.devices');
  if (value && preopens.some(isDevices)) {
    throw errors().invalidArgValue(
      readOptions,
      'options.devices',
      `cannot be combined with a preopen '${DEVICES}'`,
      value,
    );
  }
  return value;
}

/** Reads an array of names, which must all be known. */
function readNames(value, name, known) {
  return Array.from(validateArray(value, name), (element, i) =>
    readName(element, `${name}[${i}]`, known),
  );
}

function readName(value, name, known) {
  return validateOneOf(validateString(value, name), name, known);
}

function readLimits(value) {
  if (value === undefined) return undefined;
  validateObject(value, 'options.limits');
  const known = knownLimits();
  validateProperties(value, 'options.limits', properties(Object.keys(known)));
  const limits = {};
  for (const [name, [least, most]] of Object.entries(known)) {
    const { [name]: limit } = value;
    if (limit === undefined) continue;
    limits[name] = validateInteger(
      limit,
      `options.limits.${name}`,
      least,
      most,
    );
  }
  return limits;
}

function readCapabilities(value, name = 'options.capabilities') {
  if (value === undefined) return undefined;
  validateArray(value, name);
  return Array.from(value, (element, i) =>
    readCapability(element, `${name}[${i}]`),
  ).flat();
}

/** Reads `trace`; undefined if the guest is not traced. */
function readTrace(value = IS_DEBUGGED) {
  if (value === false) return undefined;
  return require('./trace/options').readTrace(value, readCapabilities);
}

/** The names on the native side for a capability: several for a prefix. */
function readCapability(value, name) {
  const { capabilitiesOf, capabilityNames } = knownNames();
  const all = capabilitiesOf(validateString(value, name));
  return all.length > 0 ? all : [readName(value, name, capabilityNames())];
}

/** Names that are often taken for options, and where they belong. */
const innerOptions = () => ({
  readOnly: 'preopens[…].readOnly',
  rights: 'preopens[…].rights',
  ...Object.fromEntries(
    Object.keys(knownLimits()).map((name) => [name, `limits.${name}`]),
  ),
});

const OPTIONS = properties(
  NAMES,
  innerOptions,
  // An option of node:child_process, and not a misspelled `stdin`.
  ['stdio'],
);

/** Reads `threads`. A guest with threads cannot have functions as standard streams. */
function readClassThreads(value, streams) {
  if (value === undefined) return undefined;
  return require('./threads/options').readClassThreads(value, streams);
}

/** Reads a standard stream: a descriptor, as in Node, or anything else that streams.js knows. */
function readStream(value, stream) {
  return typeof value === 'number'
    ? validateFd(value, `options.${stream}`)
    : require('./streams').validateStream(value, stream);
}

function isDescriptor(stream) {
  return typeof stream === 'number';
}

/** Opens the standard streams that are not descriptors, if there are any. */
function openStreams(native, { input, maxBuffer }) {
  const { stdin = 0, stdout, stderr } = native;
  if (
    [stdin, stdout, stderr].every(isDescriptor) &&
    input === undefined &&
    maxBuffer === undefined
  ) {
    return { stdin };
  }
  return require('./streams').openStreams(native, { input, maxBuffer });
}

/** Reads `listeners` and `connections`. */
function readSockets({ listeners, connections }) {
  if (listeners === undefined && connections === undefined) return undefined;
  const { Sockets } = require('./sockets');
  return new Sockets(listeners, connections);
}

/** Reads `clock` and `random`. */
function readDetermined({ clock, random }) {
  if (clock === undefined && random === undefined) return {};
  const { readClock, readRandom } = determinism();
  const kept = [];
  return {
    clock: clock === undefined ? undefined : readClock(clock, kept),
    random: random === undefined ? undefined : readRandom(random, kept),
    kept,
  };
}

const BINDING_OPTIONS = properties(['memory']);

const START_OPTIONS = properties(['timeout']);

const IMPORT_OPTIONS = properties(['suspending', 'module', 'memory']);

/**
 * Reads the options that node:wasi does not have.
 *
 * @param {object} added their values
 * @param {object} native where they are added, converted for the native side
 * @param {object} given all options, as they were given
 */
function readAdded(added, native, given) {
  native.limits = readLimits(added.limits);
  native.capabilities = readCapabilities(added.capabilities);
  native.devices = readDevices(added.devices, native.preopens);
  native.trace = readTrace(added.trace);
  const determined = readDetermined(added);
  validateSpelling(given, 'options', OPTIONS);
  native.threads = readClassThreads(added.threads, native);
  if (native.threads && determined.kept?.length > 0) {
    require('./threads/options').refuseFunctions(added);
  }
  native.given = readSockets(added);
  const streams = openStreams(native, added);
  const kept = determined.kept && [...(streams.kept ?? []), ...determined.kept];
  Object.assign(native, determined, streams, kept && { kept });
}

/** Checks the second argument of `finalizeBindings()`, except the memory. */
function checkBindingOptions(options) {
  // Node takes a value of any type here.
  if (typeof options !== 'object') return;
  validateSpelling(options, 'options', BINDING_OPTIONS);
}

/** Reads the second argument of `start()`, which Node ignores. */
function readTimeout(options) {
  if (typeof options !== 'object' || options === null) return undefined;
  validateSpelling(options, 'options', START_OPTIONS);
  const { timeout } = options;
  if (timeout === undefined) return undefined;
  return (
    validateInteger(timeout, 'options.timeout', 0, VM_TIMEOUT_MAX) || undefined
  );
}

/** Reads the argument of `getImportObject()`, which Node ignores. */
function readImportOptions(options) {
  if (typeof options !== 'object' || options === null) return NO_IMPORT_OPTIONS;
  validateSpelling(options, 'options', IMPORT_OPTIONS);
  const { suspending = false, module, memory } = options;
  validateBoolean(suspending, 'options.suspending');
  return { suspending, module, memory };
}

const NO_IMPORT_OPTIONS = Object.freeze({ __proto__: null, suspending: false });

module.exports = {
  checkBindingOptions,
  readAdded,
  readCapability,
  readImportOptions,
  readMount,
  readMountPoint,
  readPreopen,
  readStream,
  readTimeout,
};
