'use strict';

// One run of a guest: loads the program, waits for a thread of a pool, and ends the
// guest when its options say so.

const { abortError } = require('../errors');
const { whenAborted } = require('./abort');
const {
  OVERRIDES,
  STOPPED,
  guestOf,
  outcomeOf,
  prepareGuest,
  whyOf,
} = require('./guest');
const { checkRunnable, load } = require('./program');
const { CPU_INTERVAL } = require('./times');
const {
  TIMEOUT_MAX,
  clearInterval,
  clearTimeout,
  nextTick,
  now,
  setInterval,
  setTimeout,
} = require('../core');

/**
 * Milliseconds between two checks for events that no thread of a guest reports: that
 * the native side has ended the guest, or that a thread has died.
 */
const THREADS_INTERVAL = 100;

/**
 * Milliseconds after the `timeout` until streams of the host that have not yet taken
 * the output are given up.
 */
const PATIENCE = 1000;

/** Reasons for which node:child_process calls kill(). */
const KILLS = new Set(['abort', 'cpuTime', 'kill', 'timeout']);

/**
 * A run of a guest. Its owner may have functions for its events, which are never
 * called synchronously:
 *
 * - `spawned()`: the guest has started
 * - `failed(error)`: something other than the guest failed, or its signal was
 *   aborted
 * - `ended()`: the guest has ended; `outcome` says how
 * - `finished()`: and the host has taken all of its output
 */
class Task {
  /** Whether it was ended for a reason for which node:child_process calls kill(). */
  wasKilled = false;
  /** How it ended: `reason`, `exitCode`, `error`, `entry`, `refused` and `usage`. */
  outcome;

  #plan;
  #listeners;
  #pool;
  #thread;
  #guest;
  /** The threads of the guest, if it may have any. */
  #group;
  #module;
  #description;
  #trace;
  /** Why the guest is being ended, if it is. */
  #why;
  #startTime;
  #timer;
  #cpuTimer;
  #threadTimer;
  #wait;
  #isRef = true;
  #stopListening;
  #onStreamError = (error) => this.end('error', error);
  #onAbort = () => this.end('abort', abortError(this.#plan.signal.reason));

  constructor(program, plan, pool, listeners) {
    this.#plan = plan;
    this.#pool = pool;
    this.#listeners = listeners;
    if (plan.signal?.aborted) this.#onAbort();
    else void this.#load(program);
  }

  async #load(program) {
    try {
      this.#pool.expect(this);
      const { signal, stdio } = this.#plan;
      if (signal) this.#stopListening = whenAborted(signal, this.#onAbort);
      stdio.hold(this.#onStreamError);
      const { name, maxMemory } = this.#plan;
      this.#module = await load(program, maxMemory);
      if (this.outcome !== undefined) return;
      this.#description = checkRunnable(this.#module, name, this.#plan);
      // Nothing else keeps the process alive while this waits for a thread.
      this.#wait = setInterval(() => {}, TIMEOUT_MAX);
      if (!this.#isRef) this.#wait.unref();
      this.#pool.submit(this, this.#plan.isUrgent);
    } catch (error) {
      // A guest that has been ended meanwhile does not need its program.
      if (this.outcome === undefined) this.fail(error);
    }
  }

  /**
   * Opens the streams, preopens and sockets of the guest.
   *
   * @returns {object} the guest, for its thread: see `guestOf()`
   * @throws if one of them cannot be opened
   */
  prepare() {
    this.#plan.stdio.open();
    this.#guest = prepareGuest(this.#plan);
    const { trace } = this.#plan.native;
    if (trace !== undefined)
      this.#trace = require('./trace').receiveTrace(trace);
    const { threads } = this.#plan;
    const guest = guestOf(this.#guest, this.#module, this.#description, {
      native: { trace: this.#trace?.trace },
      threads,
    });
    if (guest.shared !== undefined) {
      const { ThreadGroup } = require('../threads/group');
      const { avoidBaseline } = require('../threads/liftoff');
      avoidBaseline();
      this.#group = new ThreadGroup(guest);
    }
    return guest;
  }

  /** The guest has made a call that is traced in this thread. */
  traced(call, version) {
    try {
      this.#trace.receive(call, version);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The guest starts in a thread. */
  begin(thread) {
    const { cpuTime, stdio, timeout } = this.#plan;
    this.#thread = thread;
    this.#endWait();
    if (!this.#isRef) thread.unref();
    this.#startTime = now();
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => this.#timeOut(), timeout);
    }
    if (cpuTime !== undefined) this.#watchCpuTime(cpuTime);
    if (this.#group !== undefined) void this.#watchThreads();
    this.#emit('spawned');
    stdio.start(this.#onStreamError);
  }

  /** Ends the first thread when another has ended the guest: it may compute, or wait. */
  async #watchThreads() {
    const end = () => {
      if (this.outcome === undefined) this.#thread.endSoon();
    };
    this.#threadTimer = setInterval(() => {
      this.#group.checkStarts();
      if (this.#guest.hasStopped) end();
    }, THREADS_INTERVAL).unref();
    await this.#group.outcome.over();
    end();
  }

  /** Its `timeout` is over. Streams that have not taken its output have a second more. */
  #timeOut() {
    this.end('timeout');
    this.#timer = setTimeout(() => {
      if (!OVERRIDES.has(this.outcome?.reason)) {
        this.outcome = { ...this.outcome, exitCode: null, reason: 'timeout' };
      }
      this.#plan.stdio.destroy();
    }, PATIENCE);
  }

