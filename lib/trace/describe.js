'use strict';

// The arguments and results of a call, as JavaScript values.

const { named } = require('./table');

/** The most elements of a list that are described: the default limit of subscriptions. */
const MOST = 4096;

/** Calls that write a string to a buffer, and the result with its length. */
const TEXTS = {
  __proto__: null,
  fd_prestat_dir_name: { buf: 'path' },
  path_readlink: { buf: 'buf', length: 'bufused' },
};

const unsigned = (value) => value >>> 0;

/** A `WASITracePointer`: a pointer and a length outside of memory. */
const nowhere = (pointer, length) => ({ pointer, length });

/** The buffers of a list. */
function buffers(memory, at, count) {
  return memory.array('Iovec', at, Math.min(count, MOST), (iovec) =>
    memory.record('Iovec', iovec),
  );
}

function describeSubscription(memory, at) {
  const { userdata, tag } = memory.record('Subscription', at);
  const payload = memory.place('Subscription', 'u', at);
  if (tag === 'clock') {
    const clock = memory.record('SubscriptionClock', payload);
    return { userdata, type: tag, ...clock };
  }
  const record = memory.record('SubscriptionFdReadwrite', payload);
  return { userdata, type: tag, fd: record.file_descriptor };
}

function describeEvent(memory, at, errnos) {
  const { userdata, error, type } = memory.record('Event', at);
  const place = memory.place('Event', 'fd_readwrite', at);
  const event = { userdata, type, error: errnos[error] ?? error };
  if (type === 'clock') return event;
  return { ...event, ...memory.record('EventFdReadwrite', place) };
}

/** By role: the value of an argument, from its WebAssembly values. */
const ROLES = {
  __proto__: null,
  Fd: ([fd]) => unsigned(fd),
  Size: ([size]) => unsigned(size),
  Exitcode: ([code]) => unsigned(code),
  Signal: ([signal]) => unsigned(signal),
  Timestamp: ([time]) => BigInt.asUintN(64, time),
  Filesize: ([size]) => BigInt.asUintN(64, size),
  Dircookie: ([cookie]) => BigInt.asUintN(64, cookie),
  Filedelta: ([delta]) => BigInt.asIntN(64, delta),
  Path: ([at, length], { memory }) =>
    memory.text(at, length) ?? nowhere(at, length),
  Buf: ([, length]) => length,
  Iovs: ([at, count], { memory }) =>
    buffers(memory, at, count)?.map((iovec) => iovec.buf_len) ??
    nowhere(at, count),
  Ciovs: ([at, count], { memory, strings }) =>
    buffers(memory, at, count)?.map(({ buf, buf_len: length }) => ({
      length,
      bytes: memory.bytes(buf, Math.min(length, strings)),
    })) ?? nowhere(at, count),
  Argv: ([at]) => at,
  ArgvBuf: ([at]) => at,
  Environ: ([at]) => at,
  EnvironBuf: ([at]) => at,
  Subscriptions: ([at], { memory, args }) => {
    const count = unsigned(args[2]);
    const read = (place) => describeSubscription(memory, place);
    return (
      memory.array('Subscription', at, Math.min(count, MOST), read) ??
      nowhere(at, count)
    );
  },
};

/** The roles of pointers to results, which are not described as arguments. */
const RESULTS = new Set(['Out', 'Events']);

/** Whether the arguments have the types of the call. Those of a guest always have. */
function areTyped({ arity, params }, args) {
  if (args.length !== arity) return false;
  return args.every((arg) => typeof arg === 'number' || typeof arg === 'bigint')
    ? params.every(
        ({ role, at }) => isWide(role) === (typeof args[at] === 'bigint'),
      )
    : false;
}

/** The roles that are an i64. */
const WIDE = new Set([
  'Timestamp',
  'Filesize',
  'Filedelta',
  'Dircookie',
  'Rights',
]);

const isWide = (role) => WIDE.has(role);

/**
 * The arguments of a call by name, before it is made.
 *
 * @returns {Record<string, unknown> | null} null for arguments of other types
 */
function describeArgs(call, args, { memory, strings, table }) {
  if (!areTyped(call, args)) return null;
  const described = {};
  for (const { name, role, at, arity } of call.params) {
    if (RESULTS.has(role)) continue;
    const values = args.slice(at, at + arity);
    const words = table.words.get(role);
    if (words !== undefined) {
      const [value] = values;
      const number =
        typeof value === 'bigint' ? BigInt.asUintN(64, value) : unsigned(value);
      described[name] = named(number, words);
      continue;
    }
    const bits = arity === 2 || !isWide(role) ? values.map(unsigned) : values;
    described[name] = ROLES[role](bits, { memory, strings, args });
  }
  return described;
}

/** The value of a scalar or record that a call has written. */
function describeOutput({ output, size }, at, { memory, table }) {
  if (table.records.has(output)) return memory.record(output, at);
  const value = memory.number(at, size);
  return value === undefined ? value : named(value, table.words.get(output));
}

/** The results of a call, by the names of its parameters. */
function describeOut(call, args, context) {
  const { memory, table } = context;
  const out = {};
  for (const param of call.params) {
    if (param.role !== 'Out') continue;
    out[param.name] = describeOutput(param, unsigned(args[param.at]), context);
  }
  const text = TEXTS[call.name];
  if (text !== undefined) {
    const { at } = call.params.find(({ name }) => name === text.buf);
    const length = out[text.length] ?? unsigned(args[at + 1]);
    out[text.buf] = memory.text(unsigned(args[at]), length);
  }
  const events = call.params.find(({ role }) => role === 'Events');
  if (events !== undefined) {
    const count = Math.min(out.nevents ?? 0, MOST);
    const read = (at) => describeEvent(memory, at, table.errnos);
    out.events = memory.array('Event', unsigned(args[events.at]), count, read);
  }
  return out;
}

module.exports = { describeArgs, describeOut };
