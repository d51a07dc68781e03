'use strict';

// The type of an exported function, which the engine does not tell: from the binary
// format, in which the types of functions come first.

const HEADER = 8;

const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const EXPORT = 7;

const FUNCTION_TYPE = 0x60;

const VALUE_TYPES = {
  __proto__: null,
  0x7f: 'i32',
  0x7e: 'i64',
  0x7d: 'f32',
  0x7c: 'f64',
};

/** What is not known here: types that functions of a command line cannot have. */
class Unknown extends Error {}

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.isAtEnd) throw new Unknown();
    return this.bytes[this.at++];
  }

  /** A LEB128 without a sign. */
  number() {
    let number = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      number += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return number;
    }
  }

  take() {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  list(read) {
    return Array.from({ length: this.number() }, read);
  }
}

/** What is no number: vectors, and references of the short form. */
const OTHERS = [0x69, 0x7b];
/** References to a type that follows. */
const REFERENCES = new Set([0x63, 0x64]);

function valueType(reader) {
  const byte = reader.byte();
  const type = VALUE_TYPES[byte];
  if (type !== undefined) return type;
  // That type is a number with a sign, of as many bytes as one without.
  if (REFERENCES.has(byte)) reader.number();
  else if (byte < OTHERS[0] || byte > OTHERS[1]) throw new Unknown();
  return undefined;
}

function functionType(reader) {
  if (reader.byte() !== FUNCTION_TYPE) throw new Unknown();
  const one = () => valueType(reader);
  return { params: reader.list(one), results: reader.list(one) };
}

function limits(reader) {
  const flags = reader.byte();
  reader.number();
  if (flags & 1) reader.number();
}

/** An import: the number of its type if it is a function. */
function importedType(reader) {
  reader.take();
  reader.take();
  switch (reader.byte()) {
    case 0:
      return reader.number();
    case 1:
      valueType(reader);
      return limits(reader);
    case 2:
      return limits(reader);
    case 3:
      valueType(reader);
      reader.byte();
      return undefined;
    case 4:
      reader.byte();
      reader.number();
      return undefined;
    default:
      throw new Unknown();
  }
}

/** The sections by their numbers. */
function sectionsOf(bytes) {
  const sections = new Map();
  const reader = new Reader(bytes, HEADER);
  while (!reader.isAtEnd)
    sections.set(reader.byte(), new Reader(reader.take()));
  return sections;
}

/** The number of an exported function. */
function indexOf(reader, wanted) {
  const exports = reader.list(() => {
    const name = String(reader.take());
    return { name, kind: reader.byte(), index: reader.number() };
  });
  return exports.find(({ name, kind }) => name === wanted && kind === 0)?.index;
}

function readType(bytes, name) {
  const sections = sectionsOf(bytes);
  const read = (id, one) => {
    const reader = sections.get(id);
    return reader?.list(() => one(reader)) ?? [];
  };
  const types = read(TYPE, functionType);
  const imported = read(IMPORT, importedType).filter(Number.isInteger);
  const own = read(FUNCTION, (reader) => reader.number());
  return types[[...imported, ...own][indexOf(sections.get(EXPORT), name)]];
}

/**
 * @param {Buffer} bytes of a module that compiles
 * @param {string} name of a function that it exports
 * @returns {{ params: string[], results: string[] } | undefined} undefined where it
 *   takes other things than numbers, or that is not known
 */
function exportType(bytes, name) {
  try {
    const type = readType(bytes, name);
    return type?.params.includes(undefined) ? undefined : type;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

module.exports = { exportType };
