'use strict';

// Reads values of options: numbers, times, addresses, names. An error has the unit and
// the range.

const { VM_TIMEOUT_MAX } = require('../core');
const { refuse } = require('./error');

/** Splits at the first `separator`; the second part is undefined without one. */
function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at === -1
    ? [text]
    : [text.slice(0, at), text.slice(at + separator.length)];
}

function refuseValue({ rawName, value }, problem) {
  return refuse(`${rawName} ${value} ${problem}`);
}

const UNITS = { __proto__: null, '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

const MAX_SIZE = Number.MAX_SAFE_INTEGER;

/** The number of bytes of a SIZE, `NUMBER[K|M|G]`, or what is wrong with it. */
function sizeOf(text) {
  const [, number, unit] = /^([0-9]+)([KMG]?)$/i.exec(text) ?? [];
  if (number === undefined) {
    return {
      problem:
        'is no SIZE: a whole number of bytes, or with K, M or G behind it, such as 64M',
    };
  }
  const bytes = number * UNITS[unit.toUpperCase()];
  if (bytes <= MAX_SIZE) return { bytes };
  return { problem: `is more than ${Math.floor(MAX_SIZE / UNITS.G)}G` };
}

/** The size of a page of memory. */
const PAGE = 64 * UNITS.K;

function readMaxMemory(token) {
  const { bytes, problem } = sizeOf(token.value);
  if (problem !== undefined) return refuseValue(token, problem);
  if (bytes >= PAGE) return bytes;
  return refuseValue(
    token,
    'is less than 64K, which a memory grows by; without the option there is no limit',
  );
}

/** The units of a TIME, in milliseconds. */
const TIMES = { __proto__: null, ms: 1, '': 1000, s: 1000, m: 60e3, h: 3600e3 };

/** `NUMBER[ms|s|m|h]`, in milliseconds; undefined for 0, which is no limit, as with timeout(1). */
function readTime(token) {
  const [, number, unit] =
    /^(\d+|\d*\.\d+)(ms|[smh]?)$/.exec(token.value) ?? [];
  if (number === undefined) {
    return refuseValue(
      token,
      'is no TIME: a number of seconds in decimal digits, or with ms, s, m or h behind it, such as 1.5s',
    );
  }
  const time = Math.ceil(number * TIMES[unit]);
  if (time <= VM_TIMEOUT_MAX) return time || undefined;
  const most = Math.floor(VM_TIMEOUT_MAX / TIMES.h);
  return refuseValue(token, `is more than ${most}h, which is 49 days`);
}

/** `[NAME,…]`; several options add up. Without names, all calls. */
function readTrace({ rawName, value }, scopes = []) {
  if (value === undefined) return scopes;
  const more = value.split(',');
  if (more.includes('')) refuse(`${rawName} needs names of calls`);
  return [...scopes, ...more];
}

/** A date, or a time with a time zone: without one it would depend on the host's. */
const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The largest timestamp of WASI. */
const MAX_CLOCK = 2n ** 64n - 1n;

/** Whether a date exists: `Date` takes February 30 for a day in March. */
function isDay(date) {
  return new Date(`${date}T00:00Z`).toJSON()?.startsWith(date) ?? false;
}

/** Nanoseconds since 1970; undefined if the text is not a time, or out of range. */
function timeOf(text) {
  const [, date, fraction = ''] = ISO_TIME.exec(text) ?? [];
  const milliseconds = isDay(date) ? Date.parse(text) : NaN;
  if (!(milliseconds >= 0)) return undefined;
  // `Date` has no more than milliseconds.
  const rest = BigInt(fraction.slice(3).padEnd(6, '0'));
  const time = BigInt(milliseconds) * 1_000_000n + rest;
  return time <= MAX_CLOCK ? time : undefined;
}

function readClock(token) {
  const { value } = token;
  const realtime = timeOf(value);
  if (realtime !== undefined) return { realtime };
  if (timeOf(`${value}Z`) !== undefined) {
    return refuseValue(token, 'has no zone: put Z behind it, or one as +01:00');
  }
  return refuseValue(
    token,
    'is no time from 1970 to 2554 such as 2030-01-31 or 2030-01-31T12:00:00Z',
  );
}

const MAX_SEED = 2n ** 64n - 1n;

function readSeed(token) {
  const isNumber = /^(\d+|0x[0-9a-f]+)$/i.test(token.value);
  const seed = isNumber ? BigInt(token.value) : -1n;
  if (seed >= 0n && seed <= MAX_SEED) return { seed };
  return refuseValue(
    token,
    `is no whole number from 0 to ${MAX_SEED}, decimal or, with 0x before it, hexadecimal`,
  );
}

function readThreads(token) {
  const { MOST_THREADS } = require('../threads/options');
  const number = /^\d+$/.test(token.value) ? Number(token.value) : NaN;
  if (number <= MOST_THREADS) return number;
  return refuseValue(
    token,
    `is no number of threads: a whole one from 0 to ${MOST_THREADS}`,
  );
}

const MAX_PORT = 65_535;

/** Whether a host is valid: an IPv6 address if it was in brackets, else a name or an IPv4 address. */
function isHost(address, name) {
  // Loading it takes milliseconds, and few guests have listeners.
  if (address !== undefined) return require('node:net').isIPv6(address);
  return name === undefined || !/[\s[\]/]/.test(name);
}

/**
 * `[HOST:]PORT`, an IPv6 address in brackets; or `unix:PATH`.
 *
 * @returns {{ host?: string, port: number } | { path: string } | undefined}
 */
function listenerOf(text) {
  const [, path] = /^unix:(.+)$/s.exec(text) ?? [];
  if (path !== undefined) return { path };
  const [, address, name, digits] =
    /^(?:(?:\[([^\]]*)\]|([^:]+)):)?([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port <= MAX_PORT) || !isHost(address, name)) return undefined;
  return { host: address ?? name, port };
}

function readListener(token) {
  return (
    listenerOf(token.value) ??
    refuseValue(
      token,
      `is not of the form [HOST:]PORT or unix:PATH, with a PORT from 0 to ${MAX_PORT}`,
    )
  );
}

/** `NAME[=VALUE]`; a bare NAME that the host does not have stays unset. */
function addVariable(env, { value }) {
  const [name, text = process.env[name]] = splitOnce(value, '=');
  if (name === '') refuse(`--env ${value} is not of the form NAME[=VALUE]`);
  env[name] = text;
}

/** `NAME=NUMBER`; the last one of a name counts. */
function addLimit(limits, { value }) {
  const [name, text = ''] = splitOnce(value, '=');
  if (!/^\d+$/.test(text)) {
    refuse(
      `--limit ${value} is not of the form NAME=NUMBER, with a whole NUMBER in decimal digits`,
    );
  }
  const { LIMITS } = require('../limits');
  if (!(name in LIMITS)) {
    const names = Object.keys(LIMITS).join(', ');
    refuse(`--limit ${value} has an unknown name: the names are ${names}`);
  }
  const [least, most] = LIMITS[name];
  const number = Number(text);
  if (number < least || number > most) {
    refuse(
      `--limit ${value} is out of range: ${name} goes from ${least} to ${most}`,
    );
  }
  limits[name] = number;
}

module.exports = {
  addLimit,
  addVariable,
  readClock,
  readListener,
  readMaxMemory,
  readSeed,
  readThreads,
  readTime,
  readTrace,
  sizeOf,
  splitOnce,
};
