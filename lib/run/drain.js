'use strict';

// Copies output from the pipe that a guest writes to a function or stream.

const { prematureClose } = require('../errors');
const { whenEnded } = require('./when-ended');

function isNodeStream(sink) {
  return typeof sink?.write === 'function' && typeof sink.on === 'function';
}

function isWebStream(sink) {
  return typeof sink?.getWriter === 'function';
}

/** Whether a value is a function or a writable stream. */
function isSink(sink) {
  return typeof sink === 'function' || isNodeStream(sink) || isWebStream(sink);
}

/**
 * Copies what a guest writes to a sink, with backpressure. The sink is not ended: other
 * guests or the host may write more.
 *
 * @param {(error: unknown) => void} onError for errors of the sink
 * @returns {Promise<void>} settles when the sink has taken all, or takes no more; it
 *   never rejects
 */
function drain(socket, sink, onError) {
  // Errors of the pipe itself are of no interest: it is closed after them.
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
  // The socket can close while the function has still to take the last chunk.
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

/** The writers of each stream, for which there is one set of listeners: Node warns of more than ten. */
const writers = new WeakMap();

/**
 * Calls a writer when its stream takes more, and when it takes no more.
 *
 * @param {{ onDrain: () => void, onEnd: (error: unknown) => void }} writer
 * @returns {() => void} stops that
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
    // The listeners stay: an 'error' event follows, which would end the process without one.
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
      // Its rejection is seen with the next write, or at the end.
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
