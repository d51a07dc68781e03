'use strict';

// Builds the functions of node:fs for a guest's files, over a few native functions.

const { constants } = require('node:fs');

const { callbacks } = require('./callbacks');
const { contents } = require('./contents');
const { descriptors } = require('./descriptors');
const { names } = require('./names');
const { promises } = require('./promises');
const { reading } = require('./reading');

/**
 * Its functions need no receiver (`this`), as those of node:fs.
 *
 * @param {import('../../target/binding').Files} files the native half
 */
function makeFileSystem(files) {
  const { withFile, writeAll, ...ofDescriptors } = descriptors(files);
  const { readUpTo, ...ofContents } = contents({
    withFile,
    writeAll,
    ...ofDescriptors,
  });
  const { entries, ...ofNames } = names(files);
  const ofReading = reading(files, { entries, ...ofNames });
  const sync = { ...ofDescriptors, ...ofContents, ...ofNames, ...ofReading };
  return {
    ...sync,
    ...callbacks(sync, readUpTo),
    promises: promises(sync),
    constants,
  };
}

module.exports = { makeFileSystem };
