'use strict';

// Reads and decompresses archives, and makes images of them.

const { kMaxLength } = require('node:buffer');
const { readFileSync } = require('node:fs');
const { fileURLToPath } = require('node:url');
const zlib = require('node:zlib');

const { loadBinding } = require('./core');
const { bufferOf, isBytes } = require('./bytes');
const { invalidArchive, invalidArgType } = require('./errors');
const { readSizeLimits } = require('./size-limits');

const { archiveLimits, imageOfArchive } = loadBinding();

/** The first bytes (magic numbers) of compressed files. */
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** The bytes of an archive, and its path if it has one. */
function open(archive) {
  if (isBytes(archive)) return { bytes: bufferOf(archive, 'archive') };
  if (archive instanceof URL) {
    return { bytes: readFileSync(archive), path: fileURLToPath(archive) };
  }
  if (typeof archive === 'string') {
    return { bytes: readFileSync(archive), path: archive };
  }
  throw invalidArgType(
    open,
    'archive',
    'of type string or an instance of ArrayBuffer, TypedArray, DataView, or URL',
    archive,
  );
}

function startsWith(bytes, magic) {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** The function that decompresses these bytes; undefined if they are not compressed. */
function decompressorOf(bytes) {
  if (startsWith(bytes, GZIP)) return zlib.gunzipSync;
  if (!startsWith(bytes, ZSTD)) return undefined;
  return (
    zlib.zstdDecompressSync ??
    (() => {
      throw new Error(
        `Node.js ${process.version} has no zstd, which those from 22.15.0 have`,
      );
    })
  );
}

/** Decompresses a tar archive, to no more bytes than an archive within the limits can have. */
function decompress({ bytes, path }, { maxBytes }) {
  const decompressor = decompressorOf(bytes);
  if (decompressor === undefined) return bytes;
  // Each file has a header, and perhaps a second one.
  const room = 2 * maxBytes + 2 ** 20;
  try {
    return decompressor(bytes, { maxOutputLength: Math.min(room, kMaxLength) });
  } catch (cause) {
    const problem =
      cause.code === 'ERR_BUFFER_TOO_LARGE'
        ? `the archive has more than the ${maxBytes} bytes allowed`
        : cause.message;
    throw invalidArchive(decompress, { problem }, path, cause);
  }
}

function read(kind, bytes, path, { maxBytes, maxFiles }) {
  const image = imageOfArchive(kind, bytes, maxBytes, maxFiles);
  if (image.problem === undefined) return image;
  throw invalidArchive(read, image, path);
}

/** The native image of a tar archive, which may be compressed. */
function readTar(archive, options) {
  const limits = readSizeLimits(options, 'options', archiveLimits);
  const opened = open(archive);
  return read('tar', decompress(opened, limits), opened.path, limits);
}

/** The native image of a zip archive. */
function readZip(archive, options) {
  const limits = readSizeLimits(options, 'options', archiveLimits);
  const { bytes, path } = open(archive);
  return read('zip', bytes, path, limits);
}

module.exports = { readTar, readZip };
