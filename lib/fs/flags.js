'use strict';

// Converts the flags of open(2) to those of path_open.

const { constants } = require('node:fs');

const ACCESS = constants.O_RDONLY | constants.O_WRONLY | constants.O_RDWR;

/** The access mode for Files.open(), by that of open(2). */
const ACCESSES = {
  __proto__: null,
  [constants.O_RDONLY]: 1,
  [constants.O_WRONLY]: 2,
  [constants.O_RDWR]: 3,
};

const NO_FOLLOW = 4;

// Windows has not all of them. O_SYNC may have the bits of O_DSYNC, and comes first.
const OFLAGS = [
  ['O_CREAT', 1],
  ['O_DIRECTORY', 2],
  ['O_EXCL', 4],
  ['O_TRUNC', 8],
];
const FDFLAGS = [
  ['O_APPEND', 1],
  ['O_SYNC', 16],
  ['O_DSYNC', 2],
  ['O_NONBLOCK', 4],
];

function bits(flags, table) {
  let left = flags;
  let all = 0;
  for (const [name, bit] of table) {
    const { [name]: flag = 0 } = constants;
    if (flag !== 0 && (left & flag) === flag) {
      left &= ~flag;
      all |= bit;
    }
  }
  return all;
}

/** The arguments of Files.open() for these flags. Flags that WASI does not have are ignored. */
function toNativeFlags(flags) {
  const { O_NOFOLLOW = 0 } = constants;
  const access = ACCESSES[flags & ACCESS] ?? ACCESSES[constants.O_RDWR];
  return [
    access | (flags & O_NOFOLLOW ? NO_FOLLOW : 0),
    bits(flags, OFLAGS),
    bits(flags, FDFLAGS),
  ];
}

module.exports = { toNativeFlags };
