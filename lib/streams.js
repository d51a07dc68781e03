'use strict';

// Standard streams of `new WASI()` that are no descriptors of the process.

const { loadBinding } = require('./binding');
const { bufferOf, isBytes } = require('./bytes');
const {
  invalidArgType,
  invalidArgValue,
  maxBufferExceeded,
} = require('./errors');
const { DEFAULT_MAX_BUFFER } = require('./options');
const { validateBytes, validateFd } = require('./validators');

const { Stdio } = loadBinding();

const STREAMS = ['stdin', 'stdout', 'stderr'];
const WORDS = new Set(['pipe', 'inherit', 'ignore']);

/**
 * Accepts what a standard stream may be. All that Node does not take either is
 * refused in its words.
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
 * Whether a guest has to wait for a stream, as for those of Node and the Web, which
 * takes an engine that can suspend it.
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

/** What the guest reads from a standard input that is `'pipe'`, or has not been said. */
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

/** What a guest has written to a stream, in one. */
class Collected {
  #native;
  #bytes = Buffer.alloc(0);

  constructor(native) {
    this.#native = native;
  }

  /** What collects it. */
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
 * @returns what the guest gets in the place of each; `kept`, functions that are
 *   there for as long as it is; what was `collected` of each output; and those
 *   that are `awaited`
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

/** A stream that the guest has to wait for. */
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
