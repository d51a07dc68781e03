'use strict';

// What the threads of one guest share: which of them run what, whether the guest
// is over, and how. It is in shared memory, as a thread that runs a guest hears of
// nothing else.

const { loadBinding } = require('../binding');
const { describeError, rebuildError } = require('../run/rebuilt-error');
const { newWorker } = require('../new-worker');

const { isThreadEnding } = loadBinding();

/** Words that are there once. */
const STATE = 0;
/** How many threads rest. */
const RESTING_THREADS = 1;
const LAST_TID = 2;
/** Bytes of what the guest came to. */
const OUTCOME_SIZE = 3;
/** Nobody ever writes it. */
const NEVER = 4;
const HEAD = 5;

/** Values of `STATE`. */
const RUNNING = 0;
const ENDING = 1;
const OVER = 2;

/** Behind those, for each thread: what it is doing, and what it is to run. */
const DOES = 0;
const TID = 1;
const ARGUMENT = 2;
const SLOT = 3;

/** Values of `DOES`. */
const FREE = 0;
const BUSY = 1;
const RESTING = 2;
/** What it is to run is there. */
const CALLED = 3;
/** It is being made, and has nothing to run yet. */
const STARTING = 4;

/** Room for what the guest came to, of which messages and stacks are most. */
const OUTCOME_BYTES = 16_384;

/** The greatest that wasi-threads has. */
const MAX_TID = 2 ** 29 - 1;

/** Errnos of WASI; why a thread cannot be made is returned negated. */
const EAGAIN = 6;
const EINVAL = 28;
const ENOTSUP = 58;

/**
 * Milliseconds that are waited for a thread where there can be no more of them: to
 * its guest a thread is over some moments before it rests.
 */
const GRACE = 10;

/** Milliseconds between two looks of a thread that rests whether it is to end. */
const LOOK = 250;

/** Milliseconds in which a thread that has begun to say what the guest came to has said it. */
const PATIENCE = 5000;

/** The end of a text that has so many bytes at most. */
function truncated(text, bytes) {
  return Buffer.from(text).subarray(0, bytes).toString();
}

/** What a guest came to as bytes that fit. */
function encodeOutcome({ error, ...outcome }) {
  const described = error === undefined ? undefined : describeError(error);
  const encode = (fields) =>
    Buffer.from(JSON.stringify({ ...outcome, error: fields }));
  const whole = encode(described);
  if (whole.length <= OUTCOME_BYTES) return whole;
  const { name, message, code } = described;
  return encode({ name, message: truncated(message, OUTCOME_BYTES / 8), code });
}

/** The bytes that the threads of a guest share, which are so many beside the first. */
function makeShared(max) {
  const words = (HEAD + max * SLOT) * Int32Array.BYTES_PER_ELEMENT;
  return new SharedArrayBuffer(words + OUTCOME_BYTES);
}

/**
 * The threads of a guest, from one of them or from the thread that waits for them.
 *
 * `guest` is what it takes to run it: see `guestOf()`. Beside that it has `shared`,
 * which `makeShared()` makes, and for who makes threads `memory.object`.
 */
class ThreadGroup {
  #words;
  #bytes;
  #guest;
  #workers = new Set();

  constructor(guest) {
    const { shared } = guest;
    const length =
      (shared.byteLength - OUTCOME_BYTES) / Int32Array.BYTES_PER_ELEMENT;
    this.#guest = guest;
    this.#words = new Int32Array(shared, 0, length);
    this.#bytes = Buffer.from(shared, length * Int32Array.BYTES_PER_ELEMENT);
  }

  get #slots() {
    return (this.#words.length - HEAD) / SLOT;
  }

