'use strict';

// Runs a guest in a worker while the calling thread blocks. The engine can end a
// guest that computes in the calling thread only after a wall-clock time; a worker can
// be terminated for any reason, such as its CPU time.

const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');

const { StartWatch } = require('../start-watch');
const { DEFAULT_IDLE } = require('./pool-options');
const { STOPPED } = require('./guest');
const { rebuildError } = require('./rebuilt-error');
const { clearTimeout, now, setTimeout } = require('../core');
const { CPU_INTERVAL, GRACE } = require('./times');

const { wait } = Atomics;

/** The most milliseconds between two checks, which also notice that the thread has died. */
const MOST_INTERVAL = 50;

/** Milliseconds in which the reply of a guest that has ended must arrive. */
const PATIENCE = 1000;

/** The worker that is kept for the next guest. */
let idle;
let idleTimer;

function takeWorker(starts) {
  clearTimeout(idleTimer);
  const worker = idle ?? starts.newWorker().on('error', () => {});
  idle = undefined;
  // This thread blocks for it; the event loop need not.
  worker.unref();
  return worker;
}

function keepWorker(worker) {
  if (idle !== undefined) {
    void worker.terminate();
    return;
  }
  idle = worker;
  idleTimer = setTimeout(() => {
    idle = undefined;
    void worker.terminate();
  }, DEFAULT_IDLE).unref();
}

/** A guest in a worker, for the thread that blocks until it ends. */
class WorkerRun {
  #prepared;
  #starts = new StartWatch();
  #worker = takeWorker(this.#starts);
  #isOver = new Int32Array(new SharedArrayBuffer(4));
  #channel = new MessageChannel();
  /** When it was first seen to have started. */
  #begun;

  constructor(prepared, guest) {
    this.#prepared = prepared;
    const { port1, port2 } = this.#channel;
    // Or it would keep the process alive.
    port1.unref();
    const reply = { port: port2, isOver: this.#isOver };
    this.#worker.postMessage({ ...guest, reply }, [port2]);
  }

  /**
   * Waits for its end, and ends it when a limit is reached.
   *
   * @param {{ cpuTime?: number, timeout?: number }} most limits in milliseconds
   * @returns {{ reply: object, why?: string }} its result, see `runGuest()`; and why
   *   it was ended, if it was
   */
  run(most) {
    let reply;
    let why;
    try {
      for (;;) {
        reply = this.#receive(this.#interval(most));
        if (reply !== undefined) break;
        why = this.#whyEnd(most);
        if (why !== undefined) {
          reply = this.#end();
          break;
        }
      }
    } finally {
      this.#channel.port1.close();
      if (reply === undefined || reply.how === 'died') {
        void this.#worker.terminate();
      } else keepWorker(this.#worker);
    }
    return { reply, why };
  }

  /** Milliseconds until the next check: until a limit can be reached at the earliest. */
  #interval({ cpuTime, timeout = Infinity }) {
    const left = cpuTime - this.#prepared.cpuTime;
    const interval = Math.max(CPU_INTERVAL, Math.min(left, MOST_INTERVAL));
    const timeLeft = timeout - (now() - (this.#begun ?? now()));
    return Math.max(1, Math.min(interval, Math.ceil(timeLeft)));
  }

  /** Why it has to be ended now; undefined if it need not be. */
  #whyEnd({ cpuTime, timeout = Infinity }) {
    const { hasBegun, isOver } = this.#prepared;
    if (hasBegun) this.#begun ??= now();
    if (this.#starts.look(hasBegun) !== undefined) return 'error';
    if (this.#prepared.cpuTime >= cpuTime) return 'cpuTime';
    if (now() - (this.#begun ?? now()) >= timeout) return 'timeout';
    return isOver ? 'over' : undefined;
  }

  /** Stops the guest, which ends the call that it waits in; without a reply its thread has to be terminated. */
  #end() {
    const patience = this.#prepared.isOver ? PATIENCE : GRACE;
    this.#prepared.stop(STOPPED);
    return this.#receive(patience) ?? { how: 'died' };
  }

  /** Waits for its reply, for so many milliseconds. */
  #receive(milliseconds) {
    wait(this.#isOver, 0, 0, milliseconds);
    const { message } = receiveMessageOnPort(this.#channel.port1) ?? {};
    if (message?.error === undefined) return message;
    return { ...message, error: rebuildError(message.error) };
  }
}

/** Why a guest was ended, for `outcomeOf()`. */
function outcomeWhy(why) {
  if (why === 'cpuTime' || why === 'timeout') {
    return { exitCode: null, reason: why };
  }
  return undefined;
}

/**
 * Runs a guest in a worker, to its end.
 *
 * @param {object} prepared the native side of the guest
 * @param {object} guest see `runGuest()`
 * @param {{ cpuTime?: number, timeout?: number }} most limits in milliseconds
 * @returns {{ reply: object, why?: object }} see `outcomeOf()`
 */
function runInWorker(prepared, guest, most) {
  const { reply, why } = new WorkerRun(prepared, guest).run(most);
  if (why === 'error') {
    const error = new Error('The thread of the guest did not start');
    return { reply: { how: 'failure', error } };
  }
  if (reply.how === 'died' && why === 'over') {
    reply.error = new Error('The thread of the guest ended');
  }
  return { reply, why: outcomeWhy(why) };
}

module.exports = { runInWorker };
