'use strict';

// Functions that take paths: attributes, creating, renaming and removing entries.

const { constants } = require('node:fs');

const { outOfRange, removesDirectory } = require('../errors');
const {
  validateBoolean,
  validateInteger,
  validateObject,
} = require('../validators');
const {
  joined,
  readMode,
  readOptions,
  readPath,
  readTime,
  textOf,
} = require('./arguments');
const { check, failed, systemError } = require('./errors');
const { laidStats, place } = require('./stats');

const { F_OK, R_OK, W_OK, X_OK } = constants;

/** The directory part of a path; none if there is none. */
function parentOf(path) {
  const [, parent] = /^([^]*[^/])\/+[^/]+\/*$/.exec(path) ?? [];
  return parent;
}

/** A function with two paths, and the names of these arguments. */
const move = (syscall, native, first, second) => (from, to) => {
  const oldName = readPath(from, first);
  const newName = readPath(to, second);
  check(native(oldName, newName), syscall, oldName, newName);
};

/** @param {import('../../target/binding').Files} files the native half */
function names(files) {
  const stat = (syscall, follow) => (path, options) => {
    const name = readPath(path);
    const { throwIfNoEntry = true, ...rest } = readOptions(options);
    const answer = files.stat(name, follow, place);
    if (!throwIfNoEntry && failed(answer, 'ENOENT')) return undefined;
    check(answer, syscall, name);
    return laidStats(rest);
  };
  const statSync = stat('stat', true);
  const lstatSync = stat('lstat', false);

  function existsSync(path) {
    let name;
    try {
      name = readPath(path);
    } catch {
      return false;
    }
    return files.access(name, false, false) >= 0;
  }

  function accessSync(path, mode = F_OK) {
    const name = readPath(path);
    const most = R_OK | W_OK | X_OK;
    const wanted = validateInteger(
      mode ?? F_OK,
      'mode',
      -(2 ** 31),
      2 ** 31 - 1,
    );
    if (wanted < F_OK || wanted > most) {
      throw outOfRange(accessSync, 'mode', `>= ${F_OK} && <= ${most}`, wanted);
    }
    check(
      files.access(name, (wanted & R_OK) !== 0, (wanted & W_OK) !== 0),
      'access',
      name,
    );
  }

  const setTimes = (syscall, follow) => (path, atime, mtime) => {
    const name = readPath(path);
    const times = [readTime(atime, 'atime'), readTime(mtime, 'mtime')];
    check(files.utimes(name, follow, ...times), syscall, name);
  };

  function makeDirectory(path) {
    check(files.mkdir(path), 'mkdir', path);
  }

  /** Makes a directory and those above it that are missing, and returns the first of them. */
  function makeDirectories(path, wanted = path) {
    const answer = files.mkdir(path);
    const parent = parentOf(path);
    if (failed(answer, 'ENOENT') && parent !== undefined) {
      const first = makeDirectories(parent, wanted);
      makeDirectory(path);
      return first ?? path;
    }
    if (answer >= 0) return path;
    if (failed(answer, 'EEXIST')) {
      check(files.stat(path, true, place), 'mkdir', wanted);
      if (laidStats().isDirectory()) return undefined;
      if (path !== wanted) throw systemError('ENOTDIR', 'mkdir', wanted);
    }
    return check(answer, 'mkdir', wanted);
  }

  function mkdirSync(path, options) {
    const name = readPath(path);
    const { recursive = false, mode } =
      options !== null && typeof options === 'object'
        ? options
        : { mode: options };
    validateBoolean(recursive, 'options.recursive');
    readMode(mode);
    return recursive ? makeDirectories(textOf(name)) : makeDirectory(name);
  }

  function rmdirSync(path) {
    const name = readPath(path);
    check(files.rmdir(name), 'rmdir', name);
  }

  function unlinkSync(path) {
    const name = readPath(path);
    check(files.unlink(name), 'unlink', name);
  }

  function remove(path, recursive, force) {
    const isGone = (answer) => force && failed(answer, 'ENOENT');
    const answer = files.unlink(path);
    // For a directory a system may return either.
    if (!failed(answer, 'EISDIR') && !failed(answer, 'EPERM')) {
      if (!isGone(answer)) check(answer, 'rm', path);
      return;
    }
    if (!lstatSync(path).isDirectory()) check(answer, 'rm', path);
    if (!recursive) throw removesDirectory(rmSync, textOf(path));
    for (const { name } of entries(path))
      remove(joined(path, name), true, true);
    const removed = files.rmdir(path);
    if (!isGone(removed)) check(removed, 'rm', path);
  }

  function rmSync(path, options = {}) {
    const name = readPath(path);
    const { recursive = false, force = false } = validateObject(
      options,
      'options',
    );
    validateBoolean(recursive, 'options.recursive');
    validateBoolean(force, 'options.force');
    remove(name, recursive, force);
  }

  /** The entries of a directory, in order: each name as bytes, with its type. */
  function entries(path) {
    const all = check(files.list(path), 'scandir', path);
    const found = [];
    for (let start = 0; start < all.length;) {
      const end = all.indexOf(0, start);
      const type = all[start] - '0'.charCodeAt(0);
      found.push({ name: all.subarray(start + 1, end), type });
      start = end + 1;
    }
    return found.sort((a, b) => Buffer.compare(a.name, b.name));
  }

  function symlinkSync(target, path) {
    const to = readPath(target, 'target');
    const name = readPath(path);
    check(files.symlink(to, name), 'symlink', to, name);
  }

  return {
    statSync,
    lstatSync,
    existsSync,
    accessSync,
    utimesSync: setTimes('utime', true),
    lutimesSync: setTimes('lutime', false),
    mkdirSync,
    rmdirSync,
    unlinkSync,
    rmSync,
    renameSync: move(
      'rename',
      (from, to) => files.rename(from, to),
      'oldPath',
      'newPath',
    ),
    linkSync: move(
      'link',
      (from, to) => files.link(from, to),
      'existingPath',
      'newPath',
    ),
    symlinkSync,
    entries,
  };
}

module.exports = { names };
