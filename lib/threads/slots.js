'use strict';

// A slot for each thread of a guest: its state, and the call of thread-spawn that it is to
// run. In memory that all threads share.

/** Indices of the words before the slots: how many threads are idle, */
const IDLE_THREADS = 0;
const LAST_TID = 1;
/** how many workers have been made for the guest, and how many of those have started. */
const MADE = 2;
const STARTED = 3;
const HEAD = 4;

/** Indices of the words of a slot. */
const STATE = 0;
const TID = 1;
const ARGUMENT = 2;
const SLOT = 3;

/** Values of `STATE`. */
const FREE = 0;
const BUSY = 1;
const IDLE = 2;
/** It has a call to run, and has not taken it yet. */
const CALLED = 3;
/** It is being made, and has no call to run. */
const STARTING = 4;

/** The greatest TID that wasi-threads allows. */
const MAX_TID = 2 ** 29 - 1;

class Slots {
  #words;

  /** The memory for up to `max` threads beside the first. */
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

  /** Whether any slot has been claimed. */
  get isUsed() {
    return this.length > 0 && this.#word(0, STATE) !== FREE;
  }

  /** Counts a worker that is being made. */
  countMade() {
    Atomics.add(this.#words, MADE, 1);
  }

  /** Uncounts it: it could not be made. */
  uncountMade() {
    Atomics.sub(this.#words, MADE, 1);
  }

  /** Counts a worker that has started. */
  countStarted() {
    Atomics.add(this.#words, STARTED, 1);
  }

  get started() {
    return Atomics.load(this.#words, STARTED);
  }

  /** How many workers have been made and have not started yet. */
  get starting() {
    return Atomics.load(this.#words, MADE) - this.started;
  }

  /** Claims a slot for a new thread, which gets a call, or is idle first; undefined if none is free. */
  claimFree(isIdle) {
    return this.#claim(FREE, isIdle ? STARTING : BUSY);
  }

  /** Frees a slot whose thread could not be made. */
  free(slot) {
    Atomics.store(this.#words, this.#at(slot, TID), 0);
    Atomics.store(this.#words, this.#at(slot, STATE), FREE);
  }

  /** Claims an idle thread, or one that will be idle when it has started; undefined if there is none. */
  claimIdle() {
    return this.#claimIdleSlot() ?? this.#claim(STARTING, BUSY);
  }

  /** Claims an idle thread, waiting for one for so many milliseconds. */
  awaitIdle(milliseconds) {
    Atomics.wait(this.#words, IDLE_THREADS, 0, milliseconds);
    return this.#claimIdleSlot();
  }

  #claimIdleSlot() {
    const words = this.#words;
    for (;;) {
      const count = Atomics.load(words, IDLE_THREADS);
      if (count === 0) return undefined;
      const found = Atomics.compareExchange(
        words,
        IDLE_THREADS,
        count,
        count - 1,
      );
      if (found === count) break;
    }
    // The count was lowered first, so there is an idle slot for this caller.
    for (;;) {
      const slot = this.#claim(IDLE, BUSY);
      if (slot !== undefined) return slot;
    }
  }

  /** Claims a slot in one state by putting it into another. */
  #claim(does, claimed) {
    for (let slot = 0; slot < this.length; slot++) {
      const at = this.#at(slot, STATE);
      if (Atomics.compareExchange(this.#words, at, does, claimed) === does) {
        return slot;
      }
    }
    return undefined;
  }

  /**
   * Gives a thread a call to run. The argument is stored before the state.
   *
   * @returns {number} its TID
   */
  call(slot, argument) {
    const words = this.#words;
    const tid = this.#newTid();
    Atomics.store(words, this.#at(slot, TID), tid);
    Atomics.store(words, this.#at(slot, ARGUMENT), argument);
    Atomics.store(words, this.#at(slot, STATE), CALLED);
    Atomics.notify(words, this.#at(slot, STATE));
    return tid;
  }

  /** Marks a thread as idle, be it new or done with its call, unless it has the next call already. */
  markIdle(slot, isNew) {
    const words = this.#words;
    const did = isNew ? STARTING : BUSY;
    if (!isNew) Atomics.store(words, this.#at(slot, TID), 0);
    const at = this.#at(slot, STATE);
    if (Atomics.compareExchange(words, at, did, IDLE) === did) {
      Atomics.add(words, IDLE_THREADS, 1);
      Atomics.notify(words, IDLE_THREADS, 1);
    }
  }

  /**
   * Takes the call of a thread, waiting for one for so many milliseconds.
   *
   * @returns {{ tid: number, argument: number } | undefined}
   */
  take(slot, milliseconds) {
    const words = this.#words;
    const at = this.#at(slot, STATE);
    const does = Atomics.load(words, at);
    if (does !== CALLED) {
      Atomics.wait(words, at, does, milliseconds);
      return undefined;
    }
    Atomics.store(words, at, BUSY);
    return { tid: this.#word(slot, TID), argument: this.#word(slot, ARGUMENT) };
  }

  /**
   * The calls that no thread has taken yet: an idle thread takes one within microseconds,
   * a new one when its worker has started.
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

  /** Whether a thread has not taken this call yet. */
  isCalled({ slot, tid }) {
    return this.#word(slot, STATE) === CALLED && this.#word(slot, TID) === tid;
  }

  #at(slot, field) {
    return HEAD + slot * SLOT + field;
  }

  #word(slot, field) {
    return Atomics.load(this.#words, this.#at(slot, field));
  }

  /** A TID that no other thread has now. */
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
