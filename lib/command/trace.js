'use strict';

const { loadBinding } = require('../core');
const { capabilitiesOf } = require('../names');
const { DEFAULT_STRINGS, STDERR } = require('../trace/options');
const { sinkOf } = require('../trace/sinks');
const { Summary } = require('../trace/summary');
const { Tracer } = require('../trace/tracer');

const { capabilityCalls } = loadBinding();

/** The calls that are named by `--trace=NAME,…`; undefined for all. */
function callsOf(scopes) {
  if (scopes.length === 0) return undefined;
  return scopes
    .flatMap((scope) => capabilitiesOf(scope))
    .flatMap((capability) => capabilityCalls(capability));
}

/** The trace of a guest that writes it to standard error itself, in any thread: see `readTrace()`. */
function planOf(scopes) {
  const calls = callsOf(scopes);
  return { to: STDERR, calls, failed: false, strings: DEFAULT_STRINGS };
}

/**
 * Makes the tracer of a guest: it prints the calls of `--trace`, and counts all calls
 * for `--trace-summary`.
 *
 * @param {{ trace?: string[], hasSummary: boolean }} command
 */
function traceGuest({ trace, hasSummary }, { number }) {
  const isAll = !hasSummary && trace === undefined;
  const summary = hasSummary ? new Summary() : undefined;
  const scopes = isAll ? [] : trace;
  const write = scopes && sinkOf(STDERR);
  const shown = scopes && callsOf(scopes);
  const tell = (call) => {
    summary?.add(call);
    if (shown?.includes(call.name) ?? true) write?.(call);
  };
  const calls = hasSummary ? undefined : shown;
  const plan = { calls, failed: false, strings: DEFAULT_STRINGS };
  return { tracer: new Tracer(plan, number, tell), summary };
}

module.exports = { planOf, traceGuest };
