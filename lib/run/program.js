'use strict';

// From what a user gives as a program to a compiled module, and what it takes to
// start that.

const fs = require('node:fs');
const { basename, resolve } = require('node:path');
const { fileURLToPath } = require('node:url');
const { isPromise } = require('node:util').types;

const { callsOf } = require('../adapter');
const { loadBinding } = require('../binding');
const { bufferOf, isBytes } = require('../bytes');
const { IMPORT_MODULES } = require('../options');

const { callNames, layoutOf, limitMemory } = loadBinding();

// Most programs are modules that can be run.
const errors = () => require('../errors');

const PAGE = 65_536;
/** As many pages as a memory with 32-bit addresses can have. */
const MOST_PAGES = 65_536;

/** The name of a program that has no file. */
const NO_NAME = 'wasm';

/** What a module was built for, by what it imports from. */
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

/** By its looks, as node:fs tells one: there are URLs of other realms. */
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
 * Accepts what may be a program, and calls it by its name: that of its file.
 *
 * @returns {string}
 */
function nameOf(program, mayWait) {
  if (typeof program === 'string') return basename(program) || NO_NAME;
  if (isURL(program)) return basename(fileOf(program)) || NO_NAME;
  if (isModule(program) || isBytes(program)) return NO_NAME;
  if (mayWait && (isThenable(program) || hasBytes(program))) {
    // It is waited for from now on, though a guest that is over first takes no
    // notice of it, and wrong options let no guest begin.
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

/** How a module begins: what stands for WebAssembly, and version 1 of the format. */
const HEADER = Buffer.from('\0asm\x01\0\0\0');

/** Throws for bytes that are no module, and says what they are. */
function checkBytes(bytes, name) {
  if (HEADER.equals(bytes.subarray(0, HEADER.length))) return;
  const { reasonAgainst } = require('../formats');
  const reason = reasonAgainst(bytes);
  if (reason !== undefined) {
    throw errors().unsupportedProgram(checkBytes, `${name} ${reason}`);
  }
}

/** The bytes, with the most memory that the module declares lowered to the limit. */
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
 * Compiled files, by path and limit, those that were used last behind the
 * others. Each belongs to a state of its file.
 */
const compiled = new Map();
/** How many are kept. */
const MOST_COMPILED = 32;

/** What only the bytes of modules tell: see `layoutOf()`. */
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

/** Where the code of a module begins in its bytes; undefined if it was not compiled here, or has none. */
const codeStartOf = (module) => layouts.get(module)?.codeStart ?? undefined;

/** The only memory that a module has, if it was compiled here, and imports that from elsewhere than WASI. */
function importedMemoryOf(module) {
  const memory = layouts.get(module)?.importedMemory ?? undefined;
  return memory && isWasi(memory.module) ? undefined : memory;
}

/** What of a file changes when its content does. */
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

/** The body of a Response, which is one only if it came well. */
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
  const bytes = isBytes(program)
    ? bufferOf(program, 'program')
    : await readBody(program);
  return compile(prepareBytes(bytes, NO_NAME, maxMemory));
}

/** The same at once, of what need not be waited for. */
function loadSync(program, maxMemory) {
  if (isPath(program)) return compileFileSync(fileOf(program), maxMemory);
  if (isModule(program)) return program;
  return compileSync(
    prepareBytes(bufferOf(program, 'program'), NO_NAME, maxMemory),
  );
}

/** What a module imports from that is of WASI. */
const isWasi = (from) => Object.values(IMPORT_MODULES).includes(from);

/** What describes a module, made once for each. */
const descriptions = new WeakMap();

/**
 * What it takes to start a module: what it imports of each version of WASI, its
 * entry, whether it has that of a command and that of a reactor, the memory that it
 * imports, what it has of wasi-threads, and what it imports else that is not of WASI.
 */
function describe(module) {
  let description = descriptions.get(module);
  if (description === undefined) {
    description = makeDescription(module);
    descriptions.set(module, description);
  }
  return description;
}

/** The memory of a module, which is not of WASI. */
function isMemory({ module: from, kind }) {
  return kind === 'memory' && !isWasi(from);
}

/** What wasi-threads has a guest export. */
const THREAD_START = 'wasi_thread_start';

/** What it gives a guest. */
function isThreadSpawn({ module: from, name, kind }) {
  return from === 'wasi' && name === 'thread-spawn' && kind === 'function';
}

/** What these imports are of each version of WASI of which there are any. */
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
 * The description of a module that can be run.
 *
 * @param {WebAssembly.Module} module
 * @param {string} name what to call it in errors
 * @param {object} options
 * @param {object} [options.imports] what the host adds to WASI
 * @param {object} [options.threads] whether it may have threads
 * @param {object} [options.trace] whether its calls are told of; or `options.native.trace`
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
