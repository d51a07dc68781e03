'use strict';

// JavaScript file systems: objects with the synchronous functions of node:fs. The native
// side calls the functions here for single operations.

const { loadBinding } = require('../core');
const { answerTo, has } = require('./answers');
const { entries, targetOf } = require('./entries');
const { OPERATIONS } = require('./operations');

/** The required functions; of several in one list, one is enough. */
const NEEDED = [
  ['lstatSync', 'statSync'],
  ['openSync'],
  ['closeSync'],
  ['readSync'],
  ['readdirSync'],
];

/** The number of each object on the native side. */
const numbersOf = new WeakMap();

/**
 * The root of an object with the required functions; undefined for any other value.
 *
 * @param {unknown} fs
 * @returns {import('../../target/binding').Directory | undefined}
 */
function rootOf(fs) {
  if (!isObject(fs) || lacking(fs).length > 0) return undefined;
  const { jsFileSystem, makeJsFileSystem, newJsFileSystemNumber } =
    loadBinding();
  // As long as a file or directory of it is open, the object is one and the same file
  // system, however often it is given.
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

/** The required functions that an object lacks. */
function lacking(fs) {
  return NEEDED.filter((names) => !names.some((name) => has(fs, name))).map(
    ([name]) => name,
  );
}

/**
 * Why an object that has functions of a file system is not one.
 *
 * @param {unknown} fs
 * @returns {string | undefined}
 */
function whyNot(fs) {
  if (!isObject(fs)) return undefined;
  const isAsync = has(fs, 'readFile') || has(fs.promises ?? {}, 'readFile');
  const names = lacking(fs);
  if (!isAsync && names.length === NEEDED.length) return undefined;
  const which = `of which it lacks ${names.join(', ')}`;
  return isAsync
    ? `${which}: a guest cannot wait for functions that are not synchronous`
    : which;
}

module.exports = { rootOf, whyNot };
