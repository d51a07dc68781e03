'use strict';

// The one reader of file systems: from what a user gives to the handle by which
// the native side knows a directory.

// Loaded with the first value that is none of those below.
const ofJavaScript = () => require('./js-file-system');

/** What gives a file system's root, by the object that the user has of it. */
const roots = new WeakMap();

/**
 * Makes an object one that can be mounted.
 *
 * @param {object} fileSystem
 * @param {() => import('../target/binding').DirectoryHandle} root
 */
function setRoot(fileSystem, root) {
  roots.set(fileSystem, root);
}

/**
 * The root of a file system: of any value that can be mounted, and undefined of
 * any other.
 *
 * @param {unknown} value
 * @returns {import('../target/binding').DirectoryHandle | undefined}
 */
function rootOf(value) {
  return roots.get(value)?.() ?? ofJavaScript().rootOf(value);
}

/** What a value that has functions of a file system lacks to be one; undefined of others. */
const whyNot = (value) => ofJavaScript().whyNot(value);

module.exports = { rootOf, setRoot, whyNot };