  /** Ends it when it has used up its CPU time; checks when that can be at the earliest. */
  #watchCpuTime(most) {
    const left = most - this.#guest.cpuTime;
    if (left <= 0) {
      this.end('cpuTime');
      return;
    }
    const again = Math.max(CPU_INTERVAL, Math.ceil(left));
    this.#cpuTimer = setTimeout(() => this.#watchCpuTime(most), again).unref();
  }

  /** Drops the timer, too: a ref() of one that is over would keep the process alive for ever. */
  #endWait() {
    clearInterval(this.#wait);
    this.#wait = undefined;
  }

  /**
   * Ends the guest, if it has not ended yet. The first reason counts.
   *
   * @returns {boolean} whether it had not ended yet
   */
  end(reason, error) {
    if (this.outcome !== undefined) {
      if (OVERRIDES.has(reason)) this.#failLate(reason, error);
      return false;
    }
    this.wasKilled ||= KILLS.has(reason);
    if (this.#thread === undefined) {
      this.#pool.cancel(this);
      this.#settle({ exitCode: null, reason, error });
      return true;
    }
    this.#why ??= { exitCode: null, reason, error };
    this.#guest.stop(STOPPED);
    this.#thread.endSoon();
    return true;
  }

  /** Something other than the guest failed. */
  fail(error) {
    this.end('error', error);
  }

  /** The thread of the guest has replied: the guest has ended. */
  replied(reply) {
    const { overflowed } = this.#plan.stdio;
    const why = this.#why ?? whyOf(this.#guest);
    // Another thread than its first may have ended it.
    const own = this.#group?.outcome.value ?? reply;
    this.#settle(outcomeOf(own, why, overflowed));
  }

  #settle(outcome) {
    clearTimeout(this.#cpuTimer);
    clearInterval(this.#threadTimer);
    if (this.#group !== undefined) {
      require('../threads/liftoff').allowBaseline();
    }
    this.#endWait();
    const { stdio } = this.#plan;
    // Read before it is closed: a thread that has yet to be terminated may use more.
    const { cpuTime = 0, refused = [] } = this.#guest ?? {};
    if (this.#guest === undefined) stdio.discard();
    else this.#guest.close();
    stdio.endInput();
    // From now on an abort has no effect, as with node:child_process. Of run(), it also
    // ends the wait for streams that take the output.
    if (this.#plan.how === 'spawn') this.#stopListening?.();
    this.outcome = {
      ...outcome,
      entry: this.#description?.entry ?? null,
      refused,
      usage: { wallTime: this.#wallTime, cpuTime },
    };
    if (outcome.reason === 'trap') {
      require('../backtrace').addPlaces(outcome.error, this.#module);
    }
    this.#module = undefined;
    if (OVERRIDES.has(outcome.reason)) {
      this.#emit('failed', outcome.error);
      stdio.destroy();
    }
    this.#emit('ended');
    void this.#finish(stdio);
  }

  /** Milliseconds since it started. */
  get #wallTime() {
    if (this.#startTime === undefined) return 0;
    return now() - this.#startTime;
  }

  async #finish(stdio) {
    await stdio.finished();
    clearTimeout(this.#timer);
    this.#stopListening?.();
    this.#emit('finished');
  }

  /** Something fails after the guest has ended, while its output is being taken. */
  #failLate(reason, error) {
    if (OVERRIDES.has(this.outcome.reason)) return;
    this.outcome = { ...this.outcome, exitCode: null, reason, error };
    this.#emit('failed', error);
    this.#plan.stdio.destroy();
  }

  #emit(what, ...details) {
    const listener = this.#listeners[what];
    if (listener !== undefined) nextTick(listener, ...details);
  }

  ref() {
    this.#isRef = true;
    this.#wait?.ref();
    this.#thread?.ref();
  }

  unref() {
    this.#isRef = false;
    this.#wait?.unref();
    this.#thread?.unref();
  }
}

module.exports = { Task };
