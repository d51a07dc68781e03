'use strict';

// What each thread of a guest is doing, and what it is to run: in memory that all of
// them share.

/** Words that are there once: how many threads rest, */
const RESTING_THREADS = 0;
const LAST_TID = 1;
/** how many workers have been made for the guest, and how many of those have begun. */
const MADE = 2;
const BEGUN = 3;
const HEAD = 4;

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

/** The greatest that wasi-threads has. */
const MAX_TID = 2 ** 29 - 1;

class Slots {
  #words;

  /** The bytes that the threads of a guest share for it, which are so many beside the first. */
  static makeShared(max) {
    const words = HEAD + max * SLOT;
    return new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
  }

  constructor(shared) {
    this.#words = new Int32Array(shared);
  }

  get length() {
    return (this.#words.length - HEAD) / SLOT;
  }

  /** Whether there has been any thread. */
  get isUsed() {
    return this.length > 0 && this.#word(0, DOES) !== FREE;
  }

  /** A worker is being made. */
  makes() {
    Atomics.add(this.#words, MADE, 1);
  }

  /** It could not be made. */
  makesNot() {
    Atomics.sub(this.#words, MADE, 1);
  }

  /** It has begun. */
  begins() {
    Atomics.add(this.#words, BEGUN, 1);
  }

  get begun() {
    return Atomics.load(this.#words, BEGUN);
  }

  /** How many workers have been made that have not begun yet. */
  get ahead() {
    return Atomics.load(this.#words, MADE) - this.begun;
  }

  /** Room for a thread that begins with something to run, or that rests first. */
  claimFree(rests) {
    return this.#claim(FREE, rests ? STARTING : BUSY);
  }

  /** There is no thread in that place after all. */
  free(slot) {
    Atomics.store(this.#words, this.#at(slot, TID), 0);
    Atomics.store(this.#words, this.#at(slot, DOES), FREE);
  }

  /** A thread that has nothing to run, for the caller. */
  claimIdle() {
    return this.#claimResting() ?? this.#claim(STARTING, BUSY);
  }

  /** The same, if there is one in so many milliseconds. */
  awaitIdle(milliseconds) {
    Atomics.wait(this.#words, RESTING_THREADS, 0, milliseconds);
    return this.#claimResting();
  }

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
    // The count is reserved, so a slot that rests is left for this caller.
    for (;;) {
      const slot = this.#claim(RESTING, BUSY);
      if (slot !== undefined) return slot;
    }
  }

  /** One that does this, and does that from now on. */
  #claim(does, claimed) {
    for (let slot = 0; slot < this.length; slot++) {
      const at = this.#at(slot, DOES);
      if (Atomics.compareExchange(this.#words, at, does, claimed) === does) {
        return slot;
      }
    }
    return undefined;
  }

  /**
   * Has a thread run something, which is there before it is told so.
   *
   * @returns {number} its number
   */
  call(slot, argument) {
    const words = this.#words;
    const tid = this.#newTid();
    Atomics.store(words, this.#at(slot, TID), tid);
    Atomics.store(words, this.#at(slot, ARGUMENT), argument);
    Atomics.store(words, this.#at(slot, DOES), CALLED);
    Atomics.notify(words, this.#at(slot, DOES));
    return tid;
  }

  /** A thread has nothing to run, be it new or done with what it ran; unless it has been called. */
  rest(slot, isNew) {
    const words = this.#words;
    const did = isNew ? STARTING : BUSY;
    if (!isNew) Atomics.store(words, this.#at(slot, TID), 0);
    const at = this.#at(slot, DOES);
    if (Atomics.compareExchange(words, at, did, RESTING) === did) {
      Atomics.add(words, RESTING_THREADS, 1);
      Atomics.notify(words, RESTING_THREADS, 1);
    }
  }

  /**
   * What a thread is to run, which is waited for so many milliseconds at most.
   *
   * @returns {{ tid: number, argument: number } | undefined}
   */
  take(slot, milliseconds) {
    const words = this.#words;
    const at = this.#at(slot, DOES);
    const does = Atomics.load(words, at);
    if (does !== CALLED) {
      Atomics.wait(words, at, does, milliseconds);
      return undefined;
    }
    Atomics.store(words, at, BUSY);
    return { tid: this.#word(slot, TID), argument: this.#word(slot, ARGUMENT) };
  }

  /**
   * The threads that were called to run something and have not taken it yet: some
   * microseconds if they rest, and until they begin if they are new.
   *
   * @returns {{ slot: number, tid: number }[]}
   */
  get called() {
    const calls = [];
    for (let slot = 0; slot < this.length; slot++) {
      const call = { slot, tid: this.#word(slot, TID) };
      if (this.isCalled(call)) calls.push(call);
    }
    return calls;
  }

  /** Whether a thread has still to take that. */
  isCalled({ slot, tid }) {
    return this.#word(slot, DOES) === CALLED && this.#word(slot, TID) === tid;
  }

  #at(slot, field) {
    return HEAD + slot * SLOT + field;
  }

  #word(slot, field) {
    return Atomics.load(this.#words, this.#at(slot, field));
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
    for (let slot = 0; slot < this.length; slot++) {
      if (this.#word(slot, TID) === tid) return true;
    }
    return false;
  }
}

module.exports = { Slots };
