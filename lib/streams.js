'use strict';

// Standard streams of `new WASI()` that are not descriptors of the process.

const { DEFAULT_MAX_BUFFER, loadBinding } = require('./core');
const { bufferOf, isBytes } = require('./bytes');
const {
  invalidArgType,
  invalidArgValue,
  maxBufferExceeded,
} = require('./errors');
const { validateBytes, validateFd } = require('./validators');

const { Stdio } = loadBinding();

const STREAMS = ['stdin', 'stdout', 'stderr'];
const WORDS = new Set(['pipe', 'inherit', 'ignore']);

/**
 * Checks the value of a standard stream. One that is not valid here either has Node's
 * error.
 *
 * @param {'stdin' | 'stdout' | 'stderr'} stream
 */
function validateStream(value, stream) {
  const isOurs =
    typeof value === 'function' ||
    WORDS.has(value) ||
    (stream === 'stdin' && isBytes(value)) ||
    isAwaited(value, stream);
  return isOurs ? value : validateFd(value, `options.${stream}`);
}

/**
 * Whether a value is a stream of Node or the Web, or an asynchronous iterable. A guest
 * must be suspended to wait for it, which not every engine can do.
 */
function isAwaited(value, stream) {
  if (typeof value !== 'object' || value === null || isBytes(value)) {
    return false;
  }
  const isIt =
    stream === 'stdin'
      ? require('./run/feed').isAwaited(value)
      : require('./run/drain').isSink(value);
  if (isIt) require('./suspending/suspender').checkSuspending();
  return isIt;
}

/** Reads `input`, which is for a `stdin` that is `'pipe'` or not given. */
function readInput(input, stdin) {
  if (stdin !== undefined && stdin !== 'pipe') {
    const reason = "is for a stdin that is 'pipe'";
    throw invalidArgValue(readInput, 'options.input', reason, input);
  }
  if (typeof input === 'string') return Buffer.from(input);
  if (isBytes(input)) return bufferOf(input, 'options.input');
  const expected = 'a string or bytes';
  throw invalidArgType(readInput, 'options.input', expected, input);
}

/** The buffered output of a guest, as one Buffer. */
class Collected {
  #native;
  #bytes = Buffer.alloc(0);

  constructor(native) {
    this.#native = native;
  }

  /** The native half, to which the guest writes. */
  get native() {
    return this.#native;
  }

  get bytes() {
    const more = this.#native.take();
    if (more.length > 0) {
      this.#bytes =
        this.#bytes.length === 0 ? more : Buffer.concat([this.#bytes, more]);
    }
    return this.#bytes;
  }
}

/**
 * Opens the standard streams of a guest.
 *
 * @param {{ stdin: unknown, stdout: unknown, stderr: unknown }} streams those
 *   that `validateStream()` has accepted
 * @param {{ input?: unknown, maxBuffer?: unknown }} options
 * @returns the guest's end of each; `kept`, functions that must live as long as the
 *   guest; `collected`, the buffered outputs; and `awaited`, the streams for which it is
 *   suspended
 */
function openStreams(streams, { input, maxBuffer = DEFAULT_MAX_BUFFER }) {
  const most = validateBytes(maxBuffer, 'options.maxBuffer');
  const bytes =
    input === undefined ? undefined : readInput(input, streams.stdin);
  const opened = { kept: [], collected: {}, awaited: [] };
  for (const [index, stream] of STREAMS.entries()) {
    const isInput = index === 0;
    const value = isInput && bytes !== undefined ? bytes : streams[stream];
    opened[stream] = isInput
      ? openInput(value, opened)
      : openOutput(value, index, most, opened);
  }
  return opened;
}

/** Opens a stream for which the guest is suspended. */
function openAwaited(direction, stream, { kept, awaited }) {
  awaited.push(stream);
  kept.push(stream.serve);
  return Stdio.callback(direction, stream.serve, true);
}

function openInput(value = 0, opened) {
  const { kept } = opened;
  if (typeof value === 'number') return value;
  if (value === 'inherit') return 0;
  if (isBytes(value)) return Stdio.input(bufferOf(value, 'options.stdin'));
  if (typeof value === 'object') {
    const { Input } = require('./suspending/streams');
    return openAwaited('read', new Input(value), opened);
  }
  if (typeof value !== 'function') return Stdio.null();
  const serve = require('./js-stream').readBy(value, 'options.stdin');
  kept.push(serve);
  return Stdio.callback('read', serve);
}

function openOutput(value, index, maxBuffer, opened) {
  const { kept, collected } = opened;
  const stream = STREAMS[index];
  switch (value) {
    case 'inherit':
      return index;
    case 'ignore':
      return Stdio.null();
    case 'pipe': {
      const overflow = () => {
        throw maxBufferExceeded(overflow, stream);
      };
      kept.push(overflow);
      const native = Stdio.output(maxBuffer, overflow);
      collected[stream] = new Collected(native);
      return native;
    }
    default: {
      if (typeof value === 'number') return value;
      if (typeof value === 'object') {
        const { Output } = require('./suspending/streams');
        return openAwaited('write', new Output(value), opened);
      }
      const serve = require('./js-stream').writtenBy(
        value,
        `options.${stream}`,
      );
      kept.push(serve);
      return Stdio.callback('write', serve);
    }
  }
}

module.exports = { openStreams, validateStream };
