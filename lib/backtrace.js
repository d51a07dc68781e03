'use strict';

// Where in its source a guest was, beside where in its module: for backtraces.

const { loadBinding } = require('./binding');
const { codeStartOf } = require('./run/program');

const { sourceLines } = loadBinding();

/** What the engine calls a place in a module, with the offset of that in its bytes. */
const PLACE = /(?<!, )wasm:\/\/[^\n]*?wasm-function\[\d+\]:0x([0-9a-f]+)/g;

/** Of a guest that calls itself for ever there may be as many as an embedder wants. */
const MOST_PLACES = 100;

function section(module, name) {
  const [bytes] = WebAssembly.Module.customSections(module, name);
  return Buffer.from(bytes ?? []);
}

/** By the offsets in a module, as the engine writes them: the places in its source. */
function placesOf(offsets, module, codeStart) {
  const line = section(module, '.debug_line');
  if (line.length === 0) return new Map();
  const places = sourceLines(
    line,
    section(module, '.debug_line_str'),
    section(module, '.debug_str'),
    offsets.map((offset) => Number.parseInt(offset, 16) - codeStart),
  );
  return new Map(offsets.map((offset, index) => [offset, places[index]]));
}

function withPlaces(stack, module, codeStart) {
  const offsets = Array.from(stack.matchAll(PLACE), ([, offset]) => offset);
  if (offsets.length === 0) return stack;
  const some = [...new Set(offsets)].slice(0, MOST_PLACES);
  const places = placesOf(some, module, codeStart);
  return stack.replace(PLACE, (place, offset) => {
    const source = places.get(offset);
    return source ? `${source}, ${place}` : place;
  });
}

/**
 * Adds to the stack of what a guest threw where in the source that was, by the DWARF
 * of its module. Without, and where the stack cannot be changed, it stays as it is.
 *
 * @param {unknown} error
 * @param {WebAssembly.Module} module
 */
function addPlaces(error, module) {
  try {
    const codeStart = codeStartOf(module);
    if (codeStart === undefined || typeof error.stack !== 'string') return;
    const stack = withPlaces(error.stack, module, codeStart);
    if (stack !== error.stack) error.stack = stack;
  } catch {
    // It is of the guest's imports, say, which may throw anything.
  }
}

module.exports = { addPlaces };
