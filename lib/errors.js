'use strict';

const { inspect } = require('node:util');

// Programs match on Node's errors: on `code`, on the message, and in logs on
// the first line of the stack. So each error built here has all of them as
// Node's own errors have: `code` is an own enumerable property, `name` and
// `constructor` are those of the base class, and the code is in square brackets
// in the stack and in the result of toString().

/** The error class of `Base` for `code`, made once for each pair in use. */
function classWithCode(Base, code) {
  const CodedError = class extends Base {
    toString() {
      return `${this.name} [${code}]: ${this.message}`;
    }
  };
  // Node hides its subclass, so that `error.constructor === TypeError` holds.
  Object.defineProperty(CodedError.prototype, 'constructor', {
    __proto__: null,
    value: Base,
    configurable: true,
  });
  return CodedError;
}

/**
 * Captures the stack again, with the code in its first line.
 *
 * Engines take that line from `name` when the stack is captured or first read, so
 * `name` has the code until both are done.
 */
function stampStack(error, code, above) {
  Object.defineProperty(error, 'name', {
    __proto__: null,
    value: `${error.name} [${code}]`,
    configurable: true,
  });
  Error.captureStackTrace?.(error, above);
  void error.stack;
  delete error.name;
}

/** Returns a function that builds the errors of one code. */
function errorFactory(Base, code, describe) {
  const CodedError = classWithCode(Base, code);
  /**
   * @param {Function} [above] the stack begins above this function
   */
  return function makeError(above = makeError, ...details) {
    const error = new CodedError();
    error.code = code;
    Object.defineProperty(error, 'message', {
      __proto__: null,
      value: describe(...details),
      writable: true,
      configurable: true,
    });
    stampStack(error, code, above);
    return error;
  };
}

/** How Node names a value of the wrong type. */
function describeReceived(value) {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'function':
      return `function ${value.name}`;
    case 'object': {
      // The value is the caller's: its constructor may be anything at all.
      const name = value.constructor?.name;
      return typeof name === 'string' && name !== ''
        ? `an instance of ${name}`
        : inspect(value, { depth: -1 });
    }
    case 'string':
      return `type string (${quote(value.length > 28 ? `${value.slice(0, 25)}...` : value)})`;
    case 'bigint':
      return `type bigint (${value}n)`;
    case 'number':
      return `type number (${Object.is(value, -0) ? '-0' : value})`;
    default:
      return `type ${typeof value} (${String(value)})`;
  }
}

