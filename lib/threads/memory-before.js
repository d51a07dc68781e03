'use strict';

// The memory of a guest as it was before there was an instance. What a module with
// threads has to do once, it does in the first instance that finds its memory
// untouched: it puts its data there, and only this instance knows where the first
// thread has its variables of its own (`__tls_base`). So the one that is to run the
// first thread must be the first.

const { bufferOf } = require('./shared-memory');

/** Bytes of a page of wasm. */
const PAGE = 65_536;

const isZero = (bytes) =>
  bytes.length === 0 ||
  (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));

/** Gives each page of a memory, of which the bytes are shared, and its number. */
function forEachPage(memory, use) {
  const buffer = bufferOf(memory);
  for (let number = 0; number < buffer.byteLength / PAGE; number++) {
    use(Buffer.from(buffer, number * PAGE, PAGE), number);
  }
}

class MemoryBefore {
  #memory;
  /** Copies of the pages that are not all zeros, by their numbers. */
  #pages = new Map();

  constructor(memory) {
    this.#memory = memory;
    forEachPage(memory, (page, number) => {
      if (!isZero(page)) this.#pages.set(number, Buffer.from(page));
    });
  }

  /** Makes the memory what it was. What it has grown by is zeros. */
  restore() {
    forEachPage(this.#memory, (page, number) => {
      const before = this.#pages.get(number);
      if (before !== undefined) before.copy(page);
      // To write a page that was never written would give it physical memory.
      else if (!isZero(page)) page.fill(0);
    });
  }
}

module.exports = { MemoryBefore };
