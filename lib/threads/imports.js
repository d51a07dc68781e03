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

/** Adds the memory that a module imports. */
function addMemory(imports, { memories: [memory] }, object) {
  isShared(object);
  if (memory === undefined) {
    throw refuse('memory', 'is for a module that imports one', object);
  }
  const { module: from, name } = memory;
  return { ...imports, [from]: { ...imports[from], [name]: object } };
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

/**
 * Adds to the imports of a guest what its module asks for: its memory, and what
 * spawns its threads.
 *
 * @param {object} imports those of WASI
 * @param {{ suspending: boolean, module: unknown, memory: unknown }} options of
 *   `getImportObject()`
 * @param {import('./instance').InstanceThreads} [threads]
 */
function addImports(imports, options, threads) {
  const { memory } = options;
  const module = validateModule(options.module);
  const description = describe(module);
  const all =
    memory === undefined ? imports : addMemory(imports, description, memory);
  if (description.threadSpawn === undefined) {
    return threads === undefined ? all : { ...all, wasi: threads.unused };
  }
  if (threads === undefined) {
    throw unsupportedProgram(
      addImports,
      'The module imports wasi.thread-spawn, which takes the option threads of new WASI()',
    );
  }
  checkThreads(description, options);
  return { ...all, wasi: threads.use(module, description, memory) };
}

module.exports = { addImports };
