'use strict';

/** The functions to call, by signal. Each signal has one listener for all of them. */
const listeners = new WeakMap();

/**
 * Calls a function when a signal is aborted. Many guests may have the same signal,
 * and Node warns of more than ten listeners.
 *
 * @param {AbortSignal} signal
 * @param {() => void} onAbort
 * @returns {() => void} stops listening
 */
function whenAborted(signal, onAbort) {
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

module.exports = { whenAborted };
