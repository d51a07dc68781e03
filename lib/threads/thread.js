'use strict';

// One thread of a guest.

const { instantiate, isTrap } = require('../run/guest');
const { loadBinding } = require('../core');
const { spawnOf } = require('./group');

const { attach, enter, leave, run, stop } = loadBinding();

/** A thread of a guest in this worker: its imports, over which each call has a new instance. */
class GuestThread {
  #guest;
  #group;
  #number;
  #native;
  #imports;

  constructor(guest, group) {
    this.#guest = guest;
    this.#group = group;
    this.#native = attach(guest.token, true, true);
    this.#number = this.#native.number;
    this.#native.setMemory(guest.memory.object);
  }

  /**
   * Makes an instance, and calls one of its exports.
   *
   * @param {(exports: WebAssembly.Exports) => void} body
   * @param {boolean} isFirst whether this is the first thread: when it returns, the guest is over
   */
  run(body, isFirst) {
    const begin = () => body(this.#instantiate().exports);
    const { how, value } = run(begin, enter(this.#number));
    const exitCode = leave(this.#number, false);
    if (how === 'throw') {
      this.#end({ how: isTrap(value) ? 'trap' : 'failure', error: value });
    } else if (how === 'exit' || isFirst) {
      this.#end({ how: 'exit', exitCode, isReturn: how === 'return' });
    }
    if (isFirst) leave(this.#number, true);
  }

  /** Ends the guest, and the waits of its other threads. */
  #end(outcome) {
    const isFirst = this.#group.outcome.end(outcome);
    if (isFirst) stop(this.#number, outcome.exitCode ?? 0);
  }

  #instantiate() {
    const { module } = this.#guest;
    if (this.#imports !== undefined) {
      return new WebAssembly.Instance(module, this.#imports);
    }
    return instantiate(this.#guest, this.#native, (wasi) => {
      this.#imports = this.#importsOver(wasi);
      return this.#imports;
    });
  }

  #importsOver(wasi) {
    const { module: from, name, object } = this.#guest.memory;
    const imports = { ...wasi, wasi: spawnOf(this.#group) };
    imports[from] = { ...imports[from], [name]: object };
    return imports;
  }
}

module.exports = { GuestThread };
