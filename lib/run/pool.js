'use strict';

const { availableParallelism } = require('node:os');

const { invalidArgType, poolClosed } = require('../errors');
const { readPoolOptions } = require('./options');
const { Thread } = require('./thread');

/** Threads that are kept warm, and tasks that wait for one. */
class Threads {
  #size;
  #idleTime;
  #maxRuns;
  /** All of them, but for those that take no more guests. */
  #all = new Set();
  /** Those that have just been made. */
  #starting = new Set();
  /** Those without a task; the last one that worked is the next to work. */
  #idle = [];
  /** Those with a task that got its thread beyond the size of the pool. */
  #beyond = new Set();
  /** Tasks that have still to load their program. */
  #coming = new Set();
  /** Tasks without a thread. A set, as any of them may leave. */
  #waiting = new Set();
  /** Those of them that have a thread made for them, whatever the size. */
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
   * There is a task: it will be submitted or cancelled.
   *
   * @throws if the pool takes no more of them
   */
  expect(task) {
    if (this.#closing !== undefined) throw poolClosed(this.expect);
    this.#coming.add(task);
  }

  /**
   * Runs a task as soon as there is a thread.
   *
   * @param {boolean} isUrgent whether it gets one beyond the size of the pool
   */
  submit(task, isUrgent) {
    this.#coming.delete(task);
    this.#waiting.add(task);
    if (isUrgent) this.#urgent.add(task);
    this.#serve();
  }

  /** The task waits no more. */
  cancel(task) {
    this.#coming.delete(task);
    this.#waiting.delete(task);
    this.#urgent.delete(task);
    this.#closeIfOver();
  }

  /** Ends when all tasks are over. */
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

  /** How many threads count: those of urgent tasks do not, nor those made for one. */
  get #counted() {
    const expected = Math.min(this.#urgent.size, this.#starting.size);
    return this.#all.size - this.#beyond.size - expected;
  }

  /** Whether a task that is not urgent has to leave a thread to the others. */
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

  /** A thread takes no more tasks. */
  gone(thread, error) {
    this.#all.delete(thread);
    this.#beyond.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at !== -1) this.#idle.splice(at, 1);
    // What keeps one from starting keeps the next from it, too.
    if (this.#starting.delete(thread)) this.#next().task?.fail(error);
    this.#serve();
    this.#closeIfOver();
  }
}

/** The threads behind each `Pool`. */
const pools = new WeakMap();

/** Those of programs that name no pool. */
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

/** Ends a pool when its tasks are over. */
function closePool(pool) {
  return threadsOf(pool, 'this').close();
}

function commonThreads() {
  return (common ??= new Threads());
}

module.exports = { closePool, commonThreads, openPool, threadsOf };