  get isRunning() {
    return Atomics.load(this.#words, STATE) === RUNNING;
  }

  get isOver() {
    return Atomics.load(this.#words, STATE) === OVER;
  }

  /** How many threads there can be. */
  get size() {
    return this.#slots + 1;
  }

  /** Whether threads have been made. */
  get hasThreads() {
    return this.#word(0, DOES) !== FREE;
  }

  /**
   * Says what the guest came to. What is said first counts.
   *
   * @param {{ how: 'exit' | 'trap' | 'failure', exitCode?: number,
   *   isReturn?: boolean, error?: unknown }} outcome
   * @returns {boolean} whether this was the first
   */
  end(outcome) {
    const words = this.#words;
    const state = Atomics.compareExchange(words, STATE, RUNNING, ENDING);
    if (state !== RUNNING) {
      this.#awaitOutcome();
      return false;
    }
    const bytes = encodeOutcome(outcome);
    bytes.copy(this.#bytes);
    words[OUTCOME_SIZE] = bytes.length;
    Atomics.store(words, STATE, OVER);
    Atomics.notify(words, STATE);
    return true;
  }

  /**
   * Waits until it is there what the guest came to, if that is being said: a thread
   * that ends before that has died, to who looks.
   */
  #awaitOutcome() {
    const words = this.#words;
    while (Atomics.load(words, STATE) === ENDING) {
      const ended = Atomics.wait(words, STATE, ENDING, PATIENCE);
      if (ended === 'timed-out') return;
    }
  }

  /** What the guest came to; undefined until `end()`. */
  get outcome() {
    if (Atomics.load(this.#words, STATE) !== OVER) return undefined;
    const text = this.#bytes.toString('utf8', 0, this.#words[OUTCOME_SIZE]);
    const { error, ...outcome } = JSON.parse(text);
    return error === undefined
      ? outcome
      : { ...outcome, error: rebuildError(error) };
  }

  /** Waits for so many milliseconds, unless the guest is over before. */
  wait(milliseconds) {
    const state = Atomics.load(this.#words, STATE);
    if (state !== OVER) Atomics.wait(this.#words, STATE, state, milliseconds);
  }

  /** When the guest is over. It keeps no process alive. */
  async over() {
    for (;;) {
      const state = Atomics.load(this.#words, STATE);
      if (state === OVER) return;
      await Atomics.waitAsync(this.#words, STATE, state).value;
    }
  }

  /** Waits for so many milliseconds. */
  pause(milliseconds) {
    Atomics.wait(this.#words, NEVER, 0, milliseconds);
  }

  /**
   * `thread-spawn` of wasi-threads.
   *
   * @param {number} argument
   * @returns {number} the thread's number, from 1, or a negated errno
   */
  spawn(argument) {
    if (!this.#guest.hasThreadStart) return -ENOTSUP;
    if (!this.isRunning) return -EAGAIN;
    const idle = this.#claimResting() ?? this.#claim(STARTING);
    if (idle !== undefined) return this.#call(idle, argument);
    const free = this.#claim(FREE);
    if (free !== undefined) return this.#begin(free, argument);
    const late = this.#awaitResting();
    return late === undefined ? -EAGAIN : this.#call(late, argument);
  }

  /** Makes threads that rest. */
  warm(count) {
    for (let i = 0; i < count; i++) {
      const slot = this.#claim(FREE, STARTING);
      if (slot === undefined || !this.#makeWorker(slot)) return;
    }
  }

  /** What a new thread is to run, when there is something; undefined when it is to end. */
  first(slot) {
    return this.#next(slot, STARTING);
  }

  /** The same for one that has run something. */
  next(slot) {
    Atomics.store(this.#words, this.#at(slot, TID), 0);
    return this.#next(slot, BUSY);
  }

  #next(slot, did) {
    const words = this.#words;
    const at = this.#at(slot, DOES);
    if (Atomics.compareExchange(words, at, did, RESTING) === did) {
      Atomics.add(words, RESTING_THREADS, 1);
      Atomics.notify(words, RESTING_THREADS, 1);
    }
    for (;;) {
      // The end of a worker interrupts the wait, unless it came before.
      if (!this.isRunning || isThreadEnding()) {
        this.#awaitOutcome();
        return undefined;
      }
      const does = Atomics.load(words, at);
      if (does === CALLED) break;
      Atomics.wait(words, at, does, LOOK);
    }
    Atomics.store(words, at, BUSY);
    return { tid: this.#word(slot, TID), argument: this.#word(slot, ARGUMENT) };
  }

  /** Ends the threads that were made by this one, and with each those that it made. */
  terminate() {
    for (const worker of this.#workers) void worker.terminate();
    this.#workers.clear();
  }

  #at(slot, field) {
    return HEAD + slot * SLOT + field;
  }

  #word(slot, field) {
    return Atomics.load(this.#words, this.#at(slot, field));
  }

  /** A thread that rests, for the caller. */
  #claimResting() {
    const words = this.#words;
    for (;;) {
      const count = Atomics.load(words, RESTING_THREADS);
      if (count === 0) return undefined;
      const found = Atomics.compareExchange(
        words,
        RESTING_THREADS,
        count,
        count - 1,
      );
      if (found === count) break;
    }
    // One of them is the caller's now, whoever else is looking.
    for (;;) {
      const slot = this.#claim(RESTING);
      if (slot !== undefined) return slot;
    }
  }

  #awaitResting() {
    Atomics.wait(this.#words, RESTING_THREADS, 0, GRACE);
    return this.#claimResting();
  }

  /** A thread that is doing this, or room for one, which from now on does that. */
  #claim(does, claimed = BUSY) {
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = this.#at(slot, DOES);
      if (Atomics.compareExchange(this.#words, at, does, claimed) === does) {
        return slot;
      }
    }
    return undefined;
  }

  /** Has a thread run something, which is there before it is told so. */
  #call(slot, argument) {
    const words = this.#words;
    const tid = this.#newTid();
    Atomics.store(words, this.#at(slot, TID), tid);
    Atomics.store(words, this.#at(slot, ARGUMENT), argument);
    Atomics.store(words, this.#at(slot, DOES), CALLED);
    Atomics.notify(words, this.#at(slot, DOES));
    return tid;
  }

  /** Has a thread made that begins with it. */
  #begin(slot, argument) {
    const tid = this.#call(slot, argument);
    return this.#makeWorker(slot) ? tid : -EAGAIN;
  }

  #makeWorker(slot) {
    try {
      const worker = newWorker({
        workerData: { guest: this.#guest, slot },
      });
      // What becomes of it is told by what the threads share.
      worker.on('error', () => {}).unref();
      this.#workers.add(worker);
      return true;
    } catch {
      // The system has no more of them, or Node's permission model forbids them.
      Atomics.store(this.#words, this.#at(slot, TID), 0);
      Atomics.store(this.#words, this.#at(slot, DOES), FREE);
      return false;
    }
  }

  /** A number that no other thread has now. */
  #newTid() {
    for (;;) {
      const count = Atomics.add(this.#words, LAST_TID, 1) >>> 0;
      const tid = (count % MAX_TID) + 1;
      if (!this.#isTaken(tid)) return tid;
    }
  }

  #isTaken(tid) {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#word(slot, TID) === tid) return true;
    }
    return false;
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
