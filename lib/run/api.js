'use strict';

// What programs call. An import of the package loads this file, whatever it uses,
// so each of these loads what it takes when it is called.

function run(program, options) {
  return require('./run').run(program, options);
}

function runSync(program, options) {
  return require('./sync').runSync(program, options);
}

function spawn(program, options) {
  return require('./child').spawn(program, options);
}

/** Workers that are kept warm, for `run()` and `spawn()`. */
class Pool {
  constructor(options) {
    require('./pool').openPool(this, options);
  }

  async run(program, options) {
    return require('./run').runIn(this, program, options);
  }

  spawn(program, options) {
    return require('./child').spawnIn(this, program, options);
  }

  close() {
    return require('./pool').closePool(this);
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
