'use strict';

// The threads of one guest: makes them, and gives them what they are to run.

const { loadBinding } = require('../binding');
const { newWorker } = require('../new-worker');
const { StartWatch } = require('../start-watch');
const { Outcome } = require('./outcome');
const { Slots } = require('./slots');

const { checkThreadRoom, isThreadEnding } = loadBinding();

/** Errnos of WASI; why a thread cannot be made is returned negated. */
const EAGAIN = 6;
const EINVAL = 28;
const ENOTSUP = 58;

/**
 * Milliseconds that are waited for a thread before another one is made, which takes
 * some hundred times as long: to its guest a thread is over some moments before it
 * rests.
 */
const MOMENT = 0.2;

/** And where there can be no more of them. */
const GRACE = 100;

/** Milliseconds between two looks of a thread that rests whether it is to end. */
const LOOK = 250;

/** What the threads of a guest share, which are so many beside the first. */
function makeShared(max) {
  return { outcome: Outcome.makeShared(), slots: Slots.makeShared(max) };
}

/**
 * The threads of a guest, from one of them or from the thread that waits for them.
 *
 * `guest` is what it takes to run it: see `guestOf()`. Beside that it has `shared`,
 * which `makeShared()` makes, and for who makes threads `memory.object`.
 */
class ThreadGroup {
  #guest;
  #slots;
  #workers = new Set();
  #starts = new StartWatch();
  /** Whether the first thread has been made and has not begun. */
  #awaitsFirst = false;
  /** What other threads are to run and had not taken at the last look. */
  #calls = [];

  constructor(guest) {
    this.#guest = guest;
    this.#slots = new Slots(guest.shared.slots);
    this.outcome = new Outcome(guest.shared.outcome);
  }

  /** How many threads there can be. */
  get size() {
    return this.#slots.length + 1;
  }

  /** Whether threads have been made. */
  get hasThreads() {
    return this.#slots.isUsed;
  }

  /**
   * `thread-spawn` of wasi-threads.
   *
   * @param {number} argument
   * @returns {number} the thread's number, from 1, or a negated errno
   */
  spawn(argument) {
    if (!this.#guest.hasThreadStart) return -ENOTSUP;
    if (!this.outcome.isRunning) return -EAGAIN;
    const slots = this.#slots;
    const idle =
      slots.claimIdle() ?? (slots.isUsed ? slots.awaitIdle(MOMENT) : undefined);
    if (idle !== undefined) return slots.call(idle, argument);
    const free = slots.claimFree();
    if (free !== undefined) return this.#begin(free, argument);
    const late = slots.awaitIdle(GRACE);
    return late === undefined ? -EAGAIN : slots.call(late, argument);
  }

  /** Has a thread made that begins with it. */
  #begin(slot, argument) {
    const tid = this.#slots.call(slot, argument);
    return this.#makeThread(slot) ? tid : -EAGAIN;
  }

  /** Makes threads that rest. */
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
      // The system has no more of them, or Node's permission model forbids them.
      this.#slots.free(slot);
      return false;
    }
  }

  /**
   * Makes a worker, whose first words are `begins()`. What becomes of it is told by
   * what the threads share.
   *
   * @param {(options: object, ahead: number) => Worker} make
   * @throws where there can be none
   */
  #makeWorker(slot, make) {
    this.#slots.makes();
    try {
      // Those that have not begun have not taken theirs.
      const { ahead } = this.#slots;
      checkThreadRoom(ahead);
      const worker = make(
        { workerData: { guest: this.#guest, slot } },
        ahead - 1,
      );
      worker.on('error', (error) => this.#lose(error)).unref();
      this.#workers.add(worker);
    } catch (error) {
      this.#slots.makesNot();
      throw error;
    }
  }

  /** A worker has failed. Who runs a guest does not hear of it. */
  #lose(error) {
    this.outcome.end({ how: 'failure', error });
  }

  /**
   * Has the first thread made. It begins, or `checkStarts()` tells that.
   *
   * @throws where there can be none
   */
  makeFirst() {
    this.#makeWorker(undefined, (options) => this.#starts.newWorker(options));
    this.#awaitsFirst = true;
  }

  /** This thread has begun, for which a worker was made. */
  begins() {
    this.#slots.begins();
  }

  /**
   * Ends the guest if a worker that was made does not begin: its threads would wait
   * for ever for what that was to do. Who waits for the guest looks now and then.
   */
  checkStarts() {
    const error = this.#starts.look(this.#goesOn());
    if (error !== undefined) this.outcome.end({ how: 'failure', error });
  }

  /**
   * Whether threads begin. Those that are called later do not count until all of
   * these have begun: one that never does would not be seen beside them.
   */
  #goesOn() {
    this.#awaitsFirst &&= this.#slots.begun === 0;
    if (this.#awaitsFirst) return false;
    const slots = this.#slots;
    const left = this.#calls.filter((call) => slots.isCalled(call));
    const isFewer = left.length < this.#calls.length;
    this.#calls = left.length > 0 ? left : slots.called;
    return isFewer || left.length === 0;
  }

  /** What a thread is to run next, when there is something; undefined when it is to end. */
  next(slot, isNew) {
    this.#slots.rest(slot, isNew);
    for (;;) {
      // The end of a worker interrupts the wait, unless it came before.
      if (!this.outcome.isRunning || isThreadEnding()) {
        this.outcome.awaitWord();
        return undefined;
      }
      const call = this.#slots.take(slot, LOOK);
      if (call !== undefined) return call;
    }
  }

  /** Ends the threads that were made by this one, and with each those that it made. */
  terminate() {
    for (const worker of this.#workers) void worker.terminate();
    this.#workers.clear();
  }
}

/** The function that a guest imports as `wasi.thread-spawn`. */
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
