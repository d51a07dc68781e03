'use strict';

// wasi.mount and wasi.unmount.

const { inspect } = require('node:util');

const { loadBinding } = require('./core');
const { invalidState } = require('./errors');
const { check } = require('./fs/errors');
const { readMount, readMountPoint } = require('./options');

const binding = loadBinding();

/** Returned by the native side if no path of the guest leads to the mount point. */
const UNREACHABLE = 1;

/**
 * Mounts something in the namespace of a guest.
 *
 * @param {number} number of the guest, on the native side
 * @param {boolean} hasStarted whether the guest cannot learn of new preopens any more
 */
function mount(number, guestPath, source, hasStarted) {
  const options = readMount(guestPath, source);
  const answer = binding.mount(number, options, hasStarted);
  if (answer === UNREACHABLE) {
    const what = `no preopen is above ${inspect(guestPath)}, and a guest that has started cannot get a new one`;
    throw invalidState(mount, what);
  }
  const { directory, realPath } = options;
  if (directory === undefined) check(answer, 'mount', realPath, guestPath);
  else check(answer, 'mount', guestPath);
}

/** Removes the latest mount at a path of a guest. */
function unmount(number, guestPath, hasStarted) {
  const path = readMountPoint(guestPath);
  check(binding.unmount(number, path, hasStarted), 'unmount', path);
}

module.exports = { mount, unmount };
