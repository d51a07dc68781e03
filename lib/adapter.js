'use strict';

// Instantiates a guest over an adapter: a module of WebAssembly through which its
// calls reach the addon without a wrapper and a function of JavaScript for each.

const { loadBinding } = require('./binding');

const { adapterModule, giveFunctions } = loadBinding();

/** Compiled adapters by the version and the calls that they have, those made last behind the others. */
const compiled = new Map();
/** How many are kept. */
const MOST_COMPILED = 32;

/** The names of the calls that a module imports. */
function callsOf(imports) {
  return [...new Set(imports.map(({ name }) => name))].sort().join(' ');
}

function adapterOf(version, calls) {
  const key = `${version} ${calls}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(adapterModule(calls, version));
    compiled.set(key, module);
    if (compiled.size > MOST_COMPILED) {
      compiled.delete(compiled.keys().next().value);
    }
  }
  return module;
}

/** The functions of an adapter of its own for a guest. */
function adapt({ version, calls }, { call, memory }) {
  const imports = { __proto__: null, memory, call };
  const adapter = adapterOf(version, calls);
  return new WebAssembly.Instance(adapter, { '': imports }).exports;
}

/** Its imports of WASI, by the names under which it finds them. */
function importsOf(wasi, give) {
  const imports = { __proto__: null };
  for (const part of wasi) imports[part.from] = give(part);
  return imports;
}

/**
 * Functions of an instance for guests of a version of WASI, which are traced if it is,
 * and what makes those of them that may be suspended.
 *
 * @param {number} number the native side's of the instance
 * @param {'preview1' | 'unstable'} version
 * @param {import('./trace/tracer').Tracer} [tracer]
 * @param {unknown} [kept] what the functions keep
 */
function functionsOf(number, version, tracer, kept) {
  const given = {};
  const suspending = giveFunctions(given, number, version, kept);
  tracer?.trace(given.wasiImport, version);
  return { wasiImport: given.wasiImport, suspending };
}

/**
 * Instantiates a guest.
 *
 * @param {object} guest
 * @param {WebAssembly.Module} guest.module
 * @param {{ version: string, from: string, calls: string }[]} guest.wasi what it
 *   imports of each version of WASI: see `describe()`
 * @param {boolean} guest.isWasiOnly whether it imports nothing else, nor functions of
 *   others in the place of some
 * @param {{ number: number, call: () => void, memory?: WebAssembly.Memory }} native
 *   its native side
 * @param {(wasi: object) => object} makeImports
 * @param {import('./trace/tracer').Tracer} [tracer] what tells of its calls, which
 *   an adapter would not go through
 * @returns {WebAssembly.Instance}
 */
function instantiate(
  { module, wasi, isWasiOnly },
  native,
  makeImports,
  tracer,
) {
  if (isWasiOnly && native.memory !== undefined && tracer === undefined) {
    try {
      const imports = importsOf(wasi, (part) => adapt(part, native));
      return new WebAssembly.Instance(module, makeImports(imports));
    } catch (error) {
      // It declares a call with other types than it has, which functions of
      // JavaScript do not mind before it is called. No code of it has run.
      if (!(error instanceof WebAssembly.LinkError)) throw error;
    }
  }
  const imports = importsOf(
    wasi,
    ({ version }) => functionsOf(native.number, version, tracer).wasiImport,
  );
  return new WebAssembly.Instance(module, makeImports(imports));
}

module.exports = { callsOf, functionsOf, instantiate };
