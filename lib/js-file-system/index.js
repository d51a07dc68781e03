'use strict';

// A file system that is an object with the synchronous functions of node:fs. The
// native side does all that is the same for every file system; here is what it
// calls for an operation.

const { loadBinding } = require('../binding');
const { answerTo, has } = require('./answers');
const { entries, targetOf } = require('./entries');
const { OPERATIONS } = require('./operations');

/** What a file system needs at least. */
const NEEDED = [
  ['lstatSync', 'statSync'],
  ['openSync'],
  ['closeSync'],
  ['readSync'],
  ['readdirSync'],
];

/** The number that the native side has for each object. */
const numbersOf = new WeakMap();

/**
 * The root of what has the functions of a file system; undefined of any other
 * value.
 *
 * @param {unknown} fs
 * @returns {import('../../target/binding').Directory | undefined}
 */
function rootOf(fs) {
  if (!isObject(fs) || lacking(fs).length > 0) return undefined;
  const { jsFileSystem, makeJsFileSystem, newJsFileSystemNumber } =
    loadBinding();
  // As long as anything of it is open, it is one file system, wherever it is given.
  let number = numbersOf.get(fs);
  const root = number === undefined ? null : jsFileSystem(number);
  if (root !== null) return root;
  number = newJsFileSystemNumber();
  numbersOf.set(fs, number);
  return makeJsFileSystem(
    number,
    (operation, a, b, x, y, z, buffer) => {
      try {
        return OPERATIONS[operation](fs, a, b, x, y, z, buffer);
      } catch (error) {
        return answerTo(error);
      }
    },
    (path, isDirectory) => {
      try {
        return isDirectory ? entries(fs, path) : targetOf(fs, path);
      } catch (error) {
        return answerTo(error);
      }
    },
  );
}

function isObject(value) {
  return (
    (typeof value === 'object' && value !== null) || typeof value === 'function'
  );
}

/** The functions that an object lacks to be a file system. */
function lacking(fs) {
  return NEEDED.filter((names) => !names.some((name) => has(fs, name))).map(
    ([name]) => name,
  );
}

/**
 * Why an object is no file system, where it has functions of one.
 *
 * @param {unknown} fs
 * @returns {string | undefined}
 */
function whyNot(fs) {
  if (!isObject(fs)) return undefined;
  const isAsync = has(fs, 'readFile') || has(fs.promises ?? {}, 'readFile');
  const names = lacking(fs);
  if (!isAsync && names.length === NEEDED.length) return undefined;
  const which = `which this one has without ${names.join(', ')}`;
  return isAsync
    ? `${which}: a guest cannot wait for functions that are not synchronous`
    : which;
}

module.exports = { rootOf, whyNot };
