'use strict';

// The error of run() and runSync().

/** The message for each reason. */
const REASONS = {
  __proto__: null,
  exit: ({ exitCode }) => `exited with code ${exitCode}`,
  trap: ({ error }) => `trapped: ${error?.message ?? 'uncaught exception'}`,
  timeout: () => 'was ended: its time was over (timeout)',
  cpuTime: () => 'was ended: its CPU time was over (cpuTime)',
  memory: () => 'was ended: it had more memory than maxMemory',
  maxBuffer: () => 'was ended: it wrote more than maxBuffer',
};

/** The calls that a guest was refused, which may be why it has failed. */
function explainRefused({ refused }) {
  return refused.length === 0
    ? ''
    : `. It has no capability for ${refused.join(', ')}, which it called`;
}

/** The error of run() for a guest that did not end with exit code 0. */
class WASIRunError extends Error {
  /** `last` is the end of what the guest wrote to standard error. */
  constructor(name, result, last) {
    const { error, reason } = result;
    const message = `${name} ${REASONS[reason](result)}${explainRefused(result)}`;
    super(
      last === '' ? message : `${message}\n${last}`,
      error === undefined ? {} : { cause: error },
    );
    this.code = 'ERR_WASI_RUN';
    this.result = result;
  }
}

Object.defineProperty(WASIRunError.prototype, 'name', {
  __proto__: null,
  value: 'WASIRunError',
  writable: true,
  configurable: true,
});

module.exports = { WASIRunError };
