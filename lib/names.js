'use strict';

const { loadBinding } = require('./core');

// The native side has these names. They are fetched once, on first use.
let calls;
let capabilities;
let rights;

/** The names for `capabilities` and `addCapability()`, groups first. */
function capabilityNames() {
  return (capabilities ??= loadBinding().capabilityNames());
}

function callNames() {
  return (calls ??= loadBinding().callNames());
}

/** A prefix of the name of a call: the module that guests import it from. */
const MODULE = /^(?:wasi_snapshot_preview1|wasi_unstable):/;

/**
 * The names on the native side for a capability; none for an unknown name. A call may
 * have the name of its module before it, and a prefix that ends before an underscore
 * stands for all calls that begin with it.
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

/** The names for `rights` of a preopen. */
function rightNames() {
  return (rights ??= loadBinding().rightNames());
}

module.exports = { capabilitiesOf, capabilityNames, rightNames };
