'use strict';

// From what a user gives as standard input to the pipe that a guest reads.

const { once } = require('node:events');

const { bufferOf, checkThere, isBytes } = require('../bytes');
const { invalidArgType } = require('../errors');
const { whenEnded } = require('./when-ended');

function isNodeStream(source) {
  return typeof source?.pipe === 'function' && typeof source.on === 'function';
}

function isWebStream(source) {
  return typeof source?.getReader === 'function';
}

function isIterable(source) {
  return (
    typeof source?.[Symbol.asyncIterator] === 'function' ||
    typeof source?.[Symbol.iterator] === 'function'
  );
}

/** Whether a value gives what it has when it has it. */
function isAwaited(source) {
  return (
    isNodeStream(source) ||
    isWebStream(source) ||
    typeof source?.[Symbol.asyncIterator] === 'function'
  );
}

/** Whether a value can be fed to a guest, piece by piece. */
function isSource(source) {
  return isNodeStream(source) || isWebStream(source) || isIterable(source);
}

/** What a stream of Node can write. */
function chunkOf(chunk) {
  if (typeof chunk === 'string') return chunk;
  if (chunk instanceof Uint8Array) {
    checkThere(chunk, 'options.stdin');
    return chunk;
  }
  if (isBytes(chunk)) return bufferOf(chunk, 'options.stdin');
  throw invalidArgType(
    chunkOf,
    'options.stdin',
    'a source of strings or bytes',
    chunk,
  );
}

/** A listener, for what it takes to have one. */
function keep() {}

/**
 * Holds a stream until its guest begins: an error that nobody hears of would end
 * the process, and what a child process wrote is thrown away when it exits and
 * nobody has begun to read.
 *
 * @returns {(() => void) | undefined} lets go of it
 */
function hold(source, onError) {
  if (!isNodeStream(source)) return undefined;
  source.on('readable', keep);
  const stopWatching = whenEnded(source, { writable: false }, (error) => {
    if (error) onError(error);
  });
  return () => {
    stopWatching();
    source.off('readable', keep);
  };
}

/**
 * Feeds a guest until the source ends, or the guest reads no more. Then the
 * source is left as it is: what it has still belongs to the user.
 *
 * @param {(error: unknown) => void} onError of the source
 * @returns {() => void} ends it
 */
function feed(source, socket, onError) {
  // A guest that reads no more is no error.
  socket.on('error', () => {});
  const fail = (error) => {
    socket.destroy();
    onError(error);
  };
  if (isNodeStream(source)) return feedStream(source, socket, fail);
  void feedIterable(source, socket, fail);
  return () => socket.destroy();
}

function feedStream(source, socket, fail) {
  const onData = (chunk) => {
    try {
      if (!socket.write(chunkOf(chunk))) source.pause();
    } catch (error) {
      fail(error);
    }
  };
  const onDrain = () => source.resume();
  const letGo = () => {
    stopWatching();
    source.off('data', onData);
    socket.off('drain', onDrain);
    // With nobody else to take it, more would be lost.
    if (source.listenerCount('data') === 0) source.pause();
  };
  const stopWatching = whenEnded(source, { writable: false }, (error) => {
    if (socket.destroyed) return;
    if (error) fail(error);
    else socket.end();
  });
  socket.on('drain', onDrain);
  socket.once('close', letGo);
  source.on('data', onData);
  return () => {
    socket.destroy();
    letGo();
  };
}

/** Without a return() that would end what the user may go on reading. */
function iteratorOf(source) {
  if (isWebStream(source)) return source.values({ preventCancel: true });
  return source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]();
}

async function feedIterable(source, socket, fail) {
  try {
    const iterator = iteratorOf(source);
    const onClose = () => leave(iterator);
    socket.once('close', onClose);
    for (;;) {
      const { value, done } = await iterator.next();
      if (socket.destroyed) return;
      if (done) {
        // It knows.
        socket.off('close', onClose);
        socket.end();
        return;
      }
      if (!socket.write(chunkOf(await value))) await roomIn(socket);
    }
  } catch (error) {
    if (!socket.destroyed) fail(error);
  }
}

/** When more can be written, or never. */
async function roomIn(socket) {
  await Promise.race([
    once(socket, 'drain').catch(() => {}),
    new Promise((resolve) => socket.once('close', resolve)),
  ]);
}

/** Tells an iterator that no more is wanted, as `break` does. */
async function leave(iterator) {
  try {
    await iterator.return?.();
  } catch {
    // The guest is over, and nobody is left to tell.
  }
}

module.exports = { feed, hold, isAwaited, isSource };
