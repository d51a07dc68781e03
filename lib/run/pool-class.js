'use strict';

// Every ES module that imports the package loads this file, so each method loads what it
// needs when it is called.

/** Workers that are kept for further guests, for `run()` and `spawn()`. */
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

// Node 20 has this symbol from 20.5 on.
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

module.exports = { Pool };
