'use strict';

// The threads of one guest: makes workers for them, and hands out calls of thread-spawn.

const { loadBinding } = require('../core');
const { newWorker } = require('../new-worker');
const { StartWatch } = require('../start-watch');
const { Outcome } = require('./outcome');
const { Slots } = require('./slots');

const { checkThreadRoom, isThreadEnding } = loadBinding();

/** Errnos of WASI, which thread-spawn returns negated. */
const EAGAIN = 6;
const EINVAL = 28;
const ENOTSUP = 58;

/**
 * Milliseconds to wait for an idle thread before a worker is made, which takes some
 * hundred times as long. A guest can join a thread some moments before it is idle.
 */
const IDLE_WAIT = 0.2;

/** The same in milliseconds when no more workers are allowed, before EAGAIN. */
const LAST_IDLE_WAIT = 100;

/** Milliseconds after which an idle thread checks whether it is to end. */
const END_INTERVAL = 250;

/** The memory that the threads of a guest share: the first thread, and up to `max` others. */
function makeShared(max) {
  return { outcome: Outcome.makeShared(), slots: Slots.makeShared(max) };
}

/**
 * The threads of a guest. Each of them has an instance of this class, and so has the
 * thread that waits for the guest.
 *
 * `guest` is the result of `guestOf()`, with `shared` of `makeShared()`. An instance that
 * makes threads also needs `memory.object`.
 */
class ThreadGroup {
  #guest;
  #slots;
  #workers = new Set();
  #starts = new StartWatch();
  /** Whether a worker was made for the first thread, and has not started. */
  #awaitsFirst = false;
  /** The calls of thread-spawn that no thread had taken at the last check. */
  #calls = [];

  constructor(guest) {
    this.#guest = guest;
    this.#slots = new Slots(guest.shared.slots);
    this.outcome = new Outcome(guest.shared.outcome);
  }

  /** The maximum number of threads, the first included. */
  get size() {
    return this.#slots.length + 1;
  }

  /** Whether any thread was spawned. */
  get hasThreads() {
    return this.#slots.isUsed;
  }

  /**
   * `thread-spawn` of wasi-threads.
   *
   * @param {number} argument
   * @returns {number} the thread's TID, from 1, or a negated errno
   */
  spawn(argument) {
    if (!this.#guest.hasThreadStart) return -ENOTSUP;
    if (!this.outcome.isRunning) return -EAGAIN;
    const slots = this.#slots;
    const idle =
      slots.claimIdle() ??
      (slots.isUsed ? slots.awaitIdle(IDLE_WAIT) : undefined);
    if (idle !== undefined) return slots.call(idle, argument);
    const free = slots.claimFree();
    if (free !== undefined) return this.#begin(free, argument);
    const late = slots.awaitIdle(LAST_IDLE_WAIT);
    return late === undefined ? -EAGAIN : slots.call(late, argument);
  }

  /** Makes a worker for a new thread. */
  #begin(slot, argument) {
    const tid = this.#slots.call(slot, argument);
    return this.#makeThread(slot) ? tid : -EAGAIN;
  }

  /** Makes so many idle threads. */
  warm(count) {
    for (let i = 0; i < count; i++) {
      const slot = this.#slots.claimFree(true);
      if (slot === undefined || !this.#makeThread(slot)) return;
    }
  }

  #makeThread(slot) {
    try {
      this.#makeWorker(slot, newWorker);
      return true;
    } catch {
      // The system has no more threads, or Node's permission model forbids workers.
      this.#slots.free(slot);
      return false;
    }
  }

  /**
   * Makes a worker. It calls `started()` first. All else is in the shared memory, since a
   * thread that runs a guest receives no events of a worker.
   *
   * @param {(options: object, ahead: number) => Worker} make with how many others are starting
   * @throws if the worker cannot be made
   */
  #makeWorker(slot, make) {
    this.#slots.countMade();
    try {
      // Workers that have not started yet have not opened their descriptors.
      const { starting } = this.#slots;
      checkThreadRoom(starting);
      const worker = make(
        { workerData: { guest: this.#guest, slot } },
        starting - 1,
      );
      worker.on('error', (error) => this.#lose(error)).unref();
      this.#workers.add(worker);
    } catch (error) {
      this.#slots.uncountMade();
      throw error;
    }
  }

  /** A worker has failed: ends the guest. */
  #lose(error) {
    this.outcome.end({ how: 'failure', error });
  }

  /**
   * Makes the worker of the first thread. If it does not start, `checkStarts()` ends the
   * guest.
   *
   * @throws if the worker cannot be made
   */
  makeFirst() {
    this.#makeWorker(undefined, (options) => this.#starts.newWorker(options));
    this.#awaitsFirst = true;
  }

  /** Called by the worker of this thread when it has started. */
  started() {
    this.#slots.countStarted();
  }

  /**
   * Ends the guest if a worker does not start, as its other threads may wait for that
   * thread forever. The thread that waits for the guest calls this now and then.
   */
  checkStarts() {
    const error = this.#starts.look(this.#isStarting());
    if (error !== undefined) this.outcome.end({ how: 'failure', error });
  }

  /**
   * Whether workers start, or none is awaited. Calls that are made later are not awaited
   * until all of these have been taken: else a worker that never starts would go
   * unnoticed beside them.
   */
  #isStarting() {
    this.#awaitsFirst &&= this.#slots.started === 0;
    if (this.#awaitsFirst) return false;
    const slots = this.#slots;
    const left = this.#calls.filter((call) => slots.isCalled(call));
    const isFewer = left.length < this.#calls.length;
    this.#calls = left.length > 0 ? left : slots.called;
    return isFewer || left.length === 0;
  }

  /** Waits for the next call for this thread; undefined when the thread is to end. */
  next(slot, isNew) {
    this.#slots.markIdle(slot, isNew);
    for (;;) {
      // Terminating a worker interrupts its wait, but only if it waits already.
      if (!this.outcome.isRunning || isThreadEnding()) {
        this.outcome.awaitEnd();
        return undefined;
      }
      const call = this.#slots.take(slot, END_INTERVAL);
      if (call !== undefined) return call;
    }
  }

  /** Terminates the workers that this thread made; those that they made end with them. */
  terminate() {
    for (const worker of this.#workers) void worker.terminate();
    this.#workers.clear();
  }
}

/** The module `wasi` of a guest's imports, with `thread-spawn`. */
function spawnOf(group) {
  return {
    'thread-spawn'(argument) {
      return arguments.length === 1 && typeof argument === 'number'
        ? group.spawn(argument)
        : -EINVAL;
    },
  };
}

module.exports = { ThreadGroup, makeShared, spawnOf };
