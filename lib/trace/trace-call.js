'use strict';

const { lineOf } = require('./line');
const { tableOf } = require('./table');

/** A call that a guest has made: what a function is told. As a string it is a line. */
class TraceCall {
  /** That of WASI of which it is. */
  #version;

  constructor(fields, version) {
    Object.assign(this, fields);
    this.#version = version;
  }

  static versionOf(call) {
    return call.#version;
  }

  toString() {
    return lineOf(this, tableOf(this.#version).calls.get(this.name));
  }
}

module.exports = { TraceCall };
