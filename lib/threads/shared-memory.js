'use strict';

/** Taken before a program can replace it. */
const { get } = Object.getOwnPropertyDescriptor(
  WebAssembly.Memory.prototype,
  'buffer',
);

/** The buffer of a memory, of any realm; throws if it is not a memory. */
const bufferOf = (memory) => get.call(memory);

module.exports = { bufferOf };
