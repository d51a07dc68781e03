'use strict';

const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');

const { newWorker } = require('./new-worker');
const { now } = require('./core');

/** Milliseconds after which a worker that has not started is given up. */
const START = 30_000;

/** The most milliseconds that count between two checks: a process may be stopped for any time. */
const MOST_LOOK = 1000;

/**
 * Notices workers that do not start, by being called now and then: a thread that blocks
 * receives no events of a worker, and a worker that is stuck emits none.
 */
class StartWatch {
  #looked = now();
  #waited = 0;
  #port;

  /**
   * Makes a worker whose end is noticed, too.
   *
   * @param {import('node:worker_threads').WorkerOptions} options
   */
  newWorker(options) {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    // This port is closed with the other, which the worker has as long as it lives. Only
    // some runtimes return true for a message to an open port.
    if (port1.postMessage(null) === true) this.#port = port1;
    const workerData = { ...options?.workerData, port: port2 };
    return newWorker({ ...options, workerData, transferList: [port2] });
  }

  /**
   * @param {boolean} isStarting whether none is awaited, or one has started since the last
   *   check
   * @returns {Error | undefined} the error, if a worker does not start
   */
  look(isStarting) {
    const time = now();
    const more = Math.min(time - this.#looked, MOST_LOOK);
    this.#looked = time;
    this.#waited = isStarting ? 0 : this.#waited + more;
    if (isStarting) return this.#letGo();
    return this.#waited < START && !this.#hasEnded
      ? undefined
      : new Error('The thread of the guest did not start');
  }

  get #hasEnded() {
    if (this.#port === undefined) return false;
    // Makes the port notice that the other end is closed.
    receiveMessageOnPort(this.#port);
    return this.#port.postMessage(null) !== true;
  }

  #letGo() {
    this.#port?.close();
    this.#port = undefined;
  }
}

module.exports = { MOST_LOOK, StartWatch };
