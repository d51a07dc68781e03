'use strict';

// --stub-imports: functions for unknown imports, which end the guest when they are called.

const { apply } = Reflect;
const { get: bufferOf } = Object.getOwnPropertyDescriptor(
  WebAssembly.Memory.prototype,
  'buffer',
);

/** Strings of AssemblyScript are UTF-16, with their length in bytes in the word before. */
const LENGTH_BEFORE = 4;

/** The most bytes of a message that are shown. */
const MOST = 4096;

function stringAt(memory, pointer) {
  const at = pointer >>> 0;
  const view = new DataView(apply(bufferOf, memory, []));
  if (at < LENGTH_BEFORE || at > view.byteLength) return '';
  const length = Math.min(view.getUint32(at - LENGTH_BEFORE, true), MOST);
  const end = Math.min(at + length, view.byteLength);
  return Buffer.from(view.buffer, at, end - at).toString('utf16le');
}

/** `env.abort` of AssemblyScript, which is called with the message of a failed assertion and its place. */
function abortOf(memoryOf) {
  return (message, file, line, column) => {
    const memory = memoryOf();
    const [what, where] =
      memory === undefined
        ? ['', '']
        : [message, file].map((pointer) => stringAt(memory, pointer));
    throw new WebAssembly.RuntimeError(
      `abort: ${what || 'no message'} in ${where || 'no file'}(${line}:${column})`,
    );
  };
}

/**
 * Functions for all imports that are not of WASI, by module and name.
 *
 * @param {{ module: string, name: string, kind: string }[]} foreign
 * @param {() => WebAssembly.Memory | undefined} memoryOf returns the guest's memory
 */
function makeStubs(foreign, memoryOf) {
  const stubs = {};
  for (const { module: from, name, kind } of foreign) {
    if (kind !== 'function') continue;
    stubs[from] ??= {};
    stubs[from][name] =
      from === 'env' && name === 'abort'
        ? abortOf(memoryOf)
        : () => {
            throw new WebAssembly.RuntimeError(
              `${from}.${name} was called, which --stub-imports stands for`,
            );
          };
  }
  return stubs;
}

module.exports = { makeStubs };
