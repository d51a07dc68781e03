'use strict';

const { loadBinding } = require('../binding');
const { openGuest } = require('../options');

const { prepare } = loadBinding();

/** The exit code of a guest that the host has stopped, to tell that from the guest's own. */
const STOPPED = 0x5354_4f50;

const returnOnExit = () => true;

/** Opens the preopens and sockets of a guest, and sets `plan.listeners`. */
function prepareGuest(plan) {
  const { native, stdio, maxMemory } = plan;
  const { guest, listeners } = openGuest(
    { ...native, ...stdio.natives, maxMemory, returnOnExit },
    prepare,
    (opened) => opened.close(),
  );
  plan.listeners = listeners;
  return guest;
}

/**
 * A prepared guest, in the form that can be sent to its thread: for `runGuest()`, or for
 * `runFirst()` if it has threads.
 */
function guestOf({ token }, module, description, { native, threads }) {
  const { wasi, isWasiOnly, entry, hasMemory, memory } = description;
  const guest = { token, module, wasi, isWasiOnly, entry, hasMemory, memory };
  if (threads === undefined || description.threadSpawn === undefined) {
    const { trace } = native;
    return trace === undefined ? guest : { ...guest, trace };
  }
  const { makeShared } = require('../threads/group');
  const { max, warm } = threads;
  const { hasThreadStart } = description;
  return { ...guest, hasThreadStart, shared: makeShared(max), warm };
}

module.exports = { STOPPED, guestOf, prepareGuest };
