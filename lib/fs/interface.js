'use strict';

// The functions of node:fs that a file system has, each with and without Sync, and
// which of them it has as promises, too.

/** The value says whether there is a form that returns a promise. (`open` has one as well.) */
const FUNCTIONS = {
  access: true,
  appendFile: true,
  close: false,
  copyFile: true,
  exists: false,
  fdatasync: false,
  fstat: false,
  fsync: false,
  ftruncate: false,
  futimes: false,
  link: true,
  lstat: true,
  lutimes: true,
  mkdir: true,
  open: false,
  read: false,
  readFile: true,
  readdir: true,
  readlink: true,
  realpath: true,
  rename: true,
  rm: true,
  rmdir: true,
  stat: true,
  symlink: true,
  truncate: true,
  unlink: true,
  utimes: true,
  write: false,
  writeFile: true,
};

const names = Object.keys(FUNCTIONS);

const INTERFACE = [
  ...names.flatMap((name) => [name, `${name}Sync`]),
  'promises',
  'constants',
];

const PROMISING = names.filter((name) => FUNCTIONS[name]);

module.exports = { INTERFACE, PROMISING };
