'use strict';

// A copy of a guest's memory from before the first instance. A module with threads
// initializes its memory in the first instance that finds it untouched: that one writes
// the data segments, and only it has the `__tls_base` of the first thread. `start()` makes
// a new instance for the first thread, in a worker, so that one must find the memory
// untouched.

const { bufferOf } = require('./shared-memory');

/** Bytes of a page of wasm. */
const PAGE = 65_536;

const isZero = (bytes) =>
  bytes.length === 0 ||
  (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));

/** Calls a function with each page of a shared memory, and its number. */
function forEachPage(memory, use) {
  const buffer = bufferOf(memory);
  for (let number = 0; number < buffer.byteLength / PAGE; number++) {
    use(Buffer.from(buffer, number * PAGE, PAGE), number);
  }
}

class MemoryBefore {
  #memory;
  /** Copies of the pages that are not all zeros, by number. */
  #pages = new Map();

  constructor(memory) {
    this.#memory = memory;
    forEachPage(memory, (page, number) => {
      if (!isZero(page)) this.#pages.set(number, Buffer.from(page));
    });
  }

  /** Restores the memory. Pages that were added meanwhile become zeros. */
  restore() {
    forEachPage(this.#memory, (page, number) => {
      const before = this.#pages.get(number);
      if (before !== undefined) before.copy(page);
      // Writing to an untouched page would allocate physical memory for it.
      else if (!isZero(page)) page.fill(0);
    });
  }
}

module.exports = { MemoryBefore };
