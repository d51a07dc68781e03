'use strict';

// The threads of a guest that an instance of WASI has.

const { loadBinding } = require('../binding');
const {
  invalidState,
  maxBufferExceeded,
  notStarted,
  timedOut,
} = require('../errors');
const { clearInterval, nextTick, setInterval } = require('../run/timers');
const { ThreadGroup, makeShared, spawnOf } = require('./group');
const { avoidBaseline } = require('./liftoff');
const { MemoryBefore } = require('./memory-before');
const { runThreads } = require('./start');

const { enter, guestOf, leave, run, stop } = loadBinding();

/** Milliseconds between two looks whether the threads that were made begin. */
const LOOK = 1000;

class InstanceThreads {
  #options;
  #number;
  /** The guest's `proc_exit`. */
  #procExit;
  #returnsOnExit;
  /** What it takes to run the guest, once its module is known. */
  #guest;
  /** Its memory as it was when that was known. */
  #before;
  #prepared;
  /** Those that this thread spawns. */
  #group;

  constructor(options, { number, procExit }, returnsOnExit) {
    this.#options = options;
    this.#number = number;
    this.#procExit = procExit;
    this.#returnsOnExit = returnsOnExit;
  }

  /** Whether the guest has a module with threads. */
  get isUsed() {
    return this.#guest !== undefined;
  }

  /** What a guest finds as `wasi` whose module does not import it. */
  get unused() {
    return spawnOf(this.#spawner());
  }

  #spawner() {
    return {
      spawn: (argument) => {
        if (this.#group === undefined) throw notStarted();
        return this.#group.spawn(argument);
      },
    };
  }

  /**
   * The guest has this module.
   *
   * @returns {object} what it imports as `wasi`
   */
  use(module, { wasi, isWasiOnly, hasThreadStart, memories }, memory) {
    if (this.#guest !== undefined) {
      const reason = 'a guest with threads has one module and one memory';
      throw invalidState(this.use, reason);
    }
    const { max, warm } = this.#options.threads;
    const [{ module: from, name }] = memories;
    this.#before = new MemoryBefore(memory);
    this.#guest = {
      module,
      wasi,
      isWasiOnly,
      entry: '_start',
      hasThreadStart,
      memory: { module: from, name, object: memory },
      shared: makeShared(max),
      warm,
    };
    return spawnOf(this.#spawner());
  }

  /** Has the guest found by its threads. */
  #prepare() {
    this.#prepared = guestOf(this.#number);
    for (const { native } of Object.values(this.#options.collected ?? {})) {
      this.#prepared.stopWhenFull(native);
    }
    this.#guest.token = this.#prepared.token;
    this.#group = new ThreadGroup(this.#guest);
  }

  /**
   * Runs the guest's `_start` in a thread of its own, in which others can end it.
   *
   * @param {number} [timeout] milliseconds
   * @returns {number} its exit code
   * @throws what ended it otherwise
   */
  start(timeout) {
    this.#prepare();
    try {
      this.#before.restore();
      const ended = runThreads(this.#prepared, this.#guest, { timeout });
      return this.#exitCodeOf(ended, timeout);
    } finally {
      leave(this.#number, true);
    }
  }

  #exitCodeOf({ reply, why }, timeout) {
    if (why !== undefined) throw timedOut(this.start, timeout);
    this.#checkOutputs();
    const { how, exitCode, isReturn, error } = reply;
    if (how !== 'exit') throw error;
    return isReturn || this.#returnsOnExit ? exitCode : this.#exit(exitCode);
  }

  #checkOutputs() {
    for (const [name, { native }] of Object.entries(
      this.#options.collected ?? {},
    )) {
      if (native.overflowed) throw maxBufferExceeded(this.start, name);
    }
  }

  /** Exits as the guest would in this thread, which ends the process. */
  #exit(exitCode) {
    const { how, value } = run(
      () => this.#procExit(exitCode),
      enter(this.#number),
    );
    if (how === 'throw') throw value;
    return exitCode;
  }

  /** The guest begins, in this thread. */
  begin() {
    if (this.#guest === undefined) return;
    this.#before = undefined;
    this.#prepare();
    avoidBaseline();
    this.#group.warm(this.#guest.warm);
    const timer = setInterval(() => this.#group.checkStarts(), LOOK).unref();
    void this.#group.outcome.over().then(() => {
      clearInterval(timer);
      this.#threadEnded();
    });
  }

  /** A thread has ended a guest that is called by this one. */
  #threadEnded() {
    const { how, exitCode, error } = this.#group.outcome.value;
    this.#group.terminate();
    stop(this.#number, exitCode ?? 0);
    if (how === 'exit') {
      if (!this.#returnsOnExit) this.#exit(exitCode);
      return;
    }
    // As Node does with what a worker throws and nobody catches.
    nextTick(() => {
      throw error;
    });
  }

  /** The host has ended the guest. */
  end() {
    if (this.#group === undefined) return;
    this.#returnsOnExit = true;
    this.#group.outcome.end({ how: 'exit', exitCode: 0 });
    this.#group.terminate();
  }
}

module.exports = { InstanceThreads };
