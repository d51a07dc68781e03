'use strict';

const { lineOf } = require('./line');
const { tableOf } = require('./table');

/** A call that a guest has made, with which a function is called. As a string it is its line. */
class TraceCall {
  /** The version of WASI that the call is of. */
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
