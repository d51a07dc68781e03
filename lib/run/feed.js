'use strict';

// Copies standard input from a stream or iterable to the pipe that a guest reads.

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

/** Whether a value is asynchronous: it has to be awaited. */
function isAwaited(source) {
  return (
    isNodeStream(source) ||
    isWebStream(source) ||
    typeof source?.[Symbol.asyncIterator] === 'function'
  );
}

/** Whether a value is a stream or an iterable. */
function isSource(source) {
  return isNodeStream(source) || isWebStream(source) || isIterable(source);
}

/** A chunk of a source, as a stream of Node can write it. */
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

/** A listener that does nothing: that there is one makes a stream keep its data. */
function keep() {}

/**
 * Holds a stream until its guest begins: an error without a listener would end the
 * process, and the output of a child process is discarded when it exits and nobody has
 * begun to read.
 *
 * @returns {(() => void) | undefined} releases it
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
 * Copies a source to a guest until the source ends, or the guest reads no more. Then
 * the source is left open: its owner may read on.
 *
 * @param {(error: unknown) => void} onError for errors of the source
 * @returns {() => void} stops copying
 */
function feed(source, socket, onError) {
  // It is no error if a guest stops reading.
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
    // A flowing stream without another listener would lose its data.
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

/** The iterator of a source. That of a stream of the Web does not cancel the stream. */
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
        // An iterator that is done needs no return().
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

/** Waits until more can be written, or the socket is closed. */
async function roomIn(socket) {
  await Promise.race([
    once(socket, 'drain').catch(() => {}),
    new Promise((resolve) => socket.once('close', resolve)),
  ]);
}

/** Calls an iterator's return(), as `break` does. */
async function leave(iterator) {
  try {
    await iterator.return?.();
  } catch {
    // The guest is over: nobody handles the error.
  }
}

module.exports = { feed, hold, isAwaited, isSource };
