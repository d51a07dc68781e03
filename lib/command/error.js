'use strict';

/** What the command reports in one line, without a stack, before it ends. */
class CommandError extends Error {}

module.exports = { CommandError };
