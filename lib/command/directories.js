'use strict';

// Options that give the guest a directory.

const { resolve } = require('node:path');

const { refuse } = require('./error');
const { sizeOf, splitOnce } = require('./values');

/** `HOST[::GUEST]`; a guest path names one directory only. */
function addPreopen(preopens, { rawName, value }, readOnly = false) {
  const [path, mappedPath = path] = splitOnce(value, '::');
  if (path === '' || mappedPath === '') {
    refuse(`${rawName} ${value} is not of the form HOST[::GUEST]`);
  }
  putPreopen(preopens, rawName, mappedPath, { path, readOnly });
}

function addReadOnlyPreopen(preopens, token) {
  addPreopen(preopens, token, true);
}

function putPreopen(preopens, rawName, mappedPath, preopen) {
  if (mappedPath in preopens) {
    refuse(`${rawName} gives the guest two directories named ${mappedPath}`);
  }
  preopens[mappedPath] = preopen;
}

const READ_ONLY = ':ro';

/** `SOURCE::GUEST[:ro]`; SOURCE is an archive or a directory. */
function addMount(preopens, { rawName, value }) {
  const [source, target = ''] = splitOnce(value, '::');
  const readOnly = target.endsWith(READ_ONLY);
  const mappedPath = readOnly ? target.slice(0, -READ_ONLY.length) : target;
  if (source === '' || mappedPath === '') {
    refuse(`${rawName} ${value} is not of the form SOURCE::GUEST[:ro]`);
  }
  putPreopen(preopens, rawName, mappedPath, { source, readOnly });
}

/** `DIR::GUEST` */
function addOverlay(preopens, { rawName, value }) {
  const [below, mappedPath] = splitOnce(value, '::');
  if (below === '' || !mappedPath) {
    refuse(`${rawName} ${value} is not of the form DIR::GUEST`);
  }
  putPreopen(preopens, rawName, mappedPath, { below });
}

/** Whether a preopen is in memory, so that its changes can be written. */
function isInMemory({ memory, source, below, readOnly }) {
  return (
    memory !== undefined ||
    below !== undefined ||
    (source !== undefined && !readOnly)
  );
}

/** `TAR[::GUEST]`; GUEST may be left out if there is only one directory in memory. */
function readWriteBack(preopens, { rawName, value }) {
  const [to, given] = splitOnce(value, '::');
  if (to === '' || given === '') {
    refuse(`${rawName} ${value} is not of the form TAR[::GUEST]`);
  }
  const possible = Object.keys(preopens).filter((name) =>
    isInMemory(preopens[name]),
  );
  if (given === undefined && possible.length > 1) {
    refuse(`${rawName} ${value} does not say which: ${possible.join(', ')}`);
  }
  const from = given ?? possible[0];
  if (!possible.includes(from)) {
    refuse(
      given === undefined
        ? `${rawName} ${value} has no directory in memory to write`
        : `${rawName} ${value} names no directory in memory`,
    );
  }
  return { to, from };
}

/** `GUEST[:SIZE]` */
function addTmpfs(preopens, { rawName, value }) {
  const [mappedPath, size] = splitOnce(value, ':');
  if (mappedPath === '' || size === '') {
    refuse(`${rawName} ${value} is not of the form GUEST[:SIZE]`);
  }
  const { bytes, problem } = size === undefined ? {} : sizeOf(size);
  if (problem !== undefined) refuse(`${rawName} ${value}: ${size} ${problem}`);
  putPreopen(preopens, rawName, mappedPath, { memory: { maxBytes: bytes } });
}

/**
 * All values of `--write-back`. They are read when all directories are known, as options
 * for these may come later. Two directories in one file are an error: the second would
 * overwrite the first.
 */
function readWriteBacks(preopens, tokens) {
  const written = tokens.map((token) => readWriteBack(preopens, token));
  const places = written.map(({ to }) => resolve(to));
  written.forEach(({ to }, index) => {
    if (places.indexOf(places[index]) !== index) {
      refuse(`--write-back writes to ${to} twice`);
    }
  });
  return written;
}

module.exports = {
  addMount,
  addOverlay,
  addPreopen,
  addReadOnlyPreopen,
  addTmpfs,
  readWriteBacks,
};
