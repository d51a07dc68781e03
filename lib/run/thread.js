'use strict';

const { newWorker } = require('../new-worker');
const { MOST_LOOK, StartWatch } = require('../start-watch');
const { rebuildError } = require('./rebuilt-error');
const { GRACE } = require('./times');
const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('../core');

/**
 * Milliseconds that the engine has to terminate a worker. It checks for that now and
 * then, and a loop around a large `memory.fill` can delay the check for minutes.
 */
const PATIENCE = 1000;

/** The threads that have not started yet. */
const starting = new Set();

/**
 * The threads whose start is being waited for. While some of these start, the machine is
 * only slow. Threads that are made later are not added until all of these have started:
 * else one that never starts would go unnoticed beside them.
 */
let awaited = new Set();

/** How many of the awaited threads have started. */
let begun = 0;

/**
 * A worker that runs one guest after the other: see worker.js.
 *
 * It calls its pool: `ready(thread)` when it can take a guest, `gone(thread, error)`
 * when it takes no more.
 */
class Thread {
  /** How many guests it has run. */
  runs = 0;

  #pool;
  #worker;
  #task;
  #grace;
  #idle;
  #patience;
  #starting;
  /** The value of `begun` at the last check. */
  #begun = begun;
  #error;
  #isEnding = false;
  #isGone = false;

  constructor(pool) {
    this.#pool = pool;
    this.#worker = newWorker(undefined, starting.size)
      .on('message', (reply) => this.#replied(reply))
      .on('error', (error) => {
        this.#error = error;
      })
      .on('exit', () => this.#exited());
    starting.add(this);
    const watch = new StartWatch();
    this.#starting = setInterval(() => this.#checkStart(watch), MOST_LOOK);
    this.#starting.unref();
  }

  /** Gives the worker up if it neither starts nor ends. */
  #checkStart(watch) {
    if (awaited.size === 0) awaited = new Set(starting);
    const error = watch.look(this.#begun !== begun);
    this.#begun = begun;
    if (error === undefined) return;
    this.#endWatch();
    this.#isEnding = true;
    void this.#worker.terminate();
    this.unref();
    this.#leave(error);
  }

  get #isAwaited() {
    return awaited.size === 0 ? starting.has(this) : awaited.has(this);
  }

  /** Stops waiting for its start. */
  #endWatch() {
    clearInterval(this.#starting);
    starting.delete(this);
    awaited.delete(this);
  }

  /** Runs the guest of a task; `message` is for the worker. */
  run(task, message) {
    this.runs++;
    this.#task = task;
    this.ref();
    this.#worker.postMessage(message);
    task.begin(this);
  }

  /** Waits for the next guest, for up to `idle` milliseconds. */
  rest(idle) {
    this.unref();
    if (idle === Infinity) return;
    this.#idle = setTimeout(() => this.terminate(), idle).unref();
  }

  /** Ends that wait. */
  wake() {
    clearTimeout(this.#idle);
  }

  /** Terminates the worker, unless its guest returns within GRACE. */
  endSoon() {
    this.#grace ??= setTimeout(() => {
      // A reply that arrived while this thread was busy is handled first.
      this.#grace = setImmediate(() => this.terminate());
    }, GRACE);
  }

  /** Terminates the worker. */
  terminate() {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#endWatch();
    void this.#worker.terminate();
    if (this.#task === undefined) this.#leave();
    else this.#patience = setTimeout(() => this.#abandon(), PATIENCE);
  }

  /** Reports the guest as over, though the engine has not terminated the worker yet. */
  #abandon() {
    this.unref();
    this.#takeTask()?.replied({ how: 'died' });
    this.#leave();
  }

  ref() {
    this.#worker.ref();
  }

  unref() {
    this.#worker.unref();
  }

  #replied({ how, exitCode, error, call, version, hasThreads }) {
    if (how === 'trace') {
      this.#task?.traced(call, version);
      return;
    }
    clearTimeout(this.#grace);
    clearImmediate(this.#grace);
    this.#grace = undefined;
    clearTimeout(this.#patience);
    if (this.#isAwaited) begun++;
    this.#endWatch();
    this.#takeTask()?.replied(
      how === 'exit' ? { how, exitCode } : { how, error: rebuildError(error) },
    );
    // The threads of the guest end with this one.
    if (hasThreads) this.terminate();
    else if (this.#isEnding) this.#leave();
    else this.#pool.ready(this);
  }

  #exited() {
    clearTimeout(this.#grace);
    clearImmediate(this.#grace);
    clearTimeout(this.#idle);
    clearTimeout(this.#patience);
    this.#endWatch();
    this.#isEnding = true;
    const error = this.#error ?? new Error('The thread of the guest ended');
    this.#takeTask()?.replied({ how: 'died', error });
    this.#leave(error);
  }

  #takeTask() {
    const task = this.#task;
    this.#task = undefined;
    return task;
  }

  #leave(error) {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#pool.gone(this, error);
  }
}

module.exports = { Thread };
