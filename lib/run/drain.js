'use strict';

// From the pipe that a guest writes to what a user gives for its output.

const { prematureClose } = require('../errors');
const { whenEnded } = require('./when-ended');

function isNodeStream(sink) {
  return typeof sink?.write === 'function' && typeof sink.on === 'function';
}

function isWebStream(sink) {
  return typeof sink?.getWriter === 'function';
}

/** Whether a value can take what a guest writes. */
function isSink(sink) {
  return typeof sink === 'function' || isNodeStream(sink) || isWebStream(sink);
}

/**
 * Hands what a guest writes on, and no sooner than it is wanted. The sink is not
 * ended: there may be more to come, of other guests or of the host.
 *
 * @param {(error: unknown) => void} onError of the sink, or what it threw
 * @returns {Promise<void>} settles when all has been taken, or no more is; it
 *   never rejects
 */
function drain(socket, sink, onError) {
  // The host's end of a pipe, of which nobody else has to know.
  socket.on('error', () => {});
  const fail = (error) => {
    socket.destroy();
    onError(error);
  };
  if (typeof sink === 'function') return drainToFunction(socket, sink, fail);
  if (isNodeStream(sink)) return drainToStream(socket, sink, fail);
  return drainToWebStream(socket, sink, fail);
}

function drainToFunction(socket, sink, fail) {
  const { promise, resolve } = withResolver();
  // The socket can end while it is paused.
  let isTaking = false;
  const resolveIfOver = () => {
    if (socket.destroyed && !isTaking) resolve();
  };
  const onTaken = () => {
    isTaking = false;
    socket.resume();
    resolveIfOver();
  };
  const onFailed = (error) => {
    isTaking = false;
    fail(error);
    resolve();
  };
  socket.once('close', resolveIfOver);
  socket.on('data', (chunk) => {
    try {
      const taken = sink(chunk);
      if (typeof taken?.then !== 'function') return;
      isTaking = true;
      socket.pause();
      taken.then(onTaken, onFailed);
    } catch (error) {
      onFailed(error);
    }
  });
  return promise;
}

/** Those who write to a stream, by stream: it has one listener for all of them. */
const writers = new WeakMap();

/**
 * Hears when a stream takes more, and when it takes no more.
 *
 * @param {{ onDrain: () => void, onEnd: (error: unknown) => void }} writer
 * @returns {() => void} ends it
 */
function listen(sink, writer) {
  const all = writers.get(sink) ?? startListening(sink);
  all.add(writer);
  return () => {
    all.delete(writer);
    if (all.size === 0) all.stop();
  };
}

function startListening(sink) {
  const all = new Set();
  const onDrain = () => all.forEach((writer) => writer.onDrain());
  const stopWatching = whenEnded(sink, { readable: false }, (error) => {
    const reason = error ?? prematureClose(listen);
    all.forEach((writer) => writer.onEnd(reason));
  });
  sink.on('drain', onDrain);
  all.stop = () => {
    stopWatching();
    sink.off('drain', onDrain);
    writers.delete(sink);
  };
  writers.set(sink, all);
  return all;
}

function drainToStream(socket, sink, fail) {
  const { promise, resolve } = withResolver();
  let pending = 0;
  const leaveIfOver = () => {
    if (pending > 0 || !socket.destroyed) return;
    stopListening();
    resolve();
  };
  const stopListening = listen(sink, {
    onDrain: () => socket.resume(),
    onEnd(error) {
      pending = 0;
      fail(error);
      leaveIfOver();
    },
  });
  const onWritten = (error) => {
    // The event that follows it is listened for still: without, it would end the process.
    if (error) {
      fail(error);
      return;
    }
    pending--;
    leaveIfOver();
  };
  socket.once('close', leaveIfOver);
  socket.on('data', (chunk) => {
    try {
      pending++;
      if (!sink.write(chunk, onWritten)) socket.pause();
    } catch (error) {
      fail(error);
    }
  });
  return promise;
}

function withResolver() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function drainToWebStream(socket, sink, fail) {
  let writer;
  let isOver = false;
  const failUnlessOver = (error) => {
    if (!isOver) fail(error);
  };
  try {
    writer = sink.getWriter();
    const ended = () => failUnlessOver(prematureClose(ended));
    writer.closed.then(ended, failUnlessOver);
    let written;
    for await (const chunk of socket) {
      await writer.ready;
      written = writer.write(chunk);
      // It is waited for when the next one is, or at the end.
      written.catch(() => {});
    }
    await written;
  } catch (error) {
    failUnlessOver(error);
  } finally {
    isOver = true;
    writer?.releaseLock();
  }
}

module.exports = { drain, isSink };
