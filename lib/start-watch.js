'use strict';

const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');

const { newWorker } = require('./new-worker');
const { now } = require('./run/timers');

/** Milliseconds in which a worker has begun, if it ever does. */
const START = 30_000;

/** The most milliseconds between two looks that count: a process may be stopped for any time. */
const MOST_LOOK = 1000;

/**
 * Whether workers begin, for who looks at that now and then: a thread that waits for
 * one hears no event of it, and a worker that is stuck has none.
 */
class StartWatch {
  #looked = now();
  #waited = 0;
  #port;

  /**
   * A worker whose end is seen, too.
   *
   * @param {import('node:worker_threads').WorkerOptions} options
   */
  newWorker(options) {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    // It is closed with the other, which the worker has for as long as it lives. Not
    // every runtime tells what is posted to an open port.
    if (port1.postMessage(null) === true) this.#port = port1;
    const workerData = { ...options?.workerData, port: port2 };
    return newWorker({ ...options, workerData, transferList: [port2] });
  }

  /**
   * @param {boolean} goesOn whether none is waited for, or one has begun since the last look
   * @returns {Error | undefined} what to tell who waits for one that does not begin
   */
  look(goesOn) {
    const time = now();
    const more = Math.min(time - this.#looked, MOST_LOOK);
    this.#looked = time;
    this.#waited = goesOn ? 0 : this.#waited + more;
    if (goesOn) return this.#letGo();
    return this.#waited < START && !this.#hasEnded
      ? undefined
      : new Error('The thread of the guest did not start');
  }

  get #hasEnded() {
    if (this.#port === undefined) return false;
    // Takes notice of that.
    receiveMessageOnPort(this.#port);
    return this.#port.postMessage(null) !== true;
  }

  #letGo() {
    this.#port?.close();
    this.#port = undefined;
  }
}

module.exports = { MOST_LOOK, StartWatch };
