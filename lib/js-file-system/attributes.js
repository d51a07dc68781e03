'use strict';

// The attributes of files, from the Stats of a file system.

const { InvalidResult, has, whole } = require('./answers');

const S_IFMT = 0o170000;

/** WASI's filetypes, by the S_IFMT bits of a mode. */
const TYPES = {
  __proto__: null,
  0o060000: 1,
  0o020000: 2,
  0o040000: 3,
  0o100000: 4,
  0o010000: 6,
  0o140000: 6,
  0o120000: 7,
};

/** WASI's filetypes, by the methods of a Stats or Dirent; the most frequent first. */
const QUESTIONS = [
  ['isFile', 4],
  ['isDirectory', 3],
  ['isSymbolicLink', 7],
  ['isFIFO', 6],
  ['isSocket', 6],
  ['isCharacterDevice', 2],
  ['isBlockDevice', 1],
];

const UNKNOWN = 0;
const DIRECTORY = 3;

const WHOLE = { __proto__: null, bigint: true, throwIfNoEntry: false };
const ROUND = { __proto__: null, bigint: false, throwIfNoEntry: false };

const MAX_BITS = 2n ** 64n - 1n;

/** A number as an unsigned 64-bit BigInt; a negative one becomes 0. */
function bits(value) {
  if (typeof value === 'bigint') {
    if (value > MAX_BITS) throw new InvalidResult();
    return value < 0n ? 0n : value;
  }
  if (!Number.isFinite(value)) throw new InvalidResult();
  return value < 0 ? 0n : bits(BigInt(Math.trunc(value)));
}

/** A size, from 0 to Number.MAX_SAFE_INTEGER. */
function sizeOf(value) {
  return BigInt(whole(typeof value === 'bigint' ? Number(value) : value));
}

/** An inode number; 0 if there is none. */
function inodeOf(value) {
  if (typeof value === 'bigint') {
    return value > 0n && value <= MAX_BITS ? value : 0n;
  }
  return Number.isSafeInteger(value) && value > 0 ? BigInt(value) : 0n;
}

/** A time in nanoseconds: exact if the Stats has nanoseconds, else to a microsecond. */
function timeOf(stats, name) {
  const ns = nanosecondsOf(stats, `${name}Ns`);
  if (typeof ns === 'bigint') return bits(ns);
  const ms = stats[`${name}Ms`] ?? stats[name]?.getTime();
  if (typeof ms === 'bigint') return bits(bits(ms) * 1_000_000n);
  if (typeof ms !== 'number') throw new InvalidResult();
  return bits(bits(Math.round(ms * 1000)) * 1000n);
}

function nanosecondsOf(stats, name) {
  try {
    return stats[name];
  } catch (error) {
    // ZenFS converts milliseconds to a BigInt, which throws unless they are whole.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function typeOf(stats) {
  const { mode } = stats;
  if (typeof mode === 'number' || typeof mode === 'bigint') {
    const type = TYPES[Number(mode) & S_IFMT];
    if (type !== undefined) return type;
  }
  return typeAsked(stats);
}

function typeAsked(stats) {
  for (const [question, type] of QUESTIONS) {
    if (has(stats, question) && stats[question]()) return type;
  }
  return UNKNOWN;
}

/** Calls a stat function for BigIntStats, if the file system has them. */
function statsBy(stat) {
  try {
    return stat(WHOLE);
  } catch (error) {
    // node:vfs converts a fraction to a BigInt, which throws.
    if (error instanceof RangeError) return stat(ROUND);
    throw error;
  }
}

function statsAt(fs, path) {
  // A file system without lstat has no links.
  return has(fs, 'lstatSync')
    ? statsBy((options) => fs.lstatSync(path, options))
    : statsBy((options) => fs.statSync(path, options));
}

module.exports = {
  DIRECTORY,
  UNKNOWN,
  bits,
  inodeOf,
  sizeOf,
  statsAt,
  statsBy,
  timeOf,
  typeAsked,
  typeOf,
};
