'use strict';

const { newWorker } = require('../new-worker');
const { MOST_LOOK, StartWatch } = require('../start-watch');
const { rebuildError } = require('./rebuilt-error');
const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('./timers');

/**
 * Milliseconds that a guest has to leave a call in which it waits. What has not
 * returned by then computes, and goes with its thread.
 */
const GRACE = 5;

/**
 * Milliseconds that the engine has to end a worker. It looks for that now and then,
 * and a loop around a large `memory.fill` can keep it from that for minutes.
 */
const PATIENCE = 1000;

/** The threads that have not begun. */
const starting = new Set();

/**
 * Those of them that are waited for. While some of these begin, the machine is only
 * slow to begin the others. Those that are made later do not count until all of these
 * have begun: one that never does would not be seen beside them.
 */
let awaited = new Set();

/** How many of those have begun. */
let begun = 0;

/**
 * A worker that runs one guest after the other: see worker.js.
 *
 * It belongs to a pool, which hears of it: `ready(thread)` when it can take a
 * guest, and `gone(thread, error)` when it takes no more.
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
  /** How many had begun at the last look. */
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

  /** Gives it up if it does not begin, and does not end either. */
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

  /** Nobody waits for its beginning any more. */
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

  /** Waits for the next guest, but not for ever. */
  rest(idle) {
    this.unref();
    if (idle === Infinity) return;
    this.#idle = setTimeout(() => this.terminate(), idle).unref();
  }

  /** There is another guest. */
  wake() {
    clearTimeout(this.#idle);
  }

  /** Ends the worker, unless its guest is over in a moment. */
  endSoon() {
    this.#grace ??= setTimeout(() => {
      // A reply that has come while this thread was busy is read first.
      this.#grace = setImmediate(() => this.terminate());
    }, GRACE);
  }

  /** Ends the worker with all that runs in it. */
  terminate() {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#endWatch();
    void this.#worker.terminate();
    if (this.#task === undefined) this.#leave();
    else this.#patience = setTimeout(() => this.#abandon(), PATIENCE);
  }

  /** Its guest is over for all others, though the engine has still to end it. */
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
