'use strict';

/** Taken before a program can put another in its place. */
const { get } = Object.getOwnPropertyDescriptor(
  WebAssembly.Memory.prototype,
  'buffer',
);

/** The bytes of a memory, of any realm; throws where it is none. */
const bufferOf = (memory) => get.call(memory);

module.exports = { bufferOf };
