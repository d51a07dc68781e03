'use strict';

// Calls, errors, bytes and time by call, as `strace -c` counts them.

/** The results with the number of bytes that a call has moved. */
const COUNTS = 'nread nwritten bufused ro_datalen so_datalen'.split(' ');

/** Calls that fill the whole buffer. */
const FILLING = new Set(['random_get']);

function bytesOf({ name, args, result, out }) {
  if (result !== 'success') return 0;
  if (FILLING.has(name)) return args?.buf ?? 0;
  const of = COUNTS.find((count) => typeof out[count] === 'number');
  return of === undefined ? 0 : out[of];
}

const COLUMNS = [
  ['% time', 6],
  ['seconds', 11],
  ['usecs/call', 11],
  ['calls', 9],
  ['errors', 9],
  ['bytes', 11],
  ['call', 0],
];

const row = (cells) =>
  cells
    .map((cell, index) => String(cell).padStart(COLUMNS[index][1]))
    .join(' ');

const RULE = COLUMNS.map(([, width]) => '-'.repeat(width || 16)).join(' ');

function cellsOf(name, { calls, errors, bytes, nanos }, total) {
  const share = total === 0 ? 0 : (100 * nanos) / total;
  return [
    share.toFixed(2),
    (nanos / 1e9).toFixed(6),
    calls === 0 ? '' : Math.round(nanos / calls / 1000),
    calls,
    errors || '',
    bytes || '',
    name,
  ];
}

const NONE = { calls: 0, errors: 0, bytes: 0, nanos: 0 };

function sum(a, b) {
  return {
    calls: a.calls + b.calls,
    errors: a.errors + b.errors,
    bytes: a.bytes + b.bytes,
    nanos: a.nanos + b.nanos,
  };
}

class Summary {
  #calls = new Map();

  /** @param {import('./trace-call').TraceCall} call */
  add(call) {
    const { name, result, nanos } = call;
    const isError = result !== null && result !== 'success';
    const one = {
      calls: 1,
      errors: isError ? 1 : 0,
      bytes: bytesOf(call),
      nanos,
    };
    this.#calls.set(name, sum(this.#calls.get(name) ?? NONE, one));
  }

  /** The table, ordered by time, with the sum as its last line. */
  toString() {
    const all = [...this.#calls].sort(([, a], [, b]) => b.nanos - a.nanos);
    const total = all.map(([, counts]) => counts).reduce(sum, NONE);
    const rows = all.map(([name, counts]) =>
      cellsOf(name, counts, total.nanos),
    );
    return [
      row(COLUMNS.map(([title]) => title)),
      RULE,
      ...rows.map(row),
      RULE,
      row(cellsOf('total', total, total.nanos)),
      '',
    ].join('\n');
  }
}

module.exports = { Summary };
