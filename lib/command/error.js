'use strict';

const { getSystemErrorMap } = require('node:util');

/** What the command reports in one line, without a stack, before it ends. */
class CommandError extends Error {}

/** What the system says about a failed call, without Node's decoration. */
function systemReason(error) {
  return getSystemErrorMap?.().get(error.errno)?.[1] ?? error.message;
}

module.exports = { CommandError, systemReason };
