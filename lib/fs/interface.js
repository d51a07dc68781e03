'use strict';

// The names of what a file system has of node:fs.

const FUNCTIONS = [
  'access',
  'appendFile',
  'close',
  'copyFile',
  'exists',
  'fdatasync',
  'fstat',
  'fsync',
  'ftruncate',
  'futimes',
  'link',
  'lstat',
  'lutimes',
  'mkdir',
  'open',
  'read',
  'readFile',
  'readdir',
  'readlink',
  'realpath',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'write',
  'writeFile',
];

const INTERFACE = [
  ...FUNCTIONS.flatMap((name) => [name, `${name}Sync`]),
  'promises',
  'constants',
];

module.exports = { INTERFACE };
