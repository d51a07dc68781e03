'use strict';

// Values of options that few command lines have: times and addresses.

const { isIPv6 } = require('node:net');

/** A date, or a time with its zone: others would mean another time elsewhere. */
const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The last nanosecond that a clock of WASI can show. */
const MAX_TIME = 2n ** 64n - 1n;

/** Whether a month has that day: `Date` would count on into the next. */
function isDay(date) {
  return new Date(`${date}T00:00Z`).toJSON()?.startsWith(date) ?? false;
}

/**
 * The nanoseconds from 1970 to a time.
 *
 * @returns {bigint | undefined} undefined if it is none, or none that a guest's clock can show
 */
function timeOf(text) {
  const [, date, fraction = ''] = ISO_TIME.exec(text) ?? [];
  const milliseconds = isDay(date) ? Date.parse(text) : NaN;
  if (!(milliseconds >= 0)) return undefined;
  // `Date` takes no notice of what is shorter.
  const rest = BigInt(fraction.slice(3).padEnd(6, '0'));
  const time = BigInt(milliseconds) * 1_000_000n + rest;
  return time <= MAX_TIME ? time : undefined;
}

const MAX_PORT = 65_535;

/** Whether it can be what listens: an IPv6 address where it has brackets, else a name. */
function isHost(address, name) {
  if (address !== undefined) return isIPv6(address);
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

module.exports = { listenerOf, timeOf };