function quote(text) {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`;
}

/**
 * A number as Node prints it in range errors: `10_000_000_000` above 2 ** 32.
 * The groups are counted blindly from the end, so that 1e21 is `1e_+21`.
 */
function describeNumber(value) {
  return Number.isInteger(value) && Math.abs(value) > 2 ** 32
    ? String(value).replace(/(?<=[^-])(?=(?:.{3})+$)/g, '_')
    : inspect(value);
}

/** As Node words it: a name with a dot or a bracket is a property, any other an argument. */
function kindOf(name) {
  return /[.[]/.test(name) ? 'property' : 'argument';
}

/**
 * `(above, name, expected, value, advice)`, `expected` as in "of type string". The
 * advice is a sentence that Node does not have.
 */
const invalidArgType = errorFactory(
  TypeError,
  'ERR_INVALID_ARG_TYPE',
  (name, expected, value, advice) => {
    const message = `The "${name}" ${kindOf(name)} must be ${expected}. Received ${describeReceived(value)}`;
    return advice === undefined ? message : `${message}. ${advice}`;
  },
);

/** `(above, name, reason, value)` */
const invalidArgValue = errorFactory(
  TypeError,
  'ERR_INVALID_ARG_VALUE',
  (name, reason, value) => {
    const shown = inspect(value);
    const received = shown.length > 128 ? `${shown.slice(0, 128)}...` : shown;
    const end = reason.endsWith('?') ? '' : '.';
    return `The ${kindOf(name)} '${name}' ${reason}${end} Received ${received}`;
  },
);

/** `(above, name, range, value)` */
const outOfRange = errorFactory(
  RangeError,
  'ERR_OUT_OF_RANGE',
  (name, range, value) =>
    `The value of "${name}" is out of range. It must be ${range}. Received ${describeNumber(value)}`,
);

/** `(above)` */
const alreadyStarted = errorFactory(
  Error,
  'ERR_WASI_ALREADY_STARTED',
  () => 'WASI instance has already started',
);

/** `(above, milliseconds)` */
const timedOut = errorFactory(
  Error,
  'ERR_SCRIPT_EXECUTION_TIMEOUT',
  (milliseconds) => `Script execution timed out after ${milliseconds}ms`,
);

/** `(above, size)` */
const fileTooLarge = errorFactory(
  RangeError,
  'ERR_FS_FILE_TOO_LARGE',
  (size) => `File size (${size}) is greater than 2 GiB`,
);

/** `(above, path)` */
const removesDirectory = errorFactory(
  Error,
  'ERR_FS_EISDIR',
  (path) => `Path is a directory: rm returned EISDIR (is a directory) ${path}`,
);

/** `(above)` */
const illegalConstructor = errorFactory(
  TypeError,
  'ERR_ILLEGAL_CONSTRUCTOR',
  () => 'Illegal constructor',
);

const archiveError = errorFactory(
  Error,
  'ERR_WASI_INVALID_ARCHIVE',
  ({ problem, member }, path) => {
    const what = member === undefined ? problem : `'${member}' ${problem}`;
    return `Cannot read ${path === undefined ? 'the archive' : quote(path)}: ${what}`;
  },
);

/**
 * @param {Function} above
 * @param {{ problem: string, member?: string }} wrong
 * @param {string} [path]
 * @param {Error} [cause]
 */
function invalidArchive(above, wrong, path, cause) {
  const error = archiveError(above, wrong, path);
  if (path !== undefined) error.path = path;
  if (wrong.member !== undefined) error.member = wrong.member;
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The error of node:child_process for an aborted signal. */
function abortError(reason) {
  const error = new Error('The operation was aborted', { cause: reason });
  Object.defineProperty(error, 'name', {
    __proto__: null,
    value: 'AbortError',
    writable: true,
    configurable: true,
  });
  error.code = 'ABORT_ERR';
  return error;
}

/** `(above, reason)` */
const invalidState = errorFactory(
  Error,
  'ERR_INVALID_STATE',
  (reason) => `Invalid state: ${reason}`,
);

/** `(above, expected, name, value)`: `value` is what the function `name` returned */
const invalidReturnValue = errorFactory(
  TypeError,
  'ERR_INVALID_RETURN_VALUE',
  (expected, name, value) =>
    `Expected ${expected} to be returned from the "${name}" function but got ${describeReceived(value)}.`,
);

/** `(above, stream)` */
const maxBufferExceeded = errorFactory(
  RangeError,
  'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
  (stream) => `${stream} maxBuffer length exceeded`,
);

/** `(above)` */
const noSuspending = errorFactory(
  Error,
  'ERR_WASI_NO_SUSPENDING',
  () =>
    `To suspend a guest takes WebAssembly.Suspending, which Node.js has from version 24 on: this is ${process.version}`,
);

/** `(above)` */
const notStarted = errorFactory(
  Error,
  'ERR_WASI_NOT_STARTED',
  () => 'wasi.start() has not been called',
);

/** `(above)` */
const poolClosed = errorFactory(
  Error,
  'ERR_WASI_POOL_CLOSED',
  () => 'The pool is closed',
);

/** `(above)` */
const prematureClose = errorFactory(
  Error,
  'ERR_STREAM_PREMATURE_CLOSE',
  () => 'Premature close',
);

/** `(above, encoding)` */
const unknownEncoding = errorFactory(
  TypeError,
  'ERR_UNKNOWN_ENCODING',
  (encoding) => `Unknown encoding: ${encoding}`,
);

/** `(above, reason)` */
const unsupportedProgram = errorFactory(
  Error,
  'ERR_WASI_UNSUPPORTED_PROGRAM',
  (reason) => reason,
);

module.exports = {
  abortError,
  alreadyStarted,
  fileTooLarge,
  illegalConstructor,
  invalidArchive,
  invalidArgType,
  invalidArgValue,
  invalidReturnValue,
  invalidState,
  maxBufferExceeded,
  noSuspending,
  notStarted,
  outOfRange,
  poolClosed,
  prematureClose,
  removesDirectory,
  timedOut,
  unknownEncoding,
  unsupportedProgram,
};
