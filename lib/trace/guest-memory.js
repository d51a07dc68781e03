'use strict';

// A guest's memory, for who looks on. Pointers of a guest may lead anywhere: what
// is not there is undefined.

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

  /** A copy. */
  bytes(at, size) {
    if (!this.has(at, size)) return undefined;
    return Buffer.from(this.#bytes.subarray(at, at + size));
  }

  /** A string; what is no UTF-8 in it is U+FFFD. */
  text(at, size) {
    return this.bytes(at, size)?.toString();
  }

  /** A number of so many bytes: a BigInt of 8. */
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

  /** A record as an object, without its unions and the records in it. */
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

  /** Where a field of a record is. */
  place(name, field, at) {
    const { fields } = this.#table.records.get(name);
    return at + fields.find((each) => each.name === field).offset;
  }

  sizeOf(name) {
    return this.#table.records.get(name).size;
  }

  /** So many records one after the other; undefined if one of them is not there. */
  array(name, at, count, read) {
    const size = this.sizeOf(name);
    if (!this.has(at, size * count)) return undefined;
    return Array.from({ length: count }, (_, index) => read(at + index * size));
  }
}

module.exports = { GuestMemory };
