'use strict';

const { loadBinding } = require('./binding');

// The native layer knows them; it is asked once, and only by programs that use
// what they name.
let capabilities;
let rights;

/** What `capabilities` and `addCapability()` take, the groups first. */
function capabilityNames() {
  return (capabilities ??= loadBinding().capabilityNames());
}

/** What `rights` of a preopen takes. */
function rightNames() {
  return (rights ??= loadBinding().rightNames());
}

module.exports = { capabilityNames, rightNames };
