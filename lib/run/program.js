'use strict';

// Loads and compiles programs, and describes what a module takes to be started.

const fs = require('node:fs');
const { basename, resolve } = require('node:path');
const { fileURLToPath } = require('node:url');
const { isPromise } = require('node:util').types;

const { callsOf } = require('./guest');
const { IMPORT_MODULES, loadBinding } = require('../core');

const { callNames, layoutOf, limitMemory } = loadBinding();

// Loaded on first use: most programs are files, and can be run.
const bytesLike = () => require('../bytes');
const errors = () => require('../errors');

const PAGE = 65_536;
/** The most pages that a memory with 32-bit addresses can have. */
const MOST_PAGES = 65_536;

/** The name of a program that has no file. */
const NO_NAME = 'wasm';

/** What a module was built for, by the name of a module that it imports from. */
const OTHER_HOSTS = [
  [/^wasi:/, 'WASI 0.2, and not for wasm32-wasip1; jco runs it'],
  [/^wasix_/, 'WASIX'],
  [
    /^wasi$/,
    'a host of threads (wasi-threads), which it has with options.threads',
  ],
  [/^(gojs|go)$/, 'browsers by Go, which builds for WASI with GOOS=wasip1'],
  [/wbg|wbindgen/, 'wasm-bindgen, and not for wasm32-wasip1'],
  [/./, 'a host with functions of its own, which runSync() takes as imports'],
];

/** As node:fs checks it: by its shape, as it may be from another realm. */
function isURL(program) {
  return Boolean(program?.href && program.protocol) && !('auth' in program);
}

function isPath(program) {
  return typeof program === 'string' || isURL(program);
}

function isThenable(program) {
  return typeof program?.then === 'function';
}

/** A `Response`, or a `Blob`. */
function hasBytes(program) {
  return typeof program?.arrayBuffer === 'function';
}

/**
 * Checks that a value can be a program.
 *
 * @returns {string} its name: that of its file
 */
function nameOf(program, mayWait) {
  if (typeof program === 'string') return basename(program) || NO_NAME;
  if (isURL(program)) return basename(fileOf(program)) || NO_NAME;
  if (isModule(program) || bytesLike().isBytes(program)) return NO_NAME;
  if (mayWait && (isThenable(program) || hasBytes(program))) {
    // If the guest ends first, or its options are wrong, nobody awaits the promise: a
    // rejection must not be an unhandled one then.
    if (isPromise(program)) program.catch(() => {});
    return NO_NAME;
  }
  const expected = `a path, a URL, bytes${mayWait ? ', a Response' : ''} or a WebAssembly.Module`;
  throw errors().invalidArgType(nameOf, 'program', expected, program);
}

function isModule(program) {
  const tag = Object.prototype.toString.call(program);
  return tag === '[object WebAssembly.Module]';
}

/** The first bytes of a module: the magic number, and version 1. */
const HEADER = Buffer.from('\0asm\x01\0\0\0');

/** Throws for bytes that are not a module; the error says what they are. */
function checkBytes(bytes, name) {
  if (HEADER.equals(bytes.subarray(0, HEADER.length))) return;
  const { reasonAgainst } = require('../formats');
  const reason = reasonAgainst(bytes);
  if (reason !== undefined) {
    throw errors().unsupportedProgram(checkBytes, `${name} ${reason}`);
  }
}

/** The bytes of a module, with the maximum of its memories and tables lowered to `maxMemory`. */
function prepareBytes(bytes, name, maxMemory) {
  checkBytes(bytes, name);
  if (maxMemory === undefined) return bytes;
  const pages = Math.min(Math.floor(maxMemory / PAGE), MOST_PAGES);
  try {
    return limitMemory(bytes, pages);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw errors().unsupportedProgram(
      prepareBytes,
      `${name} is ${error.message}`,
    );
  }
}

/**
 * A cache of compiled files, by path and `maxMemory`; the one that was used last is
 * last. `stamp` tells whether the file has changed since.
 */
const compiled = new Map();
/** How many are kept. */
const MOST_COMPILED = 32;

/** What cannot be read from a `WebAssembly.Module`, only from its bytes: see `layoutOf()`. */
const layouts = new WeakMap();

async function compile(bytes) {
  const layout = layoutOf(bytes);
  const module = await WebAssembly.compile(bytes);
  layouts.set(module, layout);
  return module;
}

function compileSync(bytes) {
  const module = new WebAssembly.Module(bytes);
  layouts.set(module, layoutOf(bytes));
  return module;
}

