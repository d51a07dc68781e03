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

/** Accepts what is a memory, and tells whether threads can share it. */
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

/** The memory that a module imports, as its imports have it. */
function memoryImports({ memories: [memory] }, object) {
  if (object === undefined) return {};
  isShared(object);
  if (memory === undefined) {
    throw refuse('memory', 'is for a module that imports one', object);
  }
  const { module: from, name } = memory;
  return { [from]: { [name]: object } };
}

/** Refuses a module with threads that could not have any. */
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

/** What spawns threads, as the imports of a module have it. */
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
 * The imports of a guest, with what its module asks for: each version of WASI that it
 * imports, its memory, and what spawns its threads.
 *
 * @param {(versions: string[]) => object} wasiOf gives the imports of WASI, with these
 *   versions among them
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
