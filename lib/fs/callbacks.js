'use strict';

// The functions of node:fs with a callback. They work synchronously; the callback is called later all the
// same, since programs expect that.

const { validateFunction } = require('../validators');
const { DEFAULT_BUFFER } = require('./arguments');

/** Functions without a form with a callback of this kind. */
const WITHOUT = new Set(['existsSync']);

/** Whether an error is about the arguments: it is thrown, and the callback is not called. */
function isOfArguments({ code }) {
  return (
    typeof code === 'string' && /^ERR_(?:INVALID_|OUT_OF_RANGE)/.test(code)
  );
}

/** Calls a function, and later the callback with its error or, by `values`, its result. */
function callLater(callback, call, values) {
  let results;
  try {
    results = values(call());
  } catch (error) {
    if (isOfArguments(error)) throw error;
    process.nextTick(callback, error);
    return;
  }
  process.nextTick(callback, null, ...results);
}

/** The arguments of a callback: none for a function that returns nothing. */
const single = (result) => (result === undefined ? [] : [result]);

function withCallback(sync, values = single) {
  return (...args) => {
    const callback = validateFunction(args.pop(), 'cb');
    callLater(
      callback,
      () => sync(...args),
      (result) => values(result, ...args),
    );
  };
}

/** Calls the form with a callback if the last argument is one, else the other. */
function eitherWay(withOne, without) {
  return (...args) =>
    typeof args.at(-1) === 'function' ? withOne(...args) : without(...args);
}

/**
 * `open`, `close`, `read` and `write` are synchronous without a callback.
 *
 * @param {object} sync the functions of `node:fs` whose names end in Sync
 * @param {(fd: number, most?: number) => Buffer} readUpTo
 */
function callbacks(sync, readUpTo) {
  const all = {};
  for (const [name, call] of Object.entries(sync)) {
    if (!WITHOUT.has(name)) all[name.replace(/Sync$/, '')] = withCallback(call);
  }
  all.realpath.native = all.realpath;
  all.exists = (path, callback) => {
    validateFunction(callback, 'cb');
    const exists = sync.existsSync(path);
    process.nextTick(callback, exists);
  };

  const read = withCallback(sync.readSync, (count, _, buffer) => [
    count,
    buffer,
  ]);
  const readWithBuffer = (fd, ...rest) => {
    const [first] = rest;
    if (ArrayBuffer.isView(first)) return read(fd, ...rest);
    const callback = rest.pop();
    const { buffer = Buffer.alloc(DEFAULT_BUFFER), ...options } = rest[0] ?? {};
    return read(fd, buffer, options, callback);
  };
  const readNow = (fd, ...rest) =>
    ArrayBuffer.isView(rest[0])
      ? sync.readSync(fd, ...rest)
      : readUpTo(fd, rest[0]);
  const write = withCallback(sync.writeSync, (count, _, data) => [count, data]);

  return {
    ...all,
    open: eitherWay(all.open, sync.openSync),
    close: eitherWay(all.close, sync.closeSync),
    read: eitherWay(readWithBuffer, readNow),
    write: eitherWay(write, sync.writeSync),
  };
}

module.exports = { callbacks };
