'use strict';

// wasi.mount and wasi.unmount.

const { inspect } = require('node:util');

const { loadBinding } = require('./binding');
const { invalidState } = require('./errors');
const { check } = require('./fs/errors');
const { readMount, readMountPoint } = require('./options');

const binding = loadBinding();

/** What the native side says where no path of a guest would lead. */
const UNREACHABLE = 1;

/**
 * Mounts something in the namespace of a guest.
 *
 * @param {number} number the guest's
 * @param {boolean} hasStarted whether the guest learns of no preopens any more
 */
function mount(number, guestPath, source, hasStarted) {
  const options = readMount(guestPath, source);
  const answer = binding.mount(number, options, hasStarted);
  if (answer === UNREACHABLE) {
    const what = `no preopen is above ${inspect(guestPath)}, and a guest that has started takes no new one`;
    throw invalidState(mount, what);
  }
  const { directory, realPath } = options;
  if (directory === undefined) check(answer, 'mount', realPath, guestPath);
  else check(answer, 'mount', guestPath);
}

/** Takes what was mounted last at a path of a guest from there. */
function unmount(number, guestPath, hasStarted) {
  const path = readMountPoint(guestPath);
  check(binding.unmount(number, path, hasStarted), 'unmount', path);
}

module.exports = { mount, unmount };
