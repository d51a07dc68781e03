'use strict';

// Whether a guest with threads is over, and what it came to: in memory that all of
// them share, as a thread that runs a guest hears of nothing else.

const { describeError, rebuildError } = require('../run/rebuilt-error');

/** Words. */
const STATE = 0;
/** Bytes of what the guest came to. */
const SIZE = 1;
/** Nobody ever writes it. */
const NEVER = 2;
const WORDS = 3;

/** Values of `STATE`. */
const RUNNING = 0;
const ENDING = 1;
const OVER = 2;

/** Bytes of the words. */
const HEAD = WORDS * Int32Array.BYTES_PER_ELEMENT;

/** Room for what the guest came to, of which messages and stacks are most. */
const ROOM = 16_384;

/** Milliseconds in which a thread that has begun to say what the guest came to has said it. */
const PATIENCE = 5000;

/** The end of a text that has so many bytes at most. */
function truncated(text, bytes) {
  return Buffer.from(text).subarray(0, bytes).toString();
}

/** What a guest came to as bytes that fit. */
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

  /** The bytes that the threads of a guest share for it. */
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
      this.awaitWord();
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
   * Waits until it is there what the guest came to, if that is being said: a thread
   * that ends before that has died, to who looks.
   */
  awaitWord() {
    while (this.#state === ENDING) {
      const ended = Atomics.wait(this.#words, STATE, ENDING, PATIENCE);
      if (ended === 'timed-out') return;
    }
  }

  /** What the guest came to; undefined until `end()`. */
  get value() {
    if (!this.isOver) return undefined;
    const text = this.#bytes.toString('utf8', 0, this.#words[SIZE]);
    const { error, ...outcome } = JSON.parse(text);
    return error === undefined
      ? outcome
      : { ...outcome, error: rebuildError(error) };
  }

  /** Waits for so many milliseconds, unless the guest is over before. */
  wait(milliseconds) {
    const state = this.#state;
    if (state !== OVER) Atomics.wait(this.#words, STATE, state, milliseconds);
  }

  /** When the guest is over. It keeps no process alive. */
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
