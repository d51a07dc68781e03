'use strict';

const { loadBinding } = require('./binding');

// The native layer knows them; it is asked once, and only by programs that use
// what they name.
let calls;
let capabilities;
let rights;

/** What `capabilities` and `addCapability()` take, the groups first. */
function capabilityNames() {
  return (capabilities ??= loadBinding().capabilityNames());
}

function callNames() {
  return (calls ??= loadBinding().callNames());
}

/** What stands before the name of a call: the module that guests import it from. */
const MODULE = /^(?:wasi_snapshot_preview1|wasi_unstable):/;

/**
 * What a capability stands for, in the names of the native side; nothing if it
 * is none. The name of a call may have its module before it, and the front of
 * names, up to an underscore, stands for the calls that have it.
 *
 * @param {string} name
 * @returns {string[]}
 */
function capabilitiesOf(name) {
  if (capabilityNames().includes(name)) return [name];
  const call = name.replace(MODULE, '');
  return callNames().filter(
    (each) => each === call || each.startsWith(`${call}_`),
  );
}

/** What `rights` of a preopen takes. */
function rightNames() {
  return (rights ??= loadBinding().rightNames());
}

module.exports = { capabilitiesOf, capabilityNames, rightNames };
