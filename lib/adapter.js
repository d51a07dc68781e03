'use strict';

// Instantiates a guest over an adapter: a module of WebAssembly through which its
// calls reach the addon without a wrapper and a function of JavaScript for each.

const { loadBinding } = require('./binding');

const { adapterModule, giveFunctions } = loadBinding();

/** Compiled adapters by the calls that they have, those made last behind the others. */
const compiled = new Map();
/** How many are kept. */
const MOST_COMPILED = 32;

/** The names of the calls that a module imports, if it imports nothing else. */
function callsOf(imports) {
  return [...new Set(imports.map(({ name }) => name))].sort().join(' ');
}

function adapterOf(calls) {
  let module = compiled.get(calls);
  if (module === undefined) {
    module = new WebAssembly.Module(adapterModule(calls));
    compiled.set(calls, module);
    if (compiled.size > MOST_COMPILED) {
      compiled.delete(compiled.keys().next().value);
    }
  }
  return module;
}

/** The functions of an adapter of its own for a guest. */
function adapt(calls, { call, memory }) {
  const imports = { __proto__: null, memory, call };
  return new WebAssembly.Instance(adapterOf(calls), { '': imports }).exports;
}

/**
 * Instantiates a guest.
 *
 * @param {object} guest
 * @param {WebAssembly.Module} guest.module
 * @param {string} guest.from what WASI is called in the module's imports
 * @param {string} guest.calls see `callsOf()`; empty if it imports anything else,
 *   or functions of others in the place of some
 * @param {{ number: number, call: () => void, memory?: WebAssembly.Memory }} native
 *   its native side
 * @param {(wasi: object) => object} makeImports
 * @param {import('./trace/tracer').Tracer} [tracer] what tells of its calls, which
 *   an adapter would not go through
 * @returns {WebAssembly.Instance}
 */
function instantiate({ module, from, calls }, native, makeImports, tracer) {
  if (calls !== '' && native.memory !== undefined && tracer === undefined) {
    try {
      const functions = adapt(calls, native);
      return new WebAssembly.Instance(
        module,
        makeImports({ [from]: functions }),
      );
    } catch (error) {
      // It declares a call with other types than it has, which functions of
      // JavaScript do not mind before it is called. No code of it has run.
      if (!(error instanceof WebAssembly.LinkError)) throw error;
    }
  }
  const wasi = {};
  giveFunctions(wasi, native.number);
  tracer?.trace(wasi.wasiImport);
  return new WebAssembly.Instance(
    module,
    makeImports({ [from]: wasi.wasiImport }),
  );
}

module.exports = { callsOf, instantiate };
