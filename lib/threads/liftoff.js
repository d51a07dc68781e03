'use strict';

// V8 11, that of Node.js 20, has a defect in its baseline compiler (Liftoff): a local of
// a function loses its value across `memory.atomic.wait32`. So Liftoff is off while a
// guest with threads runs: functions are compiled when they are first called.

const FLAG = /liftoff/;

/** Whether the engine has that defect, and no flag chooses the compiler. */
function isNeeded() {
  const { bun, deno, v8 } = process.versions;
  const flags = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS}`;
  return !bun && !deno && Number.parseInt(v8, 10) < 12 && !FLAG.test(flags);
}

let needed;
/** How many guests with threads are running. */
let count = 0;

function set(flag) {
  require('node:v8').setFlagsFromString(flag);
}

/** Switches Liftoff off, until `allowBaseline()` was called as often as this. */
function avoidBaseline() {
  needed ??= isNeeded();
  if (needed && ++count === 1) set('--no-liftoff');
}

/** See `avoidBaseline()`. */
function allowBaseline() {
  if (needed && --count === 0) set('--liftoff');
}

module.exports = { allowBaseline, avoidBaseline };
