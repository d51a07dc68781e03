'use strict';

const { statSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');

const { addMemory, instantiate } = require('../run/guest');
const { loadBinding, openGuest, readOptions } = require('../core');
const { checkRunnable, describe } = require('../run/program');
const { CommandError, TimeError, systemReason } = require('./error');
const { cannotRun, compile } = require('./program');

const { create, enter, guestOf, leave, prepare, refusedCalls, run } =
  loadBinding();

// Loaded on first use: most guests need none of these.
const images = () => require('../image');
const memories = () => require('../memory-fs');
const threading = () => require('./threads');

const knownNames = () => require('../names');
const invocations = () => require('./invoke');
const stubs = () => require('./stubs');
const traces = () => require('./trace');

/** Refuses a module that is not a command; the error names functions for `--invoke`. */
function checkEntry(file, module, { entry, hasBoth }) {
  if (hasBoth) {
    throw cannotRun(
      `${file} is not a command: it exports _initialize beside _start`,
    );
  }
  if (entry === '_start') return;
  const { functionsOf } = invocations();
  const others = functionsOf(module).filter((name) => name !== '_initialize');
  const way =
    others.length === 0
      ? ''
      : `. --invoke NAME calls one of ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}`;
  throw cannotRun(
    `${file} is not a command: it exports no function _start${way}`,
  );
}

/** The description of a module that can be run: see `checkRunnable()`. */
function describeRunnable(file, module, options) {
  try {
    return checkRunnable(module, file, options);
  } catch (error) {
    throw cannotRun(error.message);
  }
}

function checkCapability(name, option) {
  const { capabilitiesOf, capabilityNames } = knownNames();
  if (capabilitiesOf(name).length === 0) {
    const known = capabilityNames().filter((each) => !each.includes('_'));
    throw new CommandError(
      `${option} ${name} is unknown: the names are ${known.join(', ')} and those of the calls of WASI`,
    );
  }
}

/** Opens a file or directory of the host for a preopen. */
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

/** SOURCE of `--mount`: a directory, or an archive, which unless it is read-only is the lower layer of a `MemoryFS`. */
function openSource(source, readOnly) {
  if (statSync(source).isDirectory()) return { path: source, readOnly };
  const { Image } = images();
  const image = source.toLowerCase().endsWith('.zip')
    ? Image.fromZip(source)
    : Image.fromTar(source);
  return readOnly ? image : new (memories().MemoryFS)(image);
}

/** Makes the preopen that an option describes, with its file system if it is not the host's. */
function makePreopen({ memory, source, below, ...preopen }) {
  if (memory) return new (memories().MemoryFS)(undefined, memory);
  if (below) return open(below, () => memories().MemoryFS.overlay(below));
  if (source) {
    return open(source, () => openSource(source, preopen.readOnly));
  }
  const { path, readOnly } = preopen;
  return path === undefined || readOnly ? preopen : path;
}

function makePreopens(described) {
  const preopens = { __proto__: null };
  for (const [name, preopen] of Object.entries(described)) {
    preopens[name] = makePreopen(preopen);
  }
  return preopens;
}

/** Refuses `--write-back` of a directory that is not in memory. */
function checkWritten(preopens, writeBack) {
  for (const { to, from } of writeBack) {
    if (!(preopens[from] instanceof memories().MemoryFS)) {
      throw new CommandError(`cannot write ${to}: ${from} is not in memory`);
    }
  }
}

/** Writes the changes of directories in memory. */
function writeChanges(preopens, writeBack) {
  for (const { to, from } of writeBack) {
    try {
      writeFileSync(to, preopens[from].toTar({ changes: true }));
    } catch (error) {
      throw new CommandError(`cannot write ${to}: ${systemReason(error)}`);
    }
  }
}

/** Makes the native side of a guest, by a native function. */
function makeNative(options, make) {
  options.capabilities?.forEach((name) =>
    checkCapability(name, '--capability'),
  );
  const native = readOptions(options);
  try {
    return openGuest({ ...native, returnOnExit: () => true }, make).guest;
  } catch (error) {
    throw new CommandError(`cannot ${failed(error)}: ${systemReason(error)}`);
  }
}

/** What failed, in words, by the properties of Node's error. */
function failed({ path, syscall, hostname, address, port }) {
  if (syscall === 'getaddrinfo') return `find ${hostname}`;
  if (syscall === 'listen') return `listen at ${placeOf(address, port)}`;
  return path === undefined ? 'set up the guest' : `open directory ${path}`;
}

/** The address of a listener as `--listen` takes it: an address and a port, or a path. */
function placeOf(address, port) {
  if (port === -1) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Prints the ports of listeners with port 0. */
function tellPorts({ listeners }, { sockets }) {
  sockets.forEach(({ address, port }, index) => {
    if (listeners[index].port !== 0) return;
    process.stderr.write(`wasi-rs: listening at ${placeOf(address, port)}\n`);
  });
}

/** The imports of a guest: WASI, stubs for others, and a memory if it imports one. */
function importsOf(wasi, { others, memory }) {
  const imports = { __proto__: null, ...others };
  for (const [from, functions] of Object.entries(wasi)) {
    imports[from] = { ...others[from], ...functions };
  }
  if (memory === undefined) return imports;
  return addMemory(imports, memory);
}

/** Runs a guest to its end, with its timeout if it has one. */
function start(guest, native, { timeout, tracer }) {
  const { number } = native;
  const setMemory = tracer?.seeingMemory(native.setMemory) ?? native.setMemory;
  let returned;
  const begin = () => {
    let imports;
    const { exports } = instantiate(
      guest,
      native,
      (wasi) => (imports = importsOf(wasi, guest)),
      tracer,
    );
    const { memory } = guest;
    guest.seen = exports.memory ?? imports[memory?.module]?.[memory?.name];
    if (guest.seen !== undefined) setMemory(guest.seen);
    returned = guest.call(exports);
  };
  const { how, value } =
    timeout === undefined
      ? run(begin, enter(number))
      : require('../timed').runFor(timeout, begin, number);
  const exitCode = leave(number, true);
  if (value?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    throw new TimeError('timeout');
  }
  if (how === 'throw') throw value;
  return { exitCode, returned };
}

/** Runs a guest with `--cpu-time` in a thread of its own. */
function startInWorker(guest, prepared, command) {
  if (guest.description.threadSpawn) {
    return threading().startThreads(guest, prepared, command);
  }
  const { cpuTime, timeout } = command;
  const { runInWorker } = require('../run/in-worker');
  const { module, wasi, isWasiOnly, memory, trace } = guest;
  const entry = { entry: '_start', hasMemory: memory === undefined, memory };
  const { reply, why } = runInWorker(
    prepared,
    { token: prepared.token, module, wasi, isWasiOnly, trace, ...entry },
    { cpuTime, timeout },
  );
  prepared.close();
  if (why !== undefined) throw new TimeError(why.reason);
  if (reply.how === 'exit') return { exitCode: reply.exitCode };
  throw reply.error;
}

/** Options for which the guest has to run in this thread. */
const NOT_IN_WORKER = {
  '--invoke': ({ invoke }) => invoke !== undefined,
  '--stub-imports': ({ stubsImports }) => stubsImports,
  '--trace-summary': ({ hasSummary }) => hasSummary,
};

/** Refuses these options together with `--cpu-time`, for which a guest runs in another thread. */
function checkInWorker(command) {
  for (const [option, isThere] of Object.entries(NOT_IN_WORKER)) {
    if (isThere(command)) {
      throw new CommandError(`--cpu-time cannot be combined with ${option}`);
    }
  }
}

/** Prepares a guest for a thread of its own. */
function prepareInWorker(command, guest, options) {
  const { trace } = command;
  const prepared = makeNative(options, (given) => {
    guest.trace = trace === undefined ? given.trace : traces().planOf(trace);
    return prepare(given);
  });
  tellPorts(options, prepared);
  return {
    start: () => startInWorker(guest, prepared, command),
    refused: () => prepared.refused,
    summary: () => undefined,
  };
}

/** Prepares a guest for this thread. */
function prepareHere(command, guest, options) {
  let debug;
  const native = makeNative(options, (given) => {
    debug = given.trace;
    return create(undefined, given);
  });
  tellPorts(options, native);
  const isTraced = command.trace !== undefined || command.hasSummary;
  const { tracer, summary } =
    isTraced || debug !== undefined ? traces().traceGuest(command, native) : {};
  const { timeout } = command;
  return {
    start: () =>
      guest.description.threadSpawn
        ? threading().startThreads(guest, guestOf(native.number), command)
        : start(guest, native, { timeout, tracer }),
    refused: () => refusedCalls(native.number),
    summary: () => summary?.toString(),
  };
}

/** The function that calls `_start`, or the export of `--invoke`. */
function callOf({ file, module, bytes }, { invoke, guestArgs }, description) {
  if (invoke === undefined) {
    checkEntry(file, module, description);
    return ({ _start }) => _start();
  }
  const values = invocations().readValues(
    { file, bytes, module },
    invoke,
    guestArgs,
  );
  return (exports) => {
    exports._initialize?.();
    return exports[invoke](...values);
  };
}

/** Starts a guest, and adds source lines to the stack of what it throws. */
function locating(begin, module) {
  try {
    return begin();
  } catch (error) {
    if (!(error instanceof TimeError)) {
      require('../backtrace').addPlaces(error, module);
    }
    throw error;
  }
}

/**
 * Compiles a program and prepares its guest.
 *
 * @param {object} command see `readArguments()`
 * @param {Buffer} bytes of the program
 * @throws {CommandError} for any error before the guest runs
 * @returns {{ start: () => { exitCode: number, returned: unknown }, finish: () => void,
 *   refused: () => string[], summary: () => string | undefined }} `start` runs the
 *   guest, and throws its trap. `finish` writes the files of `--write-back`. `refused`
 *   names the calls that the guest has made without the capability for them. `summary`
 *   is the table of `--trace-summary`
 */
function prepareGuest(command, bytes) {
  const { file, guestArgs, options, maxMemory, writeBack } = command;
  const { argv0 = basename(file), invoke } = command;
  if (command.cpuTime !== undefined) checkInWorker(command);
  command.trace?.forEach((name) => checkCapability(name, '--trace'));
  const module = compile(file, bytes, maxMemory);
  const guest = { module };
  guest.others = command.stubsImports
    ? stubs().makeStubs(describe(module).foreign, () => guest.seen)
    : {};
  const description = describeRunnable(file, module, {
    imports: guest.others,
    threads: true,
    trace: command.trace ?? (command.hasSummary || undefined),
  });
  const { wasi, isWasiOnly, memory } = description;
  guest.call = callOf({ file, module, bytes }, command, description);
  Object.assign(guest, { wasi, isWasiOnly, memory, description });
  const preopens = makePreopens(options.preopens);
  checkWritten(preopens, writeBack);
  const ready = (command.cpuTime === undefined ? prepareHere : prepareInWorker)(
    command,
    guest,
    {
      version: 'preview1',
      args: [argv0, ...(invoke === undefined ? guestArgs : [])],
      ...options,
      preopens,
    },
  );
  return {
    ...ready,
    start: () => locating(ready.start, module),
    finish: () => writeChanges(preopens, writeBack),
  };
}

module.exports = { prepareGuest };
