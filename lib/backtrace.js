'use strict';

// Adds source lines, by DWARF, to the stack of an error of a guest.

const { loadBinding } = require('./core');
const { codeStartOf } = require('./run/program');

const { sourceLines } = loadBinding();

/** A frame of a module in a stack, with the offset in the module's bytes. */
const PLACE = /(?<!, )wasm:\/\/[^\n]*?wasm-function\[\d+\]:0x([0-9a-f]+)/g;

/** The most frames that get lines: `Error.stackTraceLimit` may be any number. */
const MOST_PLACES = 100;

function section(module, name) {
  const [bytes] = WebAssembly.Module.customSections(module, name);
  return Buffer.from(bytes ?? []);
}

/** The places in the source, by the offsets in the module as the engine writes them. */
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
 * Adds source lines to the stack of an error, by the DWARF of the guest's module. If
 * there is none, or the stack cannot be changed, it stays as it is.
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
    // An import of the guest may have thrown the error: it can be anything.
  }
}

module.exports = { addPlaces };
