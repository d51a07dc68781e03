'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const loadWabt = require('wabt');

const GUESTS = path.join(__dirname, '../guests');

/** The path of a built guest; the head of its source says what it does. */
function guestPath(name) {
  return path.join(GUESTS, `${name}.wasm`);
}

/** A built guest, compiled. */
function guest(name) {
  return new WebAssembly.Module(fs.readFileSync(guestPath(name)));
}

/**
 * The bytes of a module from text. It may use exceptions, and `more` features, by their
 * names in wabt.
 */
async function assemble(source, more = {}) {
  const features = { exceptions: true, ...more };
  const wabt = await loadWabt();
  const module = wabt.parseWat('test.wat', source, features);
  try {
    module.validate(features);
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** A temporary directory, removed after the test. */
function scratch(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-test-'));
  t.teardown(() => removeTree(directory));
  return directory;
}

/**
 * Removes a directory with its contents. On Windows files in use stay: a binary that was
 * loaded, and with Node.js 20 what guests have left open.
 */
function removeTree(directory) {
  try {
    fs.rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    if (process.platform !== 'win32') throw error;
  }
}

/**
 * Runs a command under `WASI` and returns its exit code and output. The output is written
 * to a file, as a pipe would need a concurrent reader.
 */
function run(t, WASI, name, options = {}) {
  const output = path.join(scratch(t), 'output');
  const fd = fs.openSync(output, 'w');
  try {
    const wasi = new WASI({
      version: 'preview1',
      stdout: fd,
      stderr: fd,
      ...options,
    });
    const instance = new WebAssembly.Instance(
      guest(name),
      wasi.getImportObject(),
    );
    const exitCode = wasi.start(instance);
    return { exitCode, printed: fs.readFileSync(output, 'utf8') };
  } finally {
    fs.closeSync(fd);
  }
}

/** An object that start() accepts as an instance, with a memory of its own. */
function duck(exports) {
  return {
    exports: { memory: new WebAssembly.Memory({ initial: 1 }), ...exports },
  };
}

module.exports = {
  assemble,
  duck,
  guest,
  guestPath,
  removeTree,
  run,
  scratch,
};
