'use strict';

const { loadBinding } = require('../binding');
const { capabilitiesOf } = require('../names');
const { sinkOf } = require('../trace/sinks');
const { Summary } = require('../trace/summary');
const { Tracer } = require('../trace/tracer');

const { capabilityCalls } = loadBinding();

const STDERR = 2;

/** As many bytes of what is written are shown as strace shows. */
const STRINGS = 32;

/** The calls of scopes; all of them without any. */
function callsOf(scopes) {
  if (scopes.length === 0) return undefined;
  return scopes
    .flatMap((scope) => capabilitiesOf(scope))
    .flatMap((capability) => capabilityCalls(capability));
}

/** How a guest writes its trace itself, in whatever thread: see `readTrace()`. */
function planOf(scopes) {
  const calls = callsOf(scopes);
  return { to: STDERR, calls, failed: false, strings: STRINGS };
}

/**
 * What tells of the calls of a guest: all of them where nothing is said, else those in the scopes one by one, and all of
 * them in a summary.
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
  const plan = { calls, failed: false, strings: STRINGS };
  return { tracer: new Tracer(plan, number, tell), summary };
}

module.exports = { planOf, traceGuest };
