'use strict';

// Whether a guest with threads is over, and its outcome: in memory that its threads
// share, since a thread that runs a guest receives no events.

const { describeError, rebuildError } = require('../run/rebuilt-error');

/** Indices of words. */
const STATE = 0;
/** The length of the encoded outcome in bytes. */
const SIZE = 1;
/** Never written: to wait on for a time. */
const NEVER = 2;
const WORDS = 3;

/** Values of `STATE`. */
const RUNNING = 0;
const ENDING = 1;
const OVER = 2;

/** The size of the words in bytes. */
const HEAD = WORDS * Int32Array.BYTES_PER_ELEMENT;

/** The room for the encoded outcome in bytes; most of it are messages and stacks. */
const ROOM = 16_384;

/** Milliseconds to wait for a thread that is storing the outcome. */
const PATIENCE = 5000;

/** A text cut to so many bytes. */
function truncated(text, bytes) {
  return Buffer.from(text).subarray(0, bytes).toString();
}

/** Encodes an outcome so that it fits. */
function encode({ error, ...outcome }) {
  const described = error === undefined ? undefined : describeError(error);
  const bytesOf = (fields) =>
    Buffer.from(JSON.stringify({ ...outcome, error: fields }));
  const whole = bytesOf(described);
  if (whole.length <= ROOM) return whole;
  const { name, message, code } = described;
  return bytesOf({ name, message: truncated(message, ROOM / 8), code });
}

class Outcome {
  #words;
  #bytes;

  /** The memory that the threads of a guest share for it. */
  static makeShared() {
    return new SharedArrayBuffer(HEAD + ROOM);
  }

  constructor(shared) {
    this.#words = new Int32Array(shared, 0, WORDS);
    this.#bytes = Buffer.from(shared, HEAD);
  }

  get #state() {
    return Atomics.load(this.#words, STATE);
  }

  get isRunning() {
    return this.#state === RUNNING;
  }

  get isOver() {
    return this.#state === OVER;
  }

  /**
   * Stores the outcome and wakes all who wait for it. The first outcome counts.
   *
   * @param {{ how: 'exit' | 'trap' | 'failure', exitCode?: number,
   *   isReturn?: boolean, error?: unknown }} outcome
   * @returns {boolean} whether this was the first
   */
  end(outcome) {
    const words = this.#words;
    const state = Atomics.compareExchange(words, STATE, RUNNING, ENDING);
    if (state !== RUNNING) {
      this.awaitEnd();
      return false;
    }
    const bytes = encode(outcome);
    bytes.copy(this.#bytes);
    words[SIZE] = bytes.length;
    Atomics.store(words, STATE, OVER);
    Atomics.notify(words, STATE);
    return true;
  }

  /**
   * Waits until the outcome is stored, if another thread is storing it. If this thread
   * ended before, that would be taken for the death of a thread.
   */
  awaitEnd() {
    while (this.#state === ENDING) {
      const ended = Atomics.wait(this.#words, STATE, ENDING, PATIENCE);
      if (ended === 'timed-out') return;
    }
  }

  /** The outcome; undefined until `end()`. */
  get value() {
    if (!this.isOver) return undefined;
    const text = this.#bytes.toString('utf8', 0, this.#words[SIZE]);
    const { error, ...outcome } = JSON.parse(text);
    return error === undefined
      ? outcome
      : { ...outcome, error: rebuildError(error) };
  }

  /** Waits until the guest is over, or for so many milliseconds. */
  wait(milliseconds) {
    const state = this.#state;
    if (state !== OVER) Atomics.wait(this.#words, STATE, state, milliseconds);
  }

  /** Resolves when the guest is over. It does not keep the process alive. */
  async over() {
    for (;;) {
      const state = this.#state;
      if (state === OVER) return;
      await Atomics.waitAsync(this.#words, STATE, state).value;
    }
  }

  /** Waits for so many milliseconds. */
  pause(milliseconds) {
    Atomics.wait(this.#words, NEVER, 0, milliseconds);
  }
}

module.exports = { Outcome };
