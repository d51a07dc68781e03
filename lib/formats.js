'use strict';

/* oxlint-disable no-control-regex -- they are bytes */

// Names the format of a file that is not a WebAssembly module, by its first bytes.

/** The magic number of WebAssembly's binary format. */
const MAGIC = '\0asm';
/** The layer field, which tells a component from a module, and its offset. */
const COMPONENT_LAYER = 1;
const LAYER = 6;

/** How many bytes are matched. */
const HEAD = 512;

const TEXT_FORMAT =
  "WebAssembly's text format, which has to be assembled first";

const FORMATS = [
  [
    /^\x7fELF|^MZ|^[\xcf\xce]\xfa\xed\xfe|^\xca\xfe\xba\xbe/,
    'a native program',
  ],
  [/^#!/, 'a script'],
  [/^\x1f\x8b/, 'compressed by gzip, and has to be unpacked first'],
  [/^\x28\xb5\x2f\xfd/, 'compressed by zstd, and has to be unpacked first'],
  [/^BZh|^\xfd7zXZ/, 'compressed, and has to be unpacked first'],
  [/^PK\x03\x04/, 'a zip archive'],
  [/^!<arch>/, 'a library of object files, which has to be linked first'],
  [/^BC\xc0\xde/, 'bitcode of LLVM'],
  [
    /^version https:\/\/git-lfs/,
    'a pointer of Git LFS to a file that is not here',
  ],
  [
    /^\s*<(!doctype|html|head|body|\?xml|!--)/i,
    'HTML or XML, such as a server sends in the place of a file that it does not have',
  ],
  [/^\s*(\(|;;)/, TEXT_FORMAT],
  [/^\s*[{[]/, 'JSON, as it seems'],
  [/^$/, 'empty'],
  [/^[\t\n\r\x20-\x7e\x80-\xff]+$/, 'text'],
];

/**
 * What a file is.
 *
 * @param {Buffer} bytes
 * @returns {{ isModule: boolean, detail?: string }} `detail` completes "it is …"
 */
function whatIs(bytes) {
  const start = bytes.toString('latin1', 0, HEAD);
  if (start.startsWith(MAGIC)) return { isModule: true };
  const [, detail] = FORMATS.find(([pattern]) => pattern.test(start)) ?? [];
  return { isModule: false, detail };
}

/** Whether bytes with the magic number are a component. */
function isComponent(bytes) {
  return bytes[LAYER] === COMPONENT_LAYER;
}

/** Whether bytes are a module to be assembled. */
function isTextFormat(bytes) {
  return whatIs(bytes).detail === TEXT_FORMAT;
}

/** Why bytes cannot be run; undefined if they may be a module. */
function reasonAgainst(bytes) {
  const { isModule, detail } = whatIs(bytes);
  if (!isModule) {
    const more = detail === undefined ? '' : `: it is ${detail}`;
    return `is no WebAssembly module${more}`;
  }
  if (!isComponent(bytes)) return undefined;
  return 'is a WebAssembly component, for WASI 0.2 or newer, and only modules of WASI preview1 can be run: build it for wasm32-wasip1, or run it with jco';
}

module.exports = { isTextFormat, reasonAgainst };
