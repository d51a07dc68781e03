// Makes the guests of the benchmark from WAT: loops over WASI calls.

import wabt from 'wabt';

const { parseWat } = await wabt();

/** The parameters of the calls that the cases make. */
const PARAMS = {
  args_sizes_get: 'i32 i32',
  clock_time_get: 'i32 i64 i32',
  fd_close: 'i32',
  fd_fdstat_get: 'i32 i32',
  fd_filestat_get: 'i32 i32',
  fd_pread: 'i32 i32 i32 i64 i32',
  fd_prestat_get: 'i32 i32',
  fd_read: 'i32 i32 i32 i32',
  fd_readdir: 'i32 i32 i32 i64 i32',
  fd_seek: 'i32 i64 i32 i32',
  fd_tell: 'i32 i32',
  fd_write: 'i32 i32 i32 i32',
  path_create_directory: 'i32 i32 i32',
  path_filestat_get: 'i32 i32 i32 i32 i32',
  path_open: 'i32 i32 i32 i32 i32 i64 i64 i32 i32',
  path_readlink: 'i32 i32 i32 i32 i32 i32',
  path_remove_directory: 'i32 i32 i32',
  path_rename: 'i32 i32 i32 i32 i32 i32',
  path_symlink: 'i32 i32 i32 i32 i32',
  path_unlink_file: 'i32 i32 i32',
  poll_oneoff: 'i32 i32 i32 i32',
  random_get: 'i32 i32',
};

const IMPORTS = Object.entries(PARAMS)
  .map(
    ([name, params]) =>
      `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`,
  )
  .join('\n');

/** Escapes bytes for a string in WAT. */
const escape = (bytes) =>
  [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

/** Assembles a module from WAT fields, with the imports before them; returns its bytes. */
export function assembleFields(fields) {
  const text = `(module ${IMPORTS} (memory (export "memory") 32) ${fields})`;
  const parsed = parseWat('bench.wat', text);
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return buffer;
}

/**
 * Makes a module whose `run(n)` makes `calls` n times and returns the bitwise or of their
 * errnos.
 *
 * @param {{ calls?: string[], first?: string, data?: Record<number, Uint8Array | string>, run?: string }} guest
 *   calls: WAT expressions that return an errno; first: one that is made once before;
 *   data: the contents of memory by address; run: the whole function, instead of `calls`
 */
export function assemble({ calls = [], first, data = {}, run }) {
  const segments = Object.entries(data).map(
    ([at, bytes]) => `(data (i32.const ${at}) "${escape(Buffer.from(bytes))}")`,
  );
  const loop = `(func (export "run") (param $n i32) (result i32)
    (local $errno i32)
    (loop $again
      ${calls.map((call) => `(local.set $errno (i32.or (local.get $errno) ${call}))`).join('\n')}
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errno))`;
  const fields = `
    ${segments.join('\n')}
    (func (export "_initialize") ${first ? `(if ${first} (then unreachable))` : ''})
    ${run ?? loop}`;
  return new WebAssembly.Module(assembleFields(fields));
}

/** A call in WAT, with numbers as i32 and BigInts as i64. */
export const call = (name, ...args) =>
  `(call $${name} ${args
    .map((arg) =>
      typeof arg === 'bigint' ? `(i64.const ${arg})` : `(i32.const ${arg})`,
    )
    .join(' ')})`;

/** The bytes of little-endian 32-bit words. */
export const words = (...values) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
};
