'use strict';

// Whole files: reading, writing, copying them.

const { constants } = require('node:fs');

const { fileTooLarge, outOfRange } = require('../errors');
const { validateBoolean } = require('../validators');
const { readData, readMode, readOptions, readPath } = require('./arguments');
const { systemError } = require('./errors');

const {
  COPYFILE_EXCL,
  COPYFILE_FICLONE_FORCE,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
} = constants;

const CHUNK = 64 << 10;

/** The most bytes that Node reads at once. */
const MOST = 2 ** 31 - 1;

const decode = (buffer, encoding) =>
  encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;

/** @param {ReturnType<import('./descriptors').descriptors>} fds */
function contents(fds) {
  /** Reads from a descriptor up to the end of the file, or at most so many bytes. */
  function readUpTo(fd, most = Infinity) {
    const stats = fds.fstatSync(fd);
    const size = stats.isFile() ? stats.size : 0;
    if (Math.min(size, most) > MOST) throw fileTooLarge(readUpTo, size);
    // One byte more than the size, so that one read shows the end of most files.
    const chunks = [];
    let total = 0;
    let next = Math.min(size + 1, most);
    while (total < most) {
      const chunk = Buffer.allocUnsafeSlow(next);
      const count = fds.readSync(fd, chunk);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      total += count;
      if (total > MOST) throw fileTooLarge(readUpTo, total);
      next = Math.min(CHUNK, most - total);
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  function readFileSync(file, options) {
    const { encoding, flag } = readOptions(options, { flag: 'r' });
    const content = fds.withFile(file, flag, undefined, (fd) => readUpTo(fd));
    return decode(content, encoding);
  }

  function writeFileSync(file, data, options) {
    const defaults = { encoding: 'utf8', mode: 0o666, flag: 'w', flush: false };
    const { encoding, flag, flush, mode } = readOptions(options, defaults);
    const bytes = readData(data, encoding);
    validateBoolean(flush ?? false, 'options.flush');
    fds.withFile(file, flag, mode, (fd) => {
      fds.writeAll(fd, bytes);
      if (flush) fds.fsyncSync(fd);
    });
  }

  function appendFileSync(file, data, options) {
    writeFileSync(file, data, { flag: 'a', ...readOptions(options) });
  }

  function truncateSync(path, len) {
    fds.withFile(path, 'r+', undefined, (fd) => fds.ftruncateSync(fd, len));
  }

  function copyFileSync(src, dest, mode = 0) {
    const from = readPath(src, 'src');
    const to = readPath(dest, 'dest');
    readMode(mode);
    const most =
      constants.COPYFILE_EXCL |
      constants.COPYFILE_FICLONE |
      COPYFILE_FICLONE_FORCE;
    if (mode < 0 || mode > most)
      throw outOfRange(copyFileSync, 'mode', `>= 0 && <= ${most}`, mode);
    try {
      // There are no copy-on-write clones here.
      if (mode & COPYFILE_FICLONE_FORCE)
        throw systemError('ENOTSUP', 'copyfile');
      fds.withFile(from, O_RDONLY, undefined, (source) =>
        copyTo(
          source,
          to,
          O_WRONLY | O_CREAT | (mode & COPYFILE_EXCL ? O_EXCL : 0),
        ),
      );
    } catch (error) {
      if (error.syscall === undefined) throw error;
      throw systemError(error.code, 'copyfile', from, to);
    }
  }

  function copyTo(source, path, flags) {
    const { dev, ino } = fds.fstatSync(source, { bigint: true });
    fds.withFile(path, flags, undefined, (target) => {
      const there = fds.fstatSync(target, { bigint: true });
      // Copying a file onto itself must not truncate it.
      if (there.dev === dev && there.ino === ino) return;
      fds.ftruncateSync(target, 0);
      const chunk = Buffer.allocUnsafeSlow(CHUNK);
      for (;;) {
        const count = fds.readSync(source, chunk);
        if (count === 0) break;
        fds.writeAll(target, chunk.subarray(0, count));
      }
    });
  }

  return {
    readUpTo,
    readFileSync,
    writeFileSync,
    appendFileSync,
    truncateSync,
    copyFileSync,
  };
}

module.exports = { contents, decode };
