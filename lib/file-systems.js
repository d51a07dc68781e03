'use strict';

// Native handles of the file systems that a user can give as a preopen.

// Loaded with the first object that may be one.
const ofJavaScript = () => require('./js-file-system');

/** The functions that return the root of a file system, by the user's object of it. */
const roots = new WeakMap();

/**
 * Makes it possible to mount an object.
 *
 * @param {object} fileSystem
 * @param {() => import('../target/binding').DirectoryHandle} root
 */
function setRoot(fileSystem, root) {
  roots.set(fileSystem, root);
}

/**
 * The root of a file system; undefined for a value that is not one.
 *
 * @param {unknown} value
 * @returns {import('../target/binding').DirectoryHandle | undefined}
 */
function rootOf(value) {
  const root = roots.get(value)?.();
  if (root !== undefined || typeof value?.openSync !== 'function') return root;
  return ofJavaScript().rootOf(value);
}

/** Why a value that has functions of a file system is not one; undefined for others. */
const whyNot = (value) => ofJavaScript().whyNot(value);

module.exports = { rootOf, setRoot, whyNot };
