'use strict';

// A call as a line, as strace prints it.

/** The most elements of a list that are shown. */
const SHOWN = 16;

/** The fields that are shown of large records. */
const BRIEF = {
  __proto__: null,
  Filestat: ['filetype', 'size'],
  Fdstat: ['fs_filetype', 'fs_flags'],
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The most bytes of an incomplete character at the end of a string that was cut. */
const MOST_CUT = 3;

function decode(bytes, isCut) {
  for (let cut = 0; cut <= (isCut ? MOST_CUT : 0); cut++) {
    try {
      return utf8.decode(bytes.subarray(0, Math.max(0, bytes.length - cut)));
    } catch {
      // The last character may be incomplete.
    }
  }
  return undefined;
}

const escapeByte = (byte) =>
  byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, '0')}`;

/** Characters with an effect on a terminal that JSON does not escape: DEL, C1 controls, line separators, bidirectional controls. */
const CONTROLS = /[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function quoteText(text) {
  return JSON.stringify(text).replace(
    CONTROLS,
    (character) =>
      `\\u${character.codePointAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Bytes in quotes, as text if they are UTF-8. */
function quoteBytes(bytes, length) {
  const isCut = bytes.length < length;
  const text = decode(bytes, isCut);
  const quoted =
    text === undefined
      ? `"${Array.from(bytes, escapeByte).join('')}"`
      : quoteText(text);
  return isCut ? `${quoted}...` : quoted;
}

function list(items, format) {
  const shown = items.slice(0, SHOWN).map(format);
  return `[${[...shown, ...(items.length > SHOWN ? ['...'] : [])].join(', ')}]`;
}

function subscription({ type, id, timeout, flags, fd }) {
  if (type !== 'clock') return `${type}(${fd})`;
  const more = flags === '0' ? '' : `, ${flags}`;
  return `clock(${id}, ${timeout}${more})`;
}

function event({ type, error, nbytes, flags }) {
  if (error !== 'success') return `${type} = ${error}`;
  if (type === 'clock') return type;
  return `${type}(${nbytes}${flags === '0' ? '' : `, ${flags}`})`;
}

function buffer({ length, bytes }) {
  if (bytes === undefined || (bytes.length === 0 && length > 0)) return length;
  return quoteBytes(bytes, length);
}

function record(name, value) {
  const all = Object.entries(value);
  const brief = BRIEF[name];
  const shown = all
    .filter(([field]) => brief?.includes(field) ?? true)
    .map(([field, each]) => `${field}=${each}`);
  if (shown.length < all.length) shown.push('...');
  return `{${shown.join(', ')}}`;
}

const pointer = (at) => `0x${at.toString(16)}`;

const ROLES = {
  __proto__: null,
  Argv: pointer,
  ArgvBuf: pointer,
  Environ: pointer,
  EnvironBuf: pointer,
  Path: quoteText,
  Buf: (length) => `[${length}]`,
  Iovs: (lengths) => list(lengths, String),
  Ciovs: (data) => list(data, buffer),
  Subscriptions: (all) => list(all, subscription),
};

/** Whether an argument is shown: not flags without a bit, rights of path_open, or the length of a list that is shown. */
function isShown({ role }, value, { name, params }) {
  if (value === undefined || value === '0') return false;
  if (role === 'Rights') return name === 'fd_fdstat_set_rights';
  return (
    role !== 'Size' || params.every((each) => each.role !== 'Subscriptions')
  );
}

function argument({ role }, value) {
  if (value.pointer !== undefined) {
    return `${pointer(value.pointer)}[${value.length}]`;
  }
  return (ROLES[role] ?? String)(value);
}

function argumentsOf(args, call) {
  if (args === null) return '?';
  return call.params
    .filter((param) => isShown(param, args[param.name], call))
    .map((param) => argument(param, args[param.name]))
    .join(', ');
}

function outputsOf(out, { params }) {
  const shown = params
    .filter(({ name, role }) => role === 'Out' && out[name] !== undefined)
    // The list of events shows their number.
    .filter(({ name }) => name !== 'nevents' || out.events === undefined)
    .map(({ name, output }) =>
      typeof out[name] === 'object' ? record(output, out[name]) : out[name],
    );
  const texts = params
    .filter(({ name, role }) => role === 'Buf' && out[name] !== undefined)
    .map(({ name }) => quoteText(out[name]));
  if (out.events !== undefined) shown.push(list(out.events, event));
  return [...shown, ...texts];
}

/** Seconds with six decimals, as strace prints them. */
const seconds = (nanos) => (nanos / 1e9).toFixed(6);

/**
 * @param {import('./trace-call').TraceCall} traced
 * @param {{ name: string, params: object[] }} call its row of the table
 */
function lineOf({ args, result, reason, out, nanos, thread }, call) {
  const where = thread === 0 ? '' : `[${thread}] `;
  const came = [result ?? '?', ...outputsOf(out, call)].join(', ');
  const why = reason === undefined ? '' : ` (${reason})`;
  return `${where}${call.name}(${argumentsOf(args, call)}) = ${came}${why} <${seconds(nanos)}>`;
}

module.exports = { lineOf };
