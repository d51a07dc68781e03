'use strict';

// Listings, targets of links, real paths.

const { constants } = require('node:fs');
const { posix } = require('node:path');

const { validateBoolean } = require('../validators');
const { joined, readOptions, readPath, textOf } = require('./arguments');
const { decode } = require('./contents');
const { check, systemError } = require('./errors');
const { Dirent, FORMATS } = require('./stats');

/** The most symbolic links that are followed in one path. */
const MAX_HOPS = 40;

/** Whether `path` is above a preopen to which the rest of the path leads: it need not exist itself. */
function leadsToOne(preopens, path, rest) {
  const whole = posix.join(path, ...rest.toReversed(), '/');
  return preopens.some(
    (preopen) =>
      preopen.startsWith(`${path}/`) && whole.startsWith(`${preopen}/`),
  );
}

/** Bytes in the encoding of the options. */
const encoded = (bytes, encoding) => decode(bytes, encoding || 'utf8');

/**
 * @param {import('../../target/binding').Files} files the native half
 * @param {ReturnType<import('./names').names>} names
 */
function reading(files, { entries, lstatSync }) {
  /** The type of an entry. Not every file system has it in listings. */
  function formatOf(directory, { name, type }) {
    if (type !== 0) return FORMATS[type];
    const { mode } = lstatSync(joined(directory, name));
    return mode & constants.S_IFMT;
  }

  /** The entries of a directory and, if `recursive`, of those below, each with the path of its directory. */
  function listed(path, recursive) {
    const found = [];
    const directories = [''];
    for (const below of directories) {
      const parent = below === '' ? path : posix.join(textOf(path), below);
      for (const entry of entries(parent)) {
        const format = formatOf(parent, entry);
        found.push({ below, parent, format, name: entry.name });
        if (recursive && format === constants.S_IFDIR) {
          directories.push(posix.join(below, entry.name.toString()));
        }
      }
    }
    return found;
  }

  function readdirSync(path, options) {
    const directory = readPath(path);
    const { encoding, withFileTypes, recursive = false } = readOptions(options);
    validateBoolean(recursive, 'options.recursive');
    if (withFileTypes) {
      return listed(directory, recursive).map(
        ({ format, name, parent }) =>
          new Dirent(encoded(name, encoding), format, parent),
      );
    }
    if (!recursive)
      return entries(directory).map(({ name }) => encoded(name, encoding));
    return listed(directory, true).map(({ below, name }) =>
      encoded(Buffer.from(posix.join(below, name.toString())), encoding),
    );
  }

  function readlinkSync(path, options) {
    const name = readPath(path);
    const { encoding } = readOptions(options);
    return encoded(check(files.readlink(name), 'readlink', name), encoding);
  }

  /** The root of relative paths, and the names of the preopens, as absolute paths. */
  function preopens() {
    const all = check(files.preopens(), 'realpath').toString();
    return Array.from(all.matchAll(/([^\0]*)\0/g), ([, name]) =>
      posix.join('/', name),
    );
  }

  function realpathSync(path, options) {
    const name = textOf(readPath(path));
    const { encoding } = readOptions(options);
    const [root, ...mapped] = preopens();
    const rest = (name.startsWith('/') ? name : `${root}/${name}`)
      .split('/')
      .toReversed();
    let real = '/';
    let hops = 0;
    while (rest.length > 0) {
      const component = rest.pop();
      if (component === '..') real = posix.dirname(real);
      if (['', '.', '..'].includes(component)) continue;
      const next = posix.join(real, component);
      if (leadsToOne(mapped, next, rest) || !lstatSync(next).isSymbolicLink()) {
        real = next;
        continue;
      }
      hops += 1;
      if (hops > MAX_HOPS) throw systemError('ELOOP', 'realpath', name);
      const target = readlinkSync(next);
      if (target.startsWith('/')) real = '/';
      rest.push(...target.split('/').toReversed());
    }
    return encoded(Buffer.from(real), encoding);
  }

  return {
    readdirSync,
    readlinkSync,
    realpathSync: Object.assign(realpathSync, { native: realpathSync }),
  };
}

module.exports = { reading };
