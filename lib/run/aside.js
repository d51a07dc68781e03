'use strict';

// Runs a guest in a thread of its own while this one waits: a guest that computes
// can be ended in a thread by another's clock, and in this one by no clock but
// that of the time that has passed.

const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads');

const { rebuildError } = require('./rebuilt-error');
const { STOPPED } = require('./prepare');
const { StartWatch } = require('../start-watch');
const { clearTimeout, now, setTimeout } = require('./timers');

const { wait } = Atomics;

/** The least milliseconds between two looks at how much CPU time a guest has used. */
const LEAST_LOOK = 10;
/** And the most, after which it is noticed that the thread has ended by itself. */
const MOST_LOOK = 50;

/** Milliseconds that a guest has to leave a call in which it waits, before its thread is ended. */
const GRACE = 5;

/** Milliseconds between a guest's end and the word of it. */
const PATIENCE = 1000;

/** Milliseconds that a thread is kept without a guest. */
const IDLE = 10_000;

/** The thread that is kept for the next guest. */
let idle;
let idleTimer;

function takeWorker(starts) {
  clearTimeout(idleTimer);
  const worker = idle ?? starts.newWorker().on('error', () => {});
  idle = undefined;
  // This thread does not wait for it by its event loop.
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
  }, IDLE).unref();
}

/** One guest in its thread. */
class Aside {
  #prepared;
  #starts = new StartWatch();
  #worker = takeWorker(this.#starts);
  #isOver = new Int32Array(new SharedArrayBuffer(4));
  #channel = new MessageChannel();
  /** When it began, as far as that has been seen. */
  #begun;

  constructor(prepared, guest) {
    this.#prepared = prepared;
    const { port1, port2 } = this.#channel;
    // Without a listener it keeps no process alive.
    port1.unref();
    const reply = { port: port2, isOver: this.#isOver };
    this.#worker.postMessage({ ...guest, reply }, [port2]);
  }

  /**
   * Waits for its end, or for one of these times.
   *
   * @param {{ cpuTime?: number, timeout?: number }} most milliseconds
   * @returns {{ reply: object, why?: string }} what came of it, see `runGuest()`;
   *   and what it was ended for
   */
  run(most) {
    let reply;
    let why;
    try {
      for (;;) {
        reply = this.#receive(this.#look(most));
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

  /** Milliseconds to the first time at which there can be something to do. */
  #look({ cpuTime, timeout = Infinity }) {
    const left = cpuTime - this.#prepared.cpuTime;
    const look = Math.max(LEAST_LOOK, Math.min(left, MOST_LOOK));
    const timeLeft = timeout - (now() - (this.#begun ?? now()));
    return Math.max(1, Math.min(look, Math.ceil(timeLeft)));
  }

  /** Why it is to be ended now. */
  #whyEnd({ cpuTime, timeout = Infinity }) {
    const { hasBegun, isOver } = this.#prepared;
    if (hasBegun) this.#begun ??= now();
    if (this.#starts.look(hasBegun) !== undefined) return 'error';
    if (this.#prepared.cpuTime >= cpuTime) return 'cpuTime';
    if (now() - (this.#begun ?? now()) >= timeout) return 'timeout';
    return isOver ? 'over' : undefined;
  }

  /** Has it leave where it waits, and ends its thread otherwise. */
  #end() {
    const patience = this.#prepared.isOver ? PATIENCE : GRACE;
    this.#prepared.stop(STOPPED);
    return this.#receive(patience) ?? { how: 'died' };
  }

  /** Its reply, which is waited for so many milliseconds. */
  #receive(milliseconds) {
    wait(this.#isOver, 0, 0, milliseconds);
    const { message } = receiveMessageOnPort(this.#channel.port1) ?? {};
    if (message?.error === undefined) return message;
    return { ...message, error: rebuildError(message.error) };
  }
}

/** What a guest ended for, as `outcomeOf()` takes it. */
function outcomeWhy(why) {
  if (why === 'cpuTime' || why === 'timeout') {
    return { exitCode: null, reason: why };
  }
  return undefined;
}

/**
 * Runs a guest in a thread of its own, to its end.
 *
 * @param {object} prepared the guest, with all that it has
 * @param {object} guest see `runGuest()`
 * @param {{ cpuTime?: number, timeout?: number }} most milliseconds
 * @returns {{ reply: object, why?: object }} see `outcomeOf()`
 */
function runAside(prepared, guest, most) {
  const { reply, why } = new Aside(prepared, guest).run(most);
  if (why === 'error') {
    const error = new Error('The thread of the guest did not start');
    return { reply: { how: 'failure', error } };
  }
  if (reply.how === 'died' && why === 'over') {
    reply.error = new Error('The thread of the guest ended');
  }
  return { reply, why: outcomeWhy(why) };
}

module.exports = { runAside };
