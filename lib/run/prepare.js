'use strict';

const { loadBinding } = require('../binding');
const { IMPORT_MODULES } = require('../options');

const { prepare } = loadBinding();

/** What the host's end gives a guest as exit code, to tell it from the guest's own. */
const STOPPED = 0x5354_4f50;

const returnOnExit = () => true;

/** Opens what a guest is given. */
function prepareGuest(native, streams, version) {
  return prepare({ ...native, ...streams, version, returnOnExit });
}

/** What it takes to run a guest that is prepared: see `runGuest()`. */
function guestOf({ token }, module, { version, entry, hasMemory }) {
  return { token, module, from: IMPORT_MODULES[version], entry, hasMemory };
}

/** Closes streams that no guest gets. */
function closeStreams(streams) {
  const nothing = { args: [], env: [], preopens: [], devices: false };
  try {
    prepareGuest(nothing, streams, 'preview1').close();
  } catch {
    // A guest has had them, and what else it was to get did not open.
  }
}

module.exports = { STOPPED, closeStreams, guestOf, prepareGuest };
