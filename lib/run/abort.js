'use strict';

/** What is to be called, by signal: it has one listener for all of them. */
const listeners = new WeakMap();

/**
 * Calls a function when a signal is aborted. Any number may wait for one signal;
 * Node warns of more than ten listeners.
 *
 * @param {AbortSignal} signal
 * @param {() => void} onAbort
 * @returns {() => void} ends it
 */
function hearAbort(signal, onAbort) {
  const all = listeners.get(signal) ?? startListening(signal);
  all.add(onAbort);
  return () => {
    if (all.delete(onAbort) && all.size === 0) all.stop();
  };
}

function startListening(signal) {
  const all = new Set();
  const call = () => all.forEach((onAbort) => onAbort());
  signal.addEventListener('abort', call);
  all.stop = () => {
    signal.removeEventListener('abort', call);
    listeners.delete(signal);
  };
  listeners.set(signal, all);
  return all;
}

module.exports = { hearAbort };
