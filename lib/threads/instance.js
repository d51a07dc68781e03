'use strict';

// The threads of the guest of an instance of the class WASI.

const {
  clearInterval,
  loadBinding,
  nextTick,
  setInterval,
} = require('../core');
const {
  invalidState,
  maxBufferExceeded,
  notStarted,
  timedOut,
} = require('../errors');
const { ThreadGroup, makeShared, spawnOf } = require('./group');
const { avoidBaseline } = require('./liftoff');
const { MemoryBefore } = require('./memory-before');
const { runThreads } = require('./start');

const { enter, guestOf, leave, run, stop } = loadBinding();

/** Milliseconds between two checks that workers start. */
const START_INTERVAL = 1000;

class InstanceThreads {
  #options;
  #number;
  /** The guest's `proc_exit`. */
  #procExit;
  #returnsOnExit;
  /** The guest for `ThreadGroup`, once its module is known. */
  #guest;
  /** A copy of its memory from that time. */
  #before;
  #prepared;
  /** The threads that this thread spawns. */
  #group;

  constructor(options, { number, procExit }, returnsOnExit) {
    this.#options = options;
    this.#number = number;
    this.#procExit = procExit;
    this.#returnsOnExit = returnsOnExit;
  }

  /** Whether the module of the guest has threads. */
  get isUsed() {
    return this.#guest !== undefined;
  }

  /** The import `wasi` for a module that does not import thread-spawn. */
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
   * Sets the module of the guest.
   *
   * @returns {object} the import `wasi`
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

  /** Registers the guest, so that its threads find it by its token. */
  #prepare() {
    this.#prepared = guestOf(this.#number);
    for (const { native } of Object.values(this.#options.collected ?? {})) {
      this.#prepared.stopWhenFull(native);
    }
    this.#guest.token = this.#prepared.token;
    this.#group = new ThreadGroup(this.#guest);
  }

  /**
   * Runs the guest's `_start` in a worker, which can be terminated.
   *
   * @param {number} [timeout] milliseconds
   * @returns {number} its exit code
   * @throws the error that ended the guest, if it did not exit
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

  /** Exits as a guest in this thread does, which ends the process. */
  #exit(exitCode) {
    const { how, value } = run(
      () => this.#procExit(exitCode),
      enter(this.#number),
    );
    if (how === 'throw') throw value;
    return exitCode;
  }

  /** Called before a reactor's exports are called in this thread. */
  begin() {
    if (this.#guest === undefined) return;
    this.#before = undefined;
    this.#prepare();
    avoidBaseline();
    this.#group.warm(this.#guest.warm);
    const timer = setInterval(
      () => this.#group.checkStarts(),
      START_INTERVAL,
    ).unref();
    void this.#group.outcome.over().then(() => {
      clearInterval(timer);
      this.#threadEnded();
    });
  }

  /** Called when another thread has ended the guest. */
  #threadEnded() {
    const { how, exitCode, error } = this.#group.outcome.value;
    this.#group.terminate();
    stop(this.#number, exitCode ?? 0);
    if (how === 'exit') {
      if (!this.#returnsOnExit) this.#exit(exitCode);
      return;
    }
    // As Node does with an uncaught exception of a worker.
    nextTick(() => {
      throw error;
    });
  }

  /** Called when the host has closed the guest. */
  end() {
    if (this.#group === undefined) return;
    this.#returnsOnExit = true;
    this.#group.outcome.end({ how: 'exit', exitCode: 0 });
    this.#group.terminate();
  }
}

module.exports = { InstanceThreads };
