'use strict';

const { Result } = require('./guest');
const { EventEmitter } = require('node:events');

const { readRunOptions } = require('./options');
const { threadsOf } = require('./pool');
const { nameOf } = require('./program');
const { poolOf } = require('./run');
const { Task } = require('./task');
const { nextTick } = require('../core');

/**
 * Opens the streams of a child, which it has from the start. An error, such as that
 * there are no descriptors left, becomes an event, as with node:child_process.
 *
 * @returns {{ error: unknown } | undefined}
 */
function openStreams(stdio) {
  try {
    stdio.open();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** A guest with the interface of `ChildProcess` of node:child_process. */
class Child extends EventEmitter {
  stdin;
  stdout;
  stderr;
  stdio;
  exitCode = null;
  reason = null;
  exited;

  #plan;
  #task;
  #openSockets = 0;
  #isFinished = false;

  constructor(program, plan, pool) {
    super();
    this.#plan = plan;
    const { stdio } = plan;
    const opening = openStreams(stdio);
    this.stdio = stdio.sockets;
    [this.stdin, this.stdout, this.stderr] = this.stdio;
    for (const socket of this.stdio) this.#watch(socket);
    this.exited = new Promise((resolve) => {
      this.#task = new Task(program, plan, pool, {
        spawned: () => this.emit('spawn'),
        failed: (error) => this.emit('error', error),
        ended: () => this.#end(plan, resolve),
        finished: () => {
          this.#isFinished = true;
          this.#closeIfOver();
        },
      });
      if (opening !== undefined) this.#task.fail(opening.error);
    });
  }

  #watch(socket) {
    if (socket === null) return;
    this.#openSockets++;
    socket.once('close', () => {
      this.#openSockets--;
      this.#closeIfOver();
    });
  }

  #end(plan, resolve) {
    const { outcome } = this.#task;
    this.exitCode = outcome.exitCode;
    this.reason = outcome.reason;
    resolve(new Result(outcome, plan.stdio));
    // Output that nobody has begun to read is discarded, so that 'close' can come.
    nextTick(() => {
      for (const socket of this.stdio.slice(1)) {
        if (socket?.readable) socket.resume();
      }
    });
    if (outcome.reason !== 'error') {
      this.emit('exit', this.exitCode, this.reason);
    }
  }

  #closeIfOver() {
    if (this.#isFinished && this.#openSockets === 0) {
      this.emit('close', this.exitCode, this.reason);
    }
  }

  kill(cause) {
    return this.#task.end('kill', cause);
  }

  get sockets() {
    return this.#plan.listeners;
  }

  get killed() {
    return this.#task.wasKilled;
  }

  ref() {
    this.#task.ref();
    return this;
  }

  unref() {
    this.#task.unref();
    return this;
  }
}

// Node 20 has these symbols from 20.5 on.
if (Symbol.dispose) {
  Object.defineProperties(Child.prototype, {
    [Symbol.dispose]: {
      __proto__: null,
      value() {
        this.kill();
      },
      writable: true,
      configurable: true,
    },
    [Symbol.asyncDispose]: {
      __proto__: null,
      async value() {
        this.kill();
        await this.exited;
      },
      writable: true,
      configurable: true,
    },
  });
}

function spawn(program, options = {}) {
  const plan = readRunOptions(options, 'spawn', nameOf(program, true));
  // A guest may wait for another, so it must not wait for the thread of that.
  plan.isUrgent = plan.pool === undefined;
  return new Child(program, plan, poolOf(plan));
}

/** The method of a pool. */
function spawnIn(pool, program, options = {}) {
  const threads = threadsOf(pool, 'this');
  const plan = readRunOptions(options, 'pool.spawn', nameOf(program, true));
  return new Child(program, plan, threads);
}

module.exports = { spawn, spawnIn };
