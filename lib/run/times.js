'use strict';

// Times that hold wherever a guest is ended in a thread of its own.

/**
 * Milliseconds that a guest has to return from a call in which it waits. A guest that
 * has not returned by then computes, and is ended with its thread.
 */
const GRACE = 5;

/** The least milliseconds between two readings of a guest's CPU time. */
const CPU_INTERVAL = 10;

module.exports = { CPU_INTERVAL, GRACE };
