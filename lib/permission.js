'use strict';

// Node's permission model, where the process runs with it: `--permission`, and
// on Node 20 `--experimental-permission`.

const { nodeWasi } = require('./node-wasi');

/** Whether the process runs under the permission model. */
const isRestricted = process.permission !== undefined;

// Taken here, before wasi-rs/register puts another class into its place.
const NodeWASI = isRestricted ? nodeWasi().WASI : undefined;

/**
 * Whether the process may use WASI now: it can give the permission up.
 *
 * A program can replace `process.permission.has`. Node's own class asks in C++,
 * before it opens anything, and so is asked here.
 *
 * @returns {boolean}
 */
function mayUseWasi() {
  if (!isRestricted) return true;
  try {
    return Boolean(new NodeWASI({ version: 'preview1' }));
  } catch ({ code }) {
    return code !== 'ERR_ACCESS_DENIED';
  }
}

// These explain what went wrong, and decide nothing.

/** Whether the process may read a file. */
function mayRead(file) {
  return !isRestricted || process.permission.has('fs.read', file);
}

/** Whether the process is known to load addons; Node 20 does not tell. */
function mayLoadAddons() {
  return !isRestricted || process.permission.has('addon');
}

module.exports = { isRestricted, mayLoadAddons, mayRead, mayUseWasi };