/** The offset of a module's code section in its bytes; undefined if it was not compiled here, or has none. */
const codeStartOf = (module) => layouts.get(module)?.codeStart ?? undefined;

/** The memory that a module imports, if it is its only one and the module was compiled here. */
function importedMemoryOf(module) {
  const memory = layouts.get(module)?.importedMemory ?? undefined;
  return memory && isWasi(memory.module) ? undefined : memory;
}

/** The attributes of a file that change when its content does. */
function stampOf({ dev, ino, size, mtimeNs, ctimeNs }) {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function findCompiled(key, stamp) {
  const entry = compiled.get(key);
  if (entry?.stamp !== stamp) return undefined;
  compiled.delete(key);
  compiled.set(key, entry);
  return entry.module;
}

/** Keeps a module, or the promise of one that is being compiled. */
function keepCompiled(key, stamp, module) {
  compiled.delete(key);
  compiled.set(key, { stamp, module });
  if (compiled.size > MOST_COMPILED) {
    compiled.delete(compiled.keys().next().value);
  }
}

function fileOf(program) {
  return isURL(program) ? fileURLToPath(program) : resolve(program);
}

async function compileFile(path, maxMemory) {
  const key = `${maxMemory} ${path}`;
  const stamp = stampOf(await fs.promises.stat(path, { bigint: true }));
  const known = findCompiled(key, stamp);
  if (known !== undefined) return known;
  const compiling = fs.promises
    .readFile(path)
    .then((bytes) => compile(prepareBytes(bytes, basename(path), maxMemory)));
  keepCompiled(key, stamp, compiling);
  try {
    return await compiling;
  } catch (error) {
    if (compiled.get(key)?.module === compiling) compiled.delete(key);
    throw error;
  }
}

function compileFileSync(path, maxMemory) {
  const key = `${maxMemory} ${path}`;
  const stamp = stampOf(fs.statSync(path, { bigint: true }));
  const known = findCompiled(key, stamp);
  if (known !== undefined && !isPromise(known)) return known;
  const bytes = prepareBytes(fs.readFileSync(path), basename(path), maxMemory);
  const module = compileSync(bytes);
  keepCompiled(key, stamp, module);
  return module;
}

/** The body of a `Response` with a status of success, or of a `Blob`. */
async function readBody(response) {
  if (response.ok === false) {
    const { status, statusText, url } = response;
    throw errors().unsupportedProgram(
      readBody,
      `the Response for ${url || 'the program'} is ${`${status} ${statusText}`.trim()}`,
    );
  }
  return Buffer.from(await response.arrayBuffer());
}

/**
 * Compiles a program.
 *
 * @param {unknown} program
 * @param {number} [maxMemory] bytes
 * @returns {Promise<WebAssembly.Module>}
 */
async function load(program, maxMemory) {
  if (isThenable(program)) {
    const value = await program;
    nameOf(value, true);
    return load(value, maxMemory);
  }
  if (isPath(program)) return compileFile(fileOf(program), maxMemory);
  if (isModule(program)) return program;
  const { bufferOf, isBytes } = bytesLike();
  const bytes = isBytes(program)
    ? bufferOf(program, 'program')
    : await readBody(program);
  return compile(prepareBytes(bytes, NO_NAME, maxMemory));
}

/** As `load()`, but synchronous: for a path, bytes or a module. */
function loadSync(program, maxMemory) {
  if (isPath(program)) return compileFileSync(fileOf(program), maxMemory);
  if (isModule(program)) return program;
  const bytes = bytesLike().bufferOf(program, 'program');
  return compileSync(prepareBytes(bytes, NO_NAME, maxMemory));
}

/** Whether the name of an imported module is one of WASI. */
const isWasi = (from) => Object.values(IMPORT_MODULES).includes(from);

/** The descriptions of modules, made once for each. */
const descriptions = new WeakMap();

/**
 * Describes what a module takes to be started: its imports of each version of WASI, its
 * entry, whether it has both entries, the memory that it imports, its import and export
 * of wasi-threads, and all imports that are not of WASI.
 */
function describe(module) {
  let description = descriptions.get(module);
  if (description === undefined) {
    description = makeDescription(module);
    descriptions.set(module, description);
  }
  return description;
}

/** Whether an import is a memory. */
function isMemory({ module: from, kind }) {
  return kind === 'memory' && !isWasi(from);
}

/** The export of a guest by which wasi-threads starts a thread. */
const THREAD_START = 'wasi_thread_start';

/** Whether an import is the function of wasi-threads. */
function isThreadSpawn({ module: from, name, kind }) {
  return from === 'wasi' && name === 'thread-spawn' && kind === 'function';
}

/** The imports of each version of WASI that has any. */
function wasiOf(imports) {
  return Object.entries(IMPORT_MODULES).flatMap(([version, from]) => {
    const wanted = imports.filter(({ module }) => module === from);
    return wanted.length === 0
      ? []
      : [{ version, from, calls: callsOf(wanted) }];
  });
}

function makeDescription(module) {
  const imports = WebAssembly.Module.imports(module);
  const exports = new Map(
    WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]),
  );
  const memories = imports.filter(isMemory);
  const others = imports.filter(
    (wanted) => !isMemory(wanted) && !isThreadSpawn(wanted),
  );
  const known = callNames();
  const foreign = others.filter(
    ({ module: from, name, kind }) =>
      !isWasi(from) || kind !== 'function' || !known.includes(name),
  );
  const entries = ['_start', '_initialize'].filter(
    (name) => exports.get(name) === 'function',
  );
  return {
    memory: importedMemoryOf(module),
    memories,
    wasi: wasiOf(imports),
    isWasiOnly: foreign.length === 0,
    entry: entries[0] ?? null,
    hasBoth: entries.length > 1,
    hasMemory: exports.get('memory') === 'memory',
    threadSpawn: imports.find(isThreadSpawn),
    hasThreadStart: exports.get(THREAD_START) === 'function',
    foreign,
  };
}

