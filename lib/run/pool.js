'use strict';

const { availableParallelism } = require('node:os');

const { invalidArgType, poolClosed } = require('../errors');
const { readPoolOptions } = require('./pool-options');
const { Thread } = require('./thread');

/** The threads of a pool, and the queue of tasks that wait for one. */
class Threads {
  #size;
  #idleTime;
  #maxRuns;
  /** All threads, except those that take no more guests. */
  #all = new Set();
  /** Threads that have been made, and are not ready yet. */
  #starting = new Set();
  /** Threads without a task; the last one is the next to be used. */
  #idle = [];
  /** Threads that run an urgent task: they do not count against the size. */
  #beyond = new Set();
  /** Tasks that are still loading their program. */
  #coming = new Set();
  /** The queue of tasks that wait for a thread. A set, as any of them may be cancelled. */
  #waiting = new Set();
  /** The urgent ones of these: a thread is made for each, whatever the size. */
  #urgent = new Set();
  #onClosed;
  #closing;

  constructor(options) {
    const { size, idle, maxRuns } = readPoolOptions(
      options,
      availableParallelism(),
    );
    this.#size = size;
    this.#idleTime = idle;
    this.#maxRuns = maxRuns;
  }

  /**
   * Announces a task, which will be submitted or cancelled.
   *
   * @throws if the pool is closed
   */
  expect(task) {
    if (this.#closing !== undefined) throw poolClosed(this.expect);
    this.#coming.add(task);
  }

  /**
   * Runs a task as soon as there is a thread.
   *
   * @param {boolean} isUrgent whether it gets one even beyond the size of the pool
   */
  submit(task, isUrgent) {
    this.#coming.delete(task);
    this.#waiting.add(task);
    if (isUrgent) this.#urgent.add(task);
    this.#serve();
  }

  /** Removes a task that does not need a thread any more. */
  cancel(task) {
    this.#coming.delete(task);
    this.#waiting.delete(task);
    this.#urgent.delete(task);
    this.#closeIfOver();
  }

  /** Takes no further tasks; resolves when all tasks are over. */
  close() {
    this.#closing ??= new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#closeIfOver();
    return this.#closing;
  }

  #closeIfOver() {
    if (this.#closing === undefined) return;
    if (this.#coming.size > 0 || this.#waiting.size > 0) return;
    for (const thread of this.#idle.splice(0)) thread.terminate();
    if (this.#all.size === 0) this.#onClosed();
  }

  /** Gives tasks to idle threads, and makes threads for the rest. */
  #serve() {
    while (this.#waiting.size > 0 && this.#idle.length > 0) {
      const thread = this.#idle.pop();
      thread.wake();
      this.ready(thread);
    }
    while (this.#wantsThread()) this.#makeThread();
  }

  #wantsThread() {
    const starting = this.#starting.size;
    if (this.#urgent.size > starting) return true;
    return this.#waiting.size > starting && this.#counted < this.#size;
  }

  /** How many threads count against the size: not those that run, or are made for, an urgent task. */
  get #counted() {
    const expected = Math.min(this.#urgent.size, this.#starting.size);
    return this.#all.size - this.#beyond.size - expected;
  }

  /** Whether there are more threads than the size allows, so that no further task may get one. */
  get #isFull() {
    return this.#counted > this.#size;
  }

  #makeThread() {
    try {
      const thread = new Thread(this);
      this.#starting.add(thread);
      this.#all.add(thread);
    } catch (error) {
      // Node's permission model may forbid workers.
      this.#next().task?.fail(error);
    }
  }

  /** The task whose turn it is, and whether it is urgent. */
  #next() {
    const [task] = this.#urgent.size > 0 ? this.#urgent : this.#waiting;
    this.#waiting.delete(task);
    const isUrgent = this.#urgent.delete(task);
    return { task, isUrgent };
  }

  /** A thread can take a task. */
  ready(thread) {
    this.#starting.delete(thread);
    this.#beyond.delete(thread);
    if (thread.runs >= this.#maxRuns) {
      thread.terminate();
      return;
    }
    while (this.#urgent.size > 0 || (this.#waiting.size > 0 && !this.#isFull)) {
      const { task, isUrgent } = this.#next();
      let message;
      try {
        message = task.prepare();
      } catch (error) {
        task.fail(error);
        continue;
      }
      if (isUrgent) this.#beyond.add(thread);
      thread.run(task, message);
      return;
    }
    this.#rest(thread);
  }

  #rest(thread) {
    if (this.#closing !== undefined || this.#isFull) {
      thread.terminate();
      return;
    }
    this.#idle.push(thread);
    thread.rest(this.#idleTime);
  }

  /** A thread has ended, or takes no more tasks. */
  gone(thread, error) {
    this.#all.delete(thread);
    this.#beyond.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at !== -1) this.#idle.splice(at, 1);
    // The next thread would not start either, so a task fails for each.
    if (this.#starting.delete(thread)) this.#next().task?.fail(error);
    this.#serve();
    this.#closeIfOver();
  }
}

/** The threads of each `Pool`. */
const pools = new WeakMap();

/** The threads of runs without the option `pool`. */
let common;

function openPool(pool, options) {
  pools.set(pool, new Threads(options));
}

/**
 * The threads of a pool.
 *
 * @param {string} name what to call it in errors
 */
function threadsOf(pool, name) {
  const threads = pools.get(pool);
  if (threads !== undefined) return threads;
  throw invalidArgType(threadsOf, name, 'an instance of Pool', pool);
}

/** Closes a pool; resolves when its tasks are over. */
function closePool(pool) {
  return threadsOf(pool, 'this').close();
}

function commonThreads() {
  return (common ??= new Threads());
}

module.exports = { closePool, commonThreads, openPool, threadsOf };
