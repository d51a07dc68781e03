'use strict';

const { readFileSync, statSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');

const { callsOf, instantiate } = require('../adapter');
const { loadBinding } = require('../binding');
const { callNames, capabilitiesOf, capabilityNames } = require('../names');
const { IMPORT_MODULES, readOptions } = require('../options');
const { CommandError, TimeError, systemReason } = require('./error');

const { create, enter, leave, limitMemory, prepare, run } = loadBinding();

// Loaded for the guests that are given one.
const images = () => require('../image');
const memories = () => require('../memory-fs');

const WASM_MAGIC = '\0asm';
/** The layer field, where a component differs from a core module. */
const COMPONENT_LAYER = 1;

/** The bytes of a page of a guest's memory, and the pages that it can have. */
const PAGE = 65_536;
const MAX_PAGES = 65_536;

function readFile(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${systemReason(error)}`);
  }
}

function compile(file, maxMemory) {
  const bytes = readFile(file);
  if (bytes.toString('latin1', 0, WASM_MAGIC.length) !== WASM_MAGIC) {
    throw new CommandError(`${file} is not a WebAssembly module`);
  }
  if (bytes[6] === COMPONENT_LAYER) {
    throw new CommandError(
      `${file} is a WebAssembly component, and only core modules can be run`,
    );
  }
  try {
    return new WebAssembly.Module(limited(bytes, maxMemory));
  } catch (error) {
    throw new CommandError(`cannot compile ${file}: ${error.message}`);
  }
}

/** The bytes of a module that can have no more memory than that. */
function limited(bytes, maxMemory) {
  if (maxMemory === undefined) return bytes;
  return limitMemory(bytes, Math.min(Math.floor(maxMemory / PAGE), MAX_PAGES));
}

/** The version whose name the module imports from. */
function versionOf(module) {
  const unstable = WebAssembly.Module.imports(module).some(
    (wanted) => wanted.module === IMPORT_MODULES.unstable,
  );
  return unstable ? 'unstable' : 'preview1';
}

/** The engine's own message names one import at most, and that by number. */
function checkImports(file, imports, from) {
  const known = callNames();
  const unknown = imports
    .filter(
      ({ module, name, kind }) =>
        module !== from || kind !== 'function' || !known.includes(name),
    )
    .map(({ module, name }) => `${module}.${name}`);
  if (unknown.length > 0) {
    const rest = unknown.length > 3 ? ` and ${unknown.length - 3} more` : '';
    throw new CommandError(
      `${file} imports what is not of WASI: ${unknown.slice(0, 3).join(', ')}${rest}`,
    );
  }
}

function checkExports(file, module) {
  const kinds = new Map(
    WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]),
  );
  if (kinds.get('_start') !== 'function') {
    throw new CommandError(
      `${file} is not a command: it exports no function _start`,
    );
  }
  if (kinds.has('_initialize')) {
    throw new CommandError(
      `${file} is not a command: it exports _initialize beside _start`,
    );
  }
  if (kinds.get('memory') !== 'memory') {
    throw new CommandError(
      `${file} is not a command: it exports no memory of that name`,
    );
  }
}

function checkCapability(name) {
  if (capabilitiesOf(name).length === 0) {
    const known = capabilityNames().filter((each) => !each.includes('_'));
    throw new CommandError(
      `--capability knows no ${name}, but ${known.join(', ')} and the calls of WASI by their names`,
    );
  }
}

/** Makes of what is at a path what a guest is to have of it. */
function open(source, make) {
  try {
    return make();
  } catch (error) {
    throw new CommandError(
      error.code === 'ERR_WASI_INVALID_ARCHIVE'
        ? error.message.replace('Cannot', 'cannot')
        : `cannot open ${source}: ${systemReason(error)}`,
    );
  }
}

/** An archive, over which is written in memory unless it is read-only; or a directory. */
function openSource(source, readOnly) {
  if (statSync(source).isDirectory()) return { path: source, readOnly };
  const { Image } = images();
  const image = source.toLowerCase().endsWith('.zip')
    ? Image.fromZip(source)
    : Image.fromTar(source);
  return readOnly ? image : new (memories().MemoryFS)(image);
}

/** What the command line says of a preopen, with the file system made if it is not the host's. */
function makePreopen({ memory, source, below, ...preopen }) {
  if (memory) return new (memories().MemoryFS)(undefined, memory);
  if (below) return open(below, () => memories().MemoryFS.overlay(below));
  if (source) {
    return open(source, () => openSource(source, preopen.readOnly));
  }
  return preopen;
}

function makePreopens(described) {
  const preopens = { __proto__: null };
  for (const [name, preopen] of Object.entries(described)) {
    preopens[name] = makePreopen(preopen);
  }
  return preopens;
}

/** Refuses to write what a guest changes in a directory of the host. */
function checkWritten(preopens, writeBack) {
  for (const { to, from } of writeBack) {
    if (!(preopens[from] instanceof memories().MemoryFS)) {
      throw new CommandError(`cannot write ${to}: ${from} is not in memory`);
    }
  }
}

/** Writes what has become of directories in memory. */
function writeChanges(preopens, writeBack) {
  for (const { to, from } of writeBack) {
    try {
      writeFileSync(to, preopens[from].toTar({ changes: true }));
    } catch (error) {
      throw new CommandError(`cannot write ${to}: ${systemReason(error)}`);
    }
  }
}

/** The native side of a guest that has what it is given, made by a function of that. */
function makeNative(options, make) {
  options.capabilities?.forEach(checkCapability);
  const native = readOptions(options);
  try {
    return make({ ...native, returnOnExit: () => true });
  } catch (error) {
    throw new CommandError(`cannot ${failed(error)}: ${systemReason(error)}`);
  }
}

/** What could not be done, by what Node's errors say. */
function failed({ path, syscall, address, port }) {
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    return `listen at ${[address, port].filter((part) => part !== undefined).join(':')}`;
  }
  return path === undefined ? 'set up the guest' : `open directory ${path}`;
}

/** Says which ports were free. */
function tellPorts({ listeners }, { sockets }) {
  sockets.forEach(({ address, family, port }, index) => {
    if (listeners[index].port !== 0) return;
    const host = family === 'IPv6' ? `[${address}]` : address;
    process.stderr.write(`wasi-rs: listening at ${host}:${port}\n`);
  });
}

/** Runs a guest to its end, for so many milliseconds if they are said. */
function start(guest, native, timeout) {
  const { number, setMemory } = native;
  const begin = () => {
    const { exports } = instantiate(guest, native, (imports) => imports);
    setMemory(exports.memory);
    exports._start();
  };
  const { how, value } =
    timeout === undefined
      ? run(begin, enter(number))
      : require('../timed').runFor(timeout, begin, number);
  const exitCode = leave(number, true);
  if (value?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
    throw new TimeError('timeout');
  if (how === 'throw') throw value;
  return exitCode;
}

/** The same in a thread of its own, as far as its CPU time goes. */
function startAside(guest, prepared, { cpuTime, timeout }) {
  const { runAside } = require('../run/aside');
  const { token } = prepared;
  const { reply, why } = runAside(
    prepared,
    { ...guest, token, entry: '_start', hasMemory: true },
    { cpuTime, timeout },
  );
  prepared.close();
  if (why !== undefined) throw new TimeError(why.reason);
  if (reply.how === 'exit') return reply.exitCode;
  throw reply.error;
}

/**
 * Compiles a command and makes everything ready for its `_start`.
 *
 * @throws {CommandError} for whatever is wrong before the guest runs
 * @returns {{ start: () => number, finish: () => void }} `start` runs the guest;
 *   returns its exit code, throws its trap. `finish` writes what is left of it
 */
function prepareGuest(command) {
  const { file, guestArgs, options, cpuTime, maxMemory, timeout, writeBack } =
    command;
  const module = compile(file, maxMemory);
  checkExports(file, module);
  const preopens = makePreopens(options.preopens);
  checkWritten(preopens, writeBack);
  const version = versionOf(module);
  const from = IMPORT_MODULES[version];
  const imports = WebAssembly.Module.imports(module);
  const isAside = cpuTime !== undefined;
  const args = [basename(file), ...guestArgs];
  const native = makeNative({ version, args, ...options, preopens }, (given) =>
    isAside ? prepare(given) : create(undefined, given),
  );
  checkImports(file, imports, from);
  tellPorts(options, native);
  const guest = { module, from, calls: callsOf(imports) };
  return {
    start: () =>
      isAside
        ? startAside(guest, native, command)
        : start(guest, native, timeout),
    finish: () => writeChanges(preopens, writeBack),
  };
}

module.exports = { prepareGuest };