/**
 * Checks that a module can be run, and describes it.
 *
 * @param {WebAssembly.Module} module
 * @param {string} name what to call it in errors
 * @param {object} options
 * @param {object} [options.imports] the imports beside those of WASI
 * @param {object} [options.threads] how many threads it may have; undefined for none
 * @param {object} [options.trace] whether its calls are traced; or `options.native.trace`
 */
function checkRunnable(module, name, options) {
  const { imports = {}, threads } = options;
  const description = describe(module);
  const { hasMemory, memory, memories, threadSpawn, wasi } = description;
  const foreign = [...description.foreign];
  if (memory === undefined) foreign.push(...memories);
  if (threads === undefined && threadSpawn) foreign.push(threadSpawn);
  const missing = foreign.filter((wanted) => !isGiven(wanted, imports));
  if (missing.length > 0) {
    throw errors().unsupportedProgram(
      checkRunnable,
      explainImports(name, missing),
    );
  }
  if (wasi.length > 0 && !hasMemory && memory === undefined) {
    throw errors().unsupportedProgram(
      checkRunnable,
      `${name} exports no memory`,
    );
  }
  if (threadSpawn !== undefined && !isGiven(threadSpawn, imports)) {
    checkThreads(name, memory, options);
  }
  return description;
}

/** Refuses a guest with threads that could not have any. */
function checkThreads(name, memory, { imports = {}, native, trace }) {
  if (!memory?.shared) {
    throw errors().unsupportedProgram(
      checkThreads,
      `${name} imports wasi.thread-spawn, but no memory that is shared`,
    );
  }
  if (Reflect.ownKeys(imports).length > 0) {
    throw errors().unsupportedProgram(
      checkThreads,
      `${name} has threads, into which options.imports cannot follow it`,
    );
  }
  if ((trace ?? native?.trace) !== undefined) {
    throw errors().unsupportedProgram(
      checkThreads,
      `${name} has threads, whose calls cannot be traced, nor printed for NODE_DEBUG_NATIVE`,
    );
  }
}

function isGiven({ module: from, name }, imports) {
  return Object.hasOwn(imports, from) && imports[from]?.[name] !== undefined;
}

function explainImports(name, missing) {
  const memory = missing.find(({ kind }) => kind === 'memory');
  if (memory !== undefined) {
    return `${name} imports a memory, ${memory.module}.${memory.name}. One is made for programs that are given by path or as bytes, and have no other`;
  }
  const some = missing
    .slice(0, 3)
    .map(({ module: from, name: wanted }) => `${from}.${wanted}`);
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  const [, host] = OTHER_HOSTS.find(([pattern]) =>
    missing.some(({ module: from }) => pattern.test(from)),
  );
  return `${name} imports what is not of WASI: ${some.join(', ')}${more}. It was built for ${host}`;
}

module.exports = {
  checkRunnable,
  codeStartOf,
  compileSync,
  describe,
  load,
  loadSync,
  nameOf,
  prepareBytes,
};
