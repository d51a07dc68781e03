'use strict';

// V8 11, that of Node.js 20, loses a local of a function that lives across
// `memory.atomic.wait32`, where its baseline compiler has compiled that. So that
// does nothing there while a guest with threads runs: a function is compiled when
// it is first called.

const FLAG = /liftoff/;

/** Whether the engine has that defect, and nobody has chosen the compiler. */
function isNeeded() {
  const { bun, deno, v8 } = process.versions;
  const flags = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS}`;
  return !bun && !deno && Number.parseInt(v8, 10) < 12 && !FLAG.test(flags);
}

let needed;
/** How many want the baseline compiler out of the way. */
let count = 0;

function set(flag) {
  require('node:v8').setFlagsFromString(flag);
}

/** Keeps the baseline compiler from what is compiled from now on. */
function avoidBaseline() {
  needed ??= isNeeded();
  if (needed && ++count === 1) set('--no-liftoff');
}

/** That is over. */
function allowBaseline() {
  if (needed && --count === 0) set('--liftoff');
}

module.exports = { allowBaseline, avoidBaseline };
