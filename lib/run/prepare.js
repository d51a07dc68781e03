'use strict';

const { loadBinding } = require('../binding');
const { openGuest } = require('../options');

const { prepare } = loadBinding();

/** What the host's end gives a guest as exit code, to tell it from the guest's own. */
const STOPPED = 0x5354_4f50;

const returnOnExit = () => true;

/** Opens what a guest is given, and notes in its plan where it listens. */
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
 * What it takes to run a guest that is prepared: see `runGuest()`, or `runFirst()`
 * where it may have threads.
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
