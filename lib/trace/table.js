'use strict';

// The table of the calls, as the native side has it: what their arguments are for,
// what numbers stand for, how records lie in memory.

const { loadBinding } = require('../binding');

/** By version of WASI, made when the first guest of one is traced. */
const tables = new Map();

const byName = (all, name) => new Map(all.map((each) => [each[name], each]));

/** A call with the place of each parameter among its values of WebAssembly. */
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
      // Those of the witx: `noent` for ENOENT.
      errnos: errnoNames().map((name) => name.slice(1).toLowerCase()),
    };
    tables.set(version, table);
  }
  return table;
}

/** The names of the bits, and what is left in hexadecimal; `'0'` of none. */
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
 * What a number stands for: the name of a case, of flags, or the number itself.
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
