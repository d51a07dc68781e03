'use strict';

const { loadBinding } = require('../binding');
const { IMPORT_MODULES } = require('../options');

const { prepare } = loadBinding();

/** What the host's end gives a guest as exit code, to tell it from the guest's own. */
const STOPPED = 0x5354_4f50;

const returnOnExit = () => true;

/** Opens what a guest is given. */
function prepareGuest({ native, stdio, maxMemory }, version) {
  const streams = stdio.natives;
  return prepare({ ...native, ...streams, maxMemory, version, returnOnExit });
}

/** What it takes to run a guest that is prepared: see `runGuest()`. */
function guestOf({ token }, module, description) {
  const { version, calls, entry, hasMemory, memory } = description;
  const from = IMPORT_MODULES[version];
  return { token, module, from, calls, entry, hasMemory, memory };
}

module.exports = { STOPPED, guestOf, prepareGuest };
