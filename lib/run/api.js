'use strict';

// What programs call. An import of the package loads this file, whatever it uses,
// so the rest is loaded when the first of these is called.

const parts = () => require('./index');

function run(program, options) {
  return parts().run(program, options);
}

function runSync(program, options) {
  return parts().runSync(program, options);
}

function spawn(program, options) {
  return parts().spawn(program, options);
}

/** Workers that are kept warm, for `run()` and `spawn()`. */
class Pool {
  constructor(options) {
    parts().openPool(this, options);
  }

  async run(program, options) {
    return parts().runIn(this, program, options);
  }

  spawn(program, options) {
    return parts().spawnIn(this, program, options);
  }

  close() {
    return parts().closePool(this);
  }
}

// Node 20 has it from 20.5 on.
if (Symbol.asyncDispose) {
  Object.defineProperty(Pool.prototype, Symbol.asyncDispose, {
    __proto__: null,
    value() {
      return this.close();
    },
    writable: true,
    configurable: true,
  });
}

module.exports = { Pool, run, runSync, spawn };
