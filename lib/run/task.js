'use strict';

// One guest on its way: from a program and options, through a thread of a pool,
// to how it ended.

const { abortError } = require('../errors');
const { hearAbort } = require('./abort');
const { STOPPED, guestOf, prepareGuest } = require('./prepare');
const { checkRunnable, load } = require('./program');
const { OVERRIDES, locate, outcomeOf, whyOf } = require('./result');
const {
  clearInterval,
  clearTimeout,
  nextTick,
  now,
  setInterval,
  setTimeout,
} = require('./timers');

/** The least milliseconds between two looks at how much CPU time a guest has used. */
const LOOK = 10;

/**
 * Milliseconds between two looks at what no thread of a guest says: that the native
 * side has ended it, or that a thread has died.
 */
const LOOK_AT_THREADS = 100;

/**
 * Milliseconds that what a guest wrote has to be taken when its time is over. A
 * stream that is stuck must not outlive that.
 */
const PATIENCE = 1000;

/** Reasons for which node:child_process calls kill(). */
const KILLS = new Set(['abort', 'cpuTime', 'kill', 'timeout']);

/** The longest that a timer can have. */
const AGES = 2 ** 31 - 1;

/**
 * A guest, by what its owner hears of it if it wants to, never from inside a
 * call:
 *
 * - `spawned()`: it runs
 * - `failed(error)`: something other than the guest went wrong, or its signal
 *   was aborted
 * - `ended()`: it is over, and `outcome` says how
 * - `finished()`: all that it wrote is where it should be
 */
class Task {
  /** Whether it was ended as node:child_process does it by kill(). */
  wasKilled = false;
  /** How it ended: `reason`, and `exitCode`, `error`, `entry` and `usage`. */
  outcome;

  #plan;
  #hears;
  #pool;
  #thread;
  #guest;
  /** Of a guest that may have threads, what they share. */
  #group;
  #module;
  #description;
  #trace;
  /** Why it is to end, from when it is told to until it does. */
  #why;
  #startTime;
  #timer;
  #cpuTimer;
  #threadTimer;
  #wait;
  #isRef = true;
  #stopHearing;
  #onStreamError = (error) => this.end('error', error);
  #onAbort = () => this.end('abort', abortError(this.#plan.signal.reason));

  constructor(program, plan, pool, hears) {
    this.#plan = plan;
    this.#pool = pool;
    this.#hears = hears;
    if (plan.signal?.aborted) this.#onAbort();
    else void this.#load(program);
  }

  async #load(program) {
    try {
      this.#pool.expect(this);
      const { signal, stdio } = this.#plan;
      if (signal) this.#stopHearing = hearAbort(signal, this.#onAbort);
      stdio.hold(this.#onStreamError);
      const { name, maxMemory } = this.#plan;
      this.#module = await load(program, maxMemory);
      if (this.outcome !== undefined) return;
      this.#description = checkRunnable(this.#module, name, this.#plan);
      // What waits for a thread has nothing else that keeps the process alive.
      this.#wait = setInterval(() => {}, AGES);
      if (!this.#isRef) this.#wait.unref();
      this.#pool.submit(this, this.#plan.isUrgent);
    } catch (error) {
      // One that is over has no use for its program.
      if (this.outcome === undefined) this.fail(error);
    }
  }

  /**
   * Opens what the guest is given.
   *
   * @returns {object} what its thread has to know
   * @throws what does not open
   */
  prepare() {
    this.#plan.stdio.open();
    this.#guest = prepareGuest(this.#plan);
    const { trace } = this.#plan.native;
    if (trace !== undefined) this.#trace = require('./trace').hearTrace(trace);
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

  /** It has made a call that is told here. */
  traced(call, version) {
    try {
      this.#trace.hear(call, version);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The guest begins. */
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
    this.#tell('spawned');
    stdio.start(this.#onStreamError);
  }

  /** Where one thread ends the guest, the first may still compute, or wait for another. */
  async #watchThreads() {
    const end = () => {
      if (this.outcome === undefined) this.#thread.endSoon();
    };
    this.#threadTimer = setInterval(() => {
      this.#group.checkStarts();
      if (this.#guest.hasStopped) end();
    }, LOOK_AT_THREADS).unref();
    await this.#group.outcome.over();
    end();
  }

  /** Its time is over, and that of those who take what it wrote in a moment. */
  #timeOut() {
    this.end('timeout');
    this.#timer = setTimeout(() => {
      if (!OVERRIDES.has(this.outcome?.reason)) {
        this.outcome = { ...this.outcome, exitCode: null, reason: 'timeout' };
      }
      this.#plan.stdio.destroy();
    }, PATIENCE);
  }

  /** Ends it at a time that cannot be before it has used up what is left. */
  #watchCpuTime(most) {
    const left = most - this.#guest.cpuTime;
    if (left <= 0) {
      this.end('cpuTime');
      return;
    }
    const again = Math.max(LOOK, Math.ceil(left));
    this.#cpuTimer = setTimeout(() => this.#watchCpuTime(most), again).unref();
  }

  /** To ref() a timer that is over would keep the process alive, for ever. */
  #endWait() {
    clearInterval(this.#wait);
    this.#wait = undefined;
  }

  /**
   * Ends it, if it is not over yet. What comes first is the reason.
   *
   * @returns {boolean} whether it was not over yet
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

  /** It cannot be run. */
  fail(error) {
    this.end('error', error);
  }

  /** What its thread says of its end. */
  replied(reply) {
    const { overflowed } = this.#plan.stdio;
    const why = this.#why ?? whyOf(this.#guest);
    // It may have come to something in another thread than its first.
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
    // Before it is closed: what a thread that is still to end goes on to use is not asked.
    const { cpuTime = 0, refused = [] } = this.#guest ?? {};
    if (this.#guest === undefined) stdio.discard();
    else this.#guest.close();
    stdio.endInput();
    // As with node:child_process. What collects output can be let go of later, too.
    if (this.#plan.how === 'spawn') this.#stopHearing?.();
    this.outcome = {
      ...outcome,
      entry: this.#description?.entry ?? null,
      refused,
      usage: { wallTime: this.#wallTime, cpuTime },
    };
    if (outcome.reason === 'trap') locate(outcome.error, this.#module);
    this.#module = undefined;
    if (OVERRIDES.has(outcome.reason)) {
      this.#tell('failed', outcome.error);
      stdio.destroy();
    }
    this.#tell('ended');
    void this.#finish(stdio);
  }

  /** Milliseconds since it began. */
  get #wallTime() {
    if (this.#startTime === undefined) return 0;
    return now() - this.#startTime;
  }

  async #finish(stdio) {
    await stdio.finished();
    clearTimeout(this.#timer);
    this.#stopHearing?.();
    this.#tell('finished');
  }

  /** The guest is over, but not all that it wrote has been taken. */
  #failLate(reason, error) {
    if (OVERRIDES.has(this.outcome.reason)) return;
    this.outcome = { ...this.outcome, exitCode: null, reason, error };
    this.#tell('failed', error);
    this.#plan.stdio.destroy();
  }

  #tell(what, ...details) {
    const hear = this.#hears[what];
    if (hear !== undefined) nextTick(hear, ...details);
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
