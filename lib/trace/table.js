'use strict';

// The native table of the calls: the roles of their parameters, the names of enum cases
// and flags, the layouts of records.

const { loadBinding } = require('../core');

/** The tables by version of WASI, made when the first guest of a version is traced. */
const tables = new Map();

const byName = (all, name) => new Map(all.map((each) => [each[name], each]));

/** A call with the index of each parameter in its WebAssembly arguments. */
function withPlaces({ name, params }, version) {
  let arity = 0;
  const placed = params.map((param) => {
    const at = arity;
    arity += param.arity;
    return { ...param, at };
  });
  return { name, version, arity, params: placed };
}

/** @param {'preview1' | 'unstable'} version */
function tableOf(version) {
  let table = tables.get(version);
  if (table === undefined) {
    const { signatures, errnoNames } = loadBinding();
    const { calls, words, records } = signatures(version);
    table = {
      calls: byName(
        calls.map((call) => withPlaces(call, version)),
        'name',
      ),
      words: byName(words, 'of'),
      records: byName(records, 'name'),
      // The names of the witx: `noent` for ENOENT.
      errnos: errnoNames().map((name) => name.slice(1).toLowerCase()),
    };
    tables.set(version, table);
  }
  return table;
}

/** The names of the bits that are set, and unknown bits in hexadecimal; `'0'` for none. */
function flagsOf(value, names) {
  let left = BigInt(value);
  const set = names.filter((_, bit) => {
    const isSet = (left >> BigInt(bit)) & 1n;
    left &= ~(1n << BigInt(bit));
    return isSet;
  });
  if (left > 0n) set.push(`0x${left.toString(16)}`);
  return set.join('|') || '0';
}

/**
 * The name of an enum case, or of flags; the number itself if it has no names.
 *
 * @param {number | bigint} value
 * @param {{ isFlags: boolean, names: string[] }} [words]
 */
function named(value, words) {
  if (words === undefined) return value;
  const { isFlags, names } = words;
  return isFlags ? flagsOf(value, names) : (names[Number(value)] ?? value);
}

module.exports = { named, tableOf };
