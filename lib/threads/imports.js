'use strict';

const {
  invalidArgType,
  invalidArgValue,
  unsupportedProgram,
} = require('../errors');
const { describe } = require('../run/program');
const { bufferOf } = require('./shared-memory');

function validateModule(module) {
  const tag = Object.prototype.toString.call(module);
  if (tag === '[object WebAssembly.Module]') return module;
  throw invalidArgType(
    validateModule,
    'options.module',
    'an instance of WebAssembly.Module',
    module,
  );
}

/** Checks that a value is a memory, and returns whether it is shared. */
function isShared(memory) {
  try {
    return bufferOf(memory) instanceof SharedArrayBuffer;
  } catch {
    throw invalidArgType(
      isShared,
      'options.memory',
      'an instance of WebAssembly.Memory',
      memory,
    );
  }
}

function refuse(name, reason, value) {
  return invalidArgValue(refuse, `options.${name}`, reason, value);
}

/** The imports of a module with its memory. */
function memoryImports({ memories: [memory] }, object) {
  if (object === undefined) return {};
  isShared(object);
  if (memory === undefined) {
    throw refuse('memory', 'is for a module that imports one', object);
  }
  const { module: from, name } = memory;
  return { [from]: { [name]: object } };
}

/** Refuses options and imports that a module with threads cannot have. */
function checkThreads(description, { suspending, memory }) {
  if (suspending) {
    throw refuse('suspending', 'is for a guest without threads', suspending);
  }
  if (memory === undefined || !isShared(memory)) {
    throw refuse('memory', 'must be one that threads can share', memory);
  }
  const [foreign] = description.foreign;
  if (foreign !== undefined) {
    throw unsupportedProgram(
      checkThreads,
      `The module imports ${foreign.module}.${foreign.name}, which cannot follow it into its threads`,
    );
  }
}

/** The imports of a module with `wasi.thread-spawn`. */
function threadImports(module, description, options, threads) {
  if (description.threadSpawn === undefined) {
    return threads === undefined ? {} : { wasi: threads.unused };
  }
  if (threads === undefined) {
    throw unsupportedProgram(
      threadImports,
      'The module imports wasi.thread-spawn, which takes the option threads of new WASI()',
    );
  }
  checkThreads(description, options);
  return { wasi: threads.use(module, description, options.memory) };
}

/**
 * The imports of a guest, as its module needs them: each version of WASI, the memory, and
 * `wasi.thread-spawn`.
 *
 * @param {(versions: string[]) => object} wasiOf makes the imports of WASI, these
 *   versions included
 * @param {{ suspending: boolean, module: unknown, memory: unknown }} options of
 *   `getImportObject()`
 * @param {import('./instance').InstanceThreads} [threads]
 */
function importsFor(wasiOf, options, threads) {
  const module = validateModule(options.module);
  const description = describe(module);
  const added = {
    ...memoryImports(description, options.memory),
    ...threadImports(module, description, options, threads),
  };
  return {
    ...wasiOf(description.wasi.map(({ version }) => version)),
    ...added,
  };
}

module.exports = { importsFor };
