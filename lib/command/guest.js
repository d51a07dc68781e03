'use strict';

const { readFileSync } = require('node:fs');
const { basename } = require('node:path');

const { MemoryFS, WASI } = require('../../index.js');
const { capabilitiesOf, capabilityNames } = require('../names');
const { IMPORT_MODULES } = require('../options');
const { CommandError, systemReason } = require('./error');

const WASM_MAGIC = '\0asm';
/** The layer field, where a component differs from a core module. */
const COMPONENT_LAYER = 1;

function readFile(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${systemReason(error)}`);
  }
}

function compile(file) {
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
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new CommandError(`cannot compile ${file}: ${error.message}`);
  }
}

/** The version whose name the module imports from. */
function versionOf(module) {
  const unstable = WebAssembly.Module.imports(module).some(
    (wanted) => wanted.module === IMPORT_MODULES.unstable,
  );
  return unstable ? 'unstable' : 'preview1';
}

/** The engine's own message names one import at most, and that by number. */
function checkImports(file, module, imports) {
  const unknown = WebAssembly.Module.imports(module)
    .filter(({ module: from, name, kind }) => {
      const known = Object.hasOwn(imports, from) ? imports[from] : {};
      return kind !== 'function' || !Object.hasOwn(known, name);
    })
    .map(({ module: from, name }) => `${from}.${name}`);
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

/** What the command line says of the preopens, with the file systems made that are not the host's. */
function makePreopens(described) {
  const preopens = { __proto__: null };
  for (const [name, { memory, ...preopen }] of Object.entries(described)) {
    preopens[name] = memory ? new MemoryFS(undefined, memory) : preopen;
  }
  return preopens;
}

function makeWasi(options) {
  options.capabilities?.forEach(checkCapability);
  try {
    return new WASI({ ...options, preopens: makePreopens(options.preopens) });
  } catch (error) {
    const what =
      error.path === undefined
        ? 'set up the guest'
        : `open directory ${error.path}`;
    throw new CommandError(`cannot ${what}: ${systemReason(error)}`);
  }
}

/**
 * Compiles a command and makes everything ready for its `_start`.
 *
 * @throws {CommandError} for whatever is wrong before the guest runs
 * @returns {() => number} runs the guest; returns its exit code, throws its trap
 */
function prepareGuest({ file, guestArgs, options }) {
  const module = compile(file);
  checkExports(file, module);
  const wasi = makeWasi({
    version: versionOf(module),
    args: [basename(file), ...guestArgs],
    ...options,
  });
  const imports = wasi.getImportObject();
  checkImports(file, module, imports);
  return () => wasi.start(new WebAssembly.Instance(module, imports));
}

module.exports = { prepareGuest };
