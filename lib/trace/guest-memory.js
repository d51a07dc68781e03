'use strict';

// Reads a guest's memory for the trace. Pointers of a guest may have any value: what is
// outside of memory is undefined.

const { named } = require('./table');

const { apply } = Reflect;
const { get: bufferOf } = Object.getOwnPropertyDescriptor(
  WebAssembly.Memory.prototype,
  'buffer',
);

class GuestMemory {
  #bytes;
  #view;
  #table;

  /** @param {WebAssembly.Memory} [memory] */
  constructor(memory, table) {
    const buffer =
      memory === undefined ? new ArrayBuffer(0) : apply(bufferOf, memory, []);
    this.#bytes = Buffer.from(buffer);
    this.#view = new DataView(buffer);
    this.#table = table;
  }

  has(at, size) {
    return at + size <= this.#bytes.length;
  }

  /** A copy of these bytes. */
  bytes(at, size) {
    if (!this.has(at, size)) return undefined;
    return Buffer.from(this.#bytes.subarray(at, at + size));
  }

  /** A string; bytes that are not UTF-8 become U+FFFD. */
  text(at, size) {
    return this.bytes(at, size)?.toString();
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes; of 8, a BigInt. */
  number(at, size) {
    if (!this.has(at, size)) return undefined;
    switch (size) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at, true);
      case 4:
        return this.#view.getUint32(at, true);
      default:
        return this.#view.getBigUint64(at, true);
    }
  }

  /** A record as an object, without fields that are unions or records. */
  record(name, at) {
    const { size, fields } = this.#table.records.get(name);
    if (!this.has(at, size)) return undefined;
    const record = {};
    for (const field of fields) {
      if (field.size > 8) continue;
      const value = this.number(at + field.offset, field.size);
      const words = this.#table.words.get(`${name}.${field.name}`);
      record[field.name] = named(value, words);
    }
    return record;
  }

  /** The address of a field of the record at an address. */
  place(name, field, at) {
    const { fields } = this.#table.records.get(name);
    return at + fields.find((each) => each.name === field).offset;
  }

  sizeOf(name) {
    return this.#table.records.get(name).size;
  }

  /** An array of records; undefined if a part of it is outside of memory. */
  array(name, at, count, read) {
    const size = this.sizeOf(name);
    if (!this.has(at, size * count)) return undefined;
    return Array.from({ length: count }, (_, index) => read(at + index * size));
  }
}

module.exports = { GuestMemory };
