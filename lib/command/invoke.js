'use strict';

// --invoke: calls an exported function with numbers from the command line.

const { loadBinding } = require('../core');
const { nearestOf } = require('../nearest');
const { CommandError } = require('./error');

const { parameters } = loadBinding();

const INTEGER = /^[-+]?(\d+|0x[0-9a-f]+|0o[0-7]+|0b[01]+)$/i;
const FLOAT =
  /^[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|inf(inity)?|nan)$/i;

function integer(text, bits) {
  if (!INTEGER.test(text)) return undefined;
  const [, sign, digits] = /^([-+]?)(.*)$/.exec(text);
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  const fits = value >= -(2n ** (bits - 1n)) && value < 2n ** bits;
  return fits ? value : undefined;
}

function float(text) {
  if (!FLOAT.test(text)) return undefined;
  if (/nan/i.test(text)) return NaN;
  return /inf/i.test(text)
    ? Infinity * (text[0] === '-' ? -1 : 1)
    : Number(text);
}

/** By type: parses a value; undefined if it is not valid. */
const VALUES = {
  __proto__: null,
  i32: (text) => {
    const value = integer(text, 32n);
    return value === undefined ? undefined : Number(BigInt.asIntN(32, value));
  },
  i64: (text) => integer(text, 64n),
  f32: float,
  f64: float,
};

const quoted = (names) => (names.length === 0 ? 'none' : names.join(', '));

function functionsOf(module) {
  return WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === 'function')
    .map(({ name }) => name);
}

/** Refuses the name of a function that the module does not export. */
function checkName(file, module, name) {
  const functions = functionsOf(module);
  if (functions.includes(name)) return;
  const nearest = nearestOf(functions)(name);
  throw new CommandError(
    nearest === undefined
      ? `${file} exports no function ${name}; it exports ${quoted(functions)}`
      : `${file} exports no function ${name}, did you mean ${nearest}?`,
  );
}

/**
 * The values for a function of a module.
 *
 * @param {{ file: string, bytes: Buffer, module: WebAssembly.Module }} program
 * @param {string} name
 * @param {string[]} args
 */
function readValues({ file, bytes, module }, name, args) {
  checkName(file, module, name);
  const params = parameters(bytes, name);
  if (params === null) {
    throw new CommandError(`${name} of ${file} takes more than numbers`);
  }
  if (params.length !== args.length) {
    throw new CommandError(
      `${name} of ${file} takes ${params.length} numbers (${quoted(params)}), and ${args.length} are given`,
    );
  }
  return params.map((param, index) => {
    const value = VALUES[param](args[index]);
    if (value !== undefined) return value;
    throw new CommandError(`${args[index]} is no ${param} for ${name}`);
  });
}

/** The results of a function, one per line. */
function printed(result) {
  if (result === undefined) return '';
  return [result]
    .flat()
    .map((value) => `${value}\n`)
    .join('');
}

module.exports = { functionsOf, printed, readValues };
