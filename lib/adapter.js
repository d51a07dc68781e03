'use strict';

// Instantiates a guest with an adapter: a WebAssembly module through which its calls
// reach the addon, so that the engine need not compile a wrapper and a JavaScript
// function for each call.

const { loadBinding } = require('./binding');

const { adapterModule, giveFunctions } = loadBinding();

/** A cache of compiled adapters, by the version and the calls that they have; the newest is last. */
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

/** The imports of WASI, by the name of their module. */
function importsOf(wasi, give) {
  const imports = { __proto__: null };
  for (const part of wasi) imports[part.from] = give(part);
  return imports;
}

/**
 * Makes functions of an instance with the layouts of a version of WASI, and a function
 * that makes those that can suspend the guest. With a tracer they are traced.
 *
 * @param {number} number of the instance, on the native side
 * @param {'preview1' | 'unstable'} version
 * @param {import('./trace/tracer').Tracer} [tracer]
 * @param {unknown} [kept] what is to live as long as the functions
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
 * @param {boolean} guest.isWasiOnly whether it imports nothing else, and no WASI call
 *   is replaced by a function of the host
 * @param {{ number: number, call: () => void, memory?: WebAssembly.Memory }} native
 *   its native side
 * @param {(wasi: object) => object} makeImports
 * @param {import('./trace/tracer').Tracer} [tracer] traces its calls; there is no
 *   adapter then, since its calls are not JavaScript functions
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
      // The guest declares a call with other types than it has, which with JavaScript
      // functions is an error only when it is called. No code of the guest has run.
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
