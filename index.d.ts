/* oxlint-disable typescript/no-unsafe-declaration-merging -- a prototype has what its interface says */

// For Symbol.dispose, as @types/node has it.
/// <reference lib="esnext.disposable" />

import type { EventEmitter } from 'node:events';
import type * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type * as net from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** The constants of `node:fs`, such as `O_RDONLY`. */
export const constants: typeof fs.constants;

/** The functions of `node:fs` that {@link WASIFileSystem} has, with and without a callback. */
type FileSystemFunctions =
  | 'access'
  | 'appendFile'
  | 'copyFile'
  | 'fdatasync'
  | 'fstat'
  | 'fsync'
  | 'ftruncate'
  | 'futimes'
  | 'link'
  | 'lstat'
  | 'lutimes'
  | 'mkdir'
  | 'readFile'
  | 'readdir'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile';

/** Those that are synchronous without a callback. */
type ImmediateFunctions = 'close' | 'open' | 'read' | 'write';

/** The functions of `node:fs` that return promises. */
type PromisingFunctions = Exclude<
  FileSystemFunctions,
  'fdatasync' | 'fstat' | 'fsync' | 'ftruncate' | 'futimes'
>;

/** What {@link WASIPromises.open} resolves to: a part of the `FileHandle` of `node:fs`. */
export type WASIFileHandle = AsyncDisposable &
  Pick<
    FileHandle,
    | 'appendFile'
    | 'close'
    | 'datasync'
    | 'fd'
    | 'read'
    | 'readFile'
    | 'stat'
    | 'sync'
    | 'truncate'
    | 'utimes'
    | 'write'
    | 'writeFile'
  >;

/** The functions of {@link WASIFileSystem} as promises. */
export interface WASIPromises extends Pick<
  typeof fs.promises,
  PromisingFunctions | 'constants'
> {
  open(
    path: fs.PathLike,
    flags?: string | number,
    mode?: fs.Mode,
  ): Promise<WASIFileHandle>;
}

/**
 * A file system with the names, arguments, results and errors of `node:fs`.
 *
 * All functions work synchronously; callbacks are called, and promises settle,
 * later. Modes are checked, and have no effect: WASI has no permissions. Times
 * before 1970 are EINVAL.
 */
export interface WASIFileSystem extends Pick<
  typeof fs,
  | FileSystemFunctions
  | `${FileSystemFunctions | ImmediateFunctions}Sync`
  | 'constants'
  | 'exists'
  | 'existsSync'
> {
  readonly promises: WASIPromises;

  /** With a callback `open` of `node:fs`, without one `openSync`. */
  readonly open: typeof fs.open & typeof fs.openSync;

  /** With a callback `close` of `node:fs`, without one `closeSync`. */
  readonly close: typeof fs.close & typeof fs.closeSync;

  /**
   * With a callback `read` of `node:fs`; with a buffer and no callback `readSync`.
   * With neither, it returns the bytes from the descriptor's offset to the end of
   * the file, or at most `length` of them.
   */
  readonly read: ((fd: number, length?: number) => Buffer) &
    typeof fs.read &
    typeof fs.readSync;

  /** With a callback `write` of `node:fs`, without one `writeSync`. */
  readonly write: typeof fs.write & typeof fs.writeSync;
}

/** The functions of one version of WASI, by name. */
export interface WASIFunctions {
  // As loose as in Node's own types: programs replace single functions, and
  // WebAssembly's types are not part of every project.
  [name: string]: any;
}

/** What {@link WASI.getImportObject} returns. */
export interface WASIImports {
  [module: string]: WASIFunctions;
}

/**
 * A right of a descriptor, by its name in the witx of preview1. Descriptors that
 * are opened through a preopen inherit its rights.
 */
export type WASIRight =
  | 'fd_datasync'
  | 'fd_read'
  | 'fd_seek'
  | 'fd_fdstat_set_flags'
  | 'fd_sync'
  | 'fd_tell'
  | 'fd_write'
  | 'fd_advise'
  | 'fd_allocate'
  | 'path_create_directory'
  | 'path_create_file'
  | 'path_link_source'
  | 'path_link_target'
  | 'path_open'
  | 'fd_readdir'
  | 'path_readlink'
  | 'path_rename_source'
  | 'path_rename_target'
  | 'path_filestat_get'
  | 'path_filestat_set_size'
  | 'path_filestat_set_times'
  | 'fd_filestat_get'
  | 'fd_filestat_set_size'
  | 'fd_filestat_set_times'
  | 'path_symlink'
  | 'path_remove_directory'
  | 'path_unlink_file'
  | 'poll_fd_readwrite'
  | 'sock_shutdown'
  | 'sock_accept';

/** The calls of WASI, by their names in the witx. */
export type WASICall =
  | 'args_get'
  | 'args_sizes_get'
  | 'clock_res_get'
  | 'clock_time_get'
  | 'environ_get'
  | 'environ_sizes_get'
  | 'fd_advise'
  | 'fd_allocate'
  | 'fd_close'
  | 'fd_datasync'
  | 'fd_fdstat_get'
  | 'fd_fdstat_set_flags'
  | 'fd_fdstat_set_rights'
  | 'fd_filestat_get'
  | 'fd_filestat_set_size'
  | 'fd_filestat_set_times'
  | 'fd_pread'
  | 'fd_prestat_get'
  | 'fd_prestat_dir_name'
  | 'fd_pwrite'
  | 'fd_read'
  | 'fd_readdir'
  | 'fd_renumber'
  | 'fd_seek'
  | 'fd_sync'
  | 'fd_tell'
  | 'fd_write'
  | 'path_create_directory'
  | 'path_filestat_get'
  | 'path_filestat_set_times'
  | 'path_link'
  | 'path_open'
  | 'path_readlink'
  | 'path_remove_directory'
  | 'path_rename'
  | 'path_symlink'
  | 'path_unlink_file'
  | 'poll_oneoff'
  | 'proc_exit'
  | 'proc_raise'
  | 'random_get'
  | 'sched_yield'
  | 'sock_accept'
  | 'sock_recv'
  | 'sock_send'
  | 'sock_shutdown';

/**
 * A capability of a guest: a group of calls, or a single call.
 *
 * - `args`: its command line, `args_get` and `args_sizes_get`
 * - `env`: its environment, `environ_get` and `environ_sizes_get`
 * - `clock`: the time, `clock_time_get` and `clock_res_get`
 * - `random`: `random_get`
 * - `stdio`: reading and writing its standard streams, and the calls
 *   about descriptors that are common to these and files, such as `fd_close`
 * - `fs:read`: reading files and directories, with those common calls
 * - `fs:write`: creating, changing, moving and removing them, with those common
 *   calls; it does not include reading files or listing directories
 * - `poll`: waiting, `poll_oneoff` and `sched_yield`
 * - `sockets`: `sock_accept`, `sock_recv`, `sock_send` and `sock_shutdown` on its
 *   sockets and on standard streams that are sockets, reading and writing the
 *   connections that are accepted, and those common calls
 * - `exit`: `proc_exit` and `proc_raise`
 *
 * The name of a call adds that call, on any descriptor that the guest has. A prefix
 * that ends before an underscore stands for all calls that begin with it:
 * `fd_prestat` for `fd_prestat_get` and `fd_prestat_dir_name`. Either may have the
 * name of the module before it: `wasi_snapshot_preview1:fd_prestat`.
 */
export type WASICapability =
  | 'args'
  | 'env'
  | 'clock'
  | 'random'
  | 'stdio'
  | 'fs:read'
  | 'fs:write'
  | 'poll'
  | 'sockets'
  | 'exit'
  | WASICall
  | WASICallPrefix<WASICall>
  | WASICallOfModule;

/** A call, or a prefix of calls, with the name of the module. */
export type WASICallOfModule =
  `${'wasi_snapshot_preview1' | 'wasi_unstable'}:${WASICall | WASICallPrefix<WASICall>}`;

/** The prefixes of a name that end before an underscore. */
export type WASICallPrefix<Name extends string> =
  Name extends `${infer First}_${infer Rest}`
    ? First | `${First}_${WASICallPrefix<Rest>}`
    : never;

/**
 * Files and directories as plain objects. A key is a name, or a path; in the
 * outermost object it may begin with a slash. Strings are the content of a file, in
 * UTF-8; plain objects are directories. A path has at most 4095 bytes.
 */
export interface FileTree {
  readonly [path: string]: FileContent | FileEntry | FileTree;
}

/** The content of a file in a {@link FileTree}. A string is encoded in UTF-8. */
export type FileContent = string | ArrayBuffer | ArrayBufferView;

/**
 * Made by {@link file} and {@link symlink}, so that no plain object can be
 * mistaken for one.
 */
export interface FileEntry {
  readonly kind: 'file' | 'symlink';
}

/**
 * A file of a {@link FileTree} with attributes, or a file that is mounted by itself:
 * see {@link WASIMountable}.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for content or a time of another
 *   type; `ERR_INVALID_ARG_VALUE` for an invalid date, another option, or an ArrayBuffer
 *   that has been transferred
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for a time before 1970, or from
 *   2 ** 64 nanoseconds after that
 */
export function file(
  content: FileContent,
  options?: {
    /**
     * The time of last modification: a Date, or nanoseconds since 1970.
     *
     * @default the time at which the file system is made
     */
    mtime?: Date | bigint | undefined;
  },
): FileEntry;

/**
 * A symbolic link of a {@link FileTree}. A target that begins with a slash is a path
 * in the guest, any other is relative to the directory of the link. It need not
 * exist.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a target of another type;
 *   `ERR_INVALID_ARG_VALUE` for one that is empty, has more than 4095 bytes, or a
 *   NUL
 */
export function symlink(target: string | Uint8Array): FileEntry;

/** How much a {@link MemoryFS} may hold. A call that needs more fails with ENOSPC. */
export interface MemoryFSLimits {
  /**
   * Bytes of memory, from 0, or `Infinity`: contents as far as they were written,
   * names, and 128 to 768 bytes for each file, directory and link.
   *
   * @default 268435456
   */
  maxBytes?: number | undefined;

  /**
   * Files, directories and symbolic links, from 0, or `Infinity`. The root is not
   * counted.
   *
   * @default 65536
   */
  maxFiles?: number | undefined;
}

/**
 * A file system in memory, which behaves as Linux's tmpfs does. It, or a directory
 * of it, can be a preopen of guests. The host uses it by its methods, which are the
 * functions of `node:fs`; absolute and relative paths begin at its root.
 *
 * Any number of guests may have it at the same time, and one guest several times.
 * Its memory is freed when it and all guests that have it have been collected.
 *
 * @example
 * import { readFile } from 'node:fs/promises';
 * import { MemoryFS, WASI } from 'wasi-rs';
 *
 * const memory = new MemoryFS({ 'in.csv': 'name,count\n' });
 * memory.appendFileSync('/in.csv', 'Assam,3\n');
 *
 * const wasi = new WASI({
 *   version: 'preview1',
 *   args: ['app.wasm', '/data/in.csv'],
 *   preopens: { '/data': memory },
 * });
 * const module = await WebAssembly.compile(await readFile('app.wasm'));
 * const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
 * process.exitCode = wasi.start(instance);
 */
export class MemoryFS {
  /**
   * Makes a file system with a copy of a tree, or over an image, whose bytes are
   * shared until they are written. Without `base` it is empty.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a tree, content or limit of
   *   another type; `ERR_INVALID_ARG_VALUE` for a key that is not a path, a path that
   *   occurs twice, an object that contains itself, or an unknown limit. The message
   *   names the property: `tree['lib']['x.py']`
   * @throws {RangeError} `ERR_OUT_OF_RANGE` for a limit that is not a whole number
   *   from 0
   * @throws {Error} `ENOSPC` for a tree that is beyond the limits
   */
  constructor(base?: FileTree | Image, limits?: MemoryFSLimits);

  /**
   * Makes an overlay of a directory of the host: reads come from the directory, and
   * changes stay in memory, until {@link MemoryFS.applyTo}. The host follows no
   * symbolic link in the directory. Each directory is listed once, when a call first
   * reads it, so later changes by others are not seen, except in the bytes of files.
   * Devices, FIFOs and sockets are left out.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` as the
   *   constructor
   * @throws {Error} the error of `open(2)` on the directory; `ERR_ACCESS_DENIED` if
   *   Node's permission model does not allow WASI
   */
  static overlay(directory: string | URL, limits?: MemoryFSLimits): MemoryFS;

  /** How much it holds, counted as by {@link MemoryFSLimits}. Both are 0 when it is empty. */
  readonly usage: { readonly bytes: number; readonly files: number };

  /**
   * Copies a directory into a tree, which the constructor takes: a `Uint8Array` for
   * each file, a {@link symlink} for each link, and a plain object for each directory.
   * Hard links become files of their own, and times are lost.
   *
   * @param path the directory, `'/'` by default
   * @throws {Error} the error of `readdirSync`; `EILSEQ` for a name that is not
   *   UTF-8 and so cannot be a key; `ERR_FS_FILE_TOO_LARGE` for a file of 2 GiB and
   *   more
   */
  export(path?: fs.PathLike): ExportedTree;

  /**
   * Lists the differences from the image or directory below, ordered by path. Without
   * one, everything is `created`. As `snapshot()` and `toTar()`, this walks the whole
   * tree; a guest in another thread that changes names meanwhile waits.
   *
   * @throws {Error} `ENAMETOOLONG` for a path of more than 4095 bytes, which a
   *   guest can make
   */
  changes(): WASIChange[];

  /**
   * Makes an image of the present state. Nothing is copied, except files in a
   * directory of the host. Later writes do not change the image.
   */
  snapshot(): Image;

  /**
   * Makes a tar archive of everything or, with `changes`, of the differences from the
   * image below, as a layer of a container image: first a whiteout for each name
   * that was removed, which is an empty file with `.wh.` before the name; then what
   * was created, modified or renamed. A renamed directory is in it with all its files.
   *
   * @throws {Error} `EFBIG` for an archive of more than `maxBytes`; `ENOSPC` if there
   *   is not enough memory; `ENAMETOOLONG` as {@link MemoryFS.changes}; `EINVAL` for a
   *   file in a layer whose name begins with `.wh.`; `EIO` for a file of a damaged
   *   archive
   */
  toTar(options?: {
    /** @default false */
    changes?: boolean | undefined;
    /**
     * The most bytes of the archive, or `Infinity`. Holes in files are written as
     * zeros.
     *
     * @default 1073741824
     */
    maxBytes?: number | undefined;
  }): Buffer;

  /**
   * Applies the changes to a directory of the host: the one below the overlay, or
   * another. Nothing outside of it is touched, and no link in it is followed. First
   * all files are written to a new directory in it; then they are renamed to their
   * places; until then nothing is changed. Files from the directory below keep their
   * permissions, but lose `S_ISUID` and `S_ISGID`; files that were created in memory
   * get those of new files.
   *
   * @throws {Error} the error of the host, with the `path`: `ENOTDIR` or `ELOOP` if a
   *   link or a file is in the place of a directory. What was applied before that
   *   stays. `ENAMETOOLONG` as {@link MemoryFS.changes}; `ERR_ACCESS_DENIED` if Node's
   *   permission model does not allow WASI
   */
  applyTo(directory: string | URL): void;
}

/** A difference between a {@link MemoryFS} and its base. */
export interface WASIChange {
  /**
   * The present path; for `removed`, the path in the base. It has no slash in front.
   * Bytes that are not UTF-8 are replaced by U+FFFD.
   */
  path: string;

  /**
   * - `created`: it is not in the base; this includes a new hard link to a file
   * - `modified`: its content or times have changed, or another entry of its kind has
   *   replaced it. Directories are never `modified`
   * - `removed`: it was removed; a directory with everything that was in it
   * - `renamed`: it has another path in the base; a directory with everything in it
   */
  type: 'created' | 'modified' | 'removed' | 'renamed';

  kind: 'file' | 'directory' | 'symlink';

  /** The path in the base, if it was renamed. */
  from?: string;
}

/** Limits on the unpacked size of an archive. */
export interface ArchiveLimits {
  /**
   * Bytes in all files together, from 0, or `Infinity`.
   *
   * @default 1073741824
   */
  maxBytes?: number | undefined;

  /**
   * Files, directories and links, from 0, or `Infinity`.
   *
   * @default 1048576
   */
  maxFiles?: number | undefined;
}

/**
 * An immutable tree of files. Any number of guests and {@link MemoryFS} can share it,
 * in all threads of the process, without copying. As a preopen it is read-only.
 *
 * @example
 * import { readFile } from 'node:fs/promises';
 * import { Image, MemoryFS, WASI } from 'wasi-rs';
 *
 * const image = Image.from({ 'in.csv': 'name,count\nAssam,3\n' });
 * const memory = new MemoryFS(image);
 * const wasi = new WASI({
 *   version: 'preview1',
 *   args: ['app.wasm', '/data/in.csv'],
 *   preopens: { '/data': memory },
 * });
 * const module = await WebAssembly.compile(await readFile('app.wasm'));
 * const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
 * process.exitCode = wasi.start(instance);
 * const changes = memory.changes(); // [], as this guest has only read
 */
export class Image {
  private constructor();

  /**
   * Makes an image of a tree.
   *
   * @throws as the constructor of {@link MemoryFS}
   */
  static from(tree: FileTree): Image;

  /**
   * Makes an image of a tar archive, given by its bytes, path or URL. It may be
   * compressed with gzip, or with zstd if Node has it (from 22.15). The files refer to
   * the bytes of the archive, which are not copied. Absolute names are made relative;
   * of several members with one name the last counts; devices and FIFOs are left out.
   *
   * @throws {ArchiveError} `ERR_WASI_INVALID_ARCHIVE` if it is not a tar archive,
   *   is truncated or too large, or has a member whose path leads out of the archive
   *   or through a link, or that has another type which an image cannot have
   * @throws {Error} the error of `readFileSync` for a path
   */
  static fromTar(
    archive: ArrayBuffer | ArrayBufferView | string | URL,
    limits?: ArchiveLimits,
  ): Image;

  /**
   * Makes an image of a zip archive, likewise. A file is inflated when it is first
   * opened; if it has not the declared size and checksum, that is EIO.
   *
   * @throws as {@link Image.fromTar}
   */
  static fromZip(
    archive: ArrayBuffer | ArrayBufferView | string | URL,
    limits?: ArchiveLimits,
  ): Image;

  /**
   * Makes an image of a directory of the host, by copying it. No link is followed;
   * devices, FIFOs and sockets are left out.
   *
   * @throws as {@link MemoryFS.overlay}
   */
  static fromDirectory(directory: string | URL): Image;

  /**
   * Returns the image with this handle. It may be from another thread, as long as the
   * {@link Image} is reachable there.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for another type,
   *   `ERR_INVALID_ARG_VALUE` if there is no such image
   */
  static open(handle: bigint): Image;

  /**
   * A number by which another thread of this process can {@link Image.open} this
   * image. It cannot be guessed.
   */
  readonly handle: bigint;

  /** The number of files, directories and symbolic links, without the root. */
  readonly files: number;

  /** The size of all files together, in bytes. */
  readonly bytes: number;

  /**
   * Makes a tar archive of the image.
   *
   * @throws as {@link MemoryFS.toTar}
   */
  toTar(options?: {
    /** @default 1073741824 */
    maxBytes?: number | undefined;
  }): Buffer;
}

/** The error for an invalid archive. */
export interface ArchiveError extends Error {
  code: 'ERR_WASI_INVALID_ARCHIVE';
  /** The member that is invalid, if it is a single one. */
  member?: string;
  /** The archive, if it was given as a path. */
  path?: string;
}

export interface MemoryFS extends WASIFileSystem {}

/** What {@link MemoryFS.export} returns. */
export interface ExportedTree {
  [name: string]: Uint8Array | FileEntry | ExportedTree;
}

/**
 * A file system of JavaScript: an object with the synchronous functions of
 * `node:fs`, such as memfs, unionfs, ZenFS, `node:vfs` or `node:fs` itself. The
 * functions are looked up at each call. Those that are not optional here are
 * required; any other that is missing is ENOTSUP for the guest.
 *
 * An error whose `code` is one of POSIX is that errno for the guest; anything else
 * that is thrown ends the guest, and {@link WASI.start} throws it unchanged.
 *
 * It is given as a preopen, `{ '/tmp': fs }`; or a directory in it is, by
 * `{ '/srv': { fs: require('node:fs'), path: '/srv' } }`.
 *
 * @see docs/file-systems.md
 */
export interface SyncFileSystem {
  /** `flags` are `'r'`, `'r+'`, `'wx+'`, or `O_WRONLY`. It returns a number from 0. */
  openSync(path: string, flags: string | number, mode?: number): number;
  closeSync(fd: number): void;
  /** Returns the number of bytes read, from 0 to `length`; 0 at the end. */
  readSync(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): number;
  /** Returns names, or objects with a `name` and the functions of a `Dirent`. */
  readdirSync(
    path: string,
    options: { withFileTypes: true },
  ): readonly (string | Uint8Array | { name: string | Uint8Array })[];
  /** Attributes of a file, of a link itself. `statSync` is enough for a file system without links. */
  lstatSync?(
    path: string,
    options: { bigint: true; throwIfNoEntry: false },
  ): SyncStats | undefined;
  statSync?(
    path: string,
    options: { bigint: true; throwIfNoEntry: false },
  ): SyncStats | undefined;
  /** Returns the number of bytes written, from 1 to `length`. */
  writeSync?(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): number;
  fstatSync?(fd: number, options: { bigint: true }): SyncStats;
  ftruncateSync?(fd: number, length: number): void;
  /** Times are in seconds. */
  futimesSync?(fd: number, atime: number, mtime: number): void;
  /** Times are in seconds. `utimesSync` is enough for what is not a link. */
  lutimesSync?(path: string, atime: number, mtime: number): void;
  utimesSync?(path: string, atime: number, mtime: number): void;
  fsyncSync?(fd: number): void;
  fdatasyncSync?(fd: number): void;
  mkdirSync?(path: string, mode: number): unknown;
  rmdirSync?(path: string): void;
  /** Used for an empty directory, if `rmdirSync` fails with ENOTEMPTY. */
  rmSync?(path: string, options: { recursive: true }): void;
  unlinkSync?(path: string): void;
  renameSync?(oldPath: string, newPath: string): void;
  linkSync?(existingPath: string, newPath: string): void;
  symlinkSync?(target: string, path: string): void;
  readlinkSync?(path: string, encoding: 'buffer'): string | Uint8Array;
}

/** The attributes of a file in a {@link SyncFileSystem}: a `Stats` or `BigIntStats` of `node:fs`. */
export interface SyncStats {
  /** With the file type (`S_IFMT`); without one, `isFile()` and the like are called. */
  mode?: number | bigint;
  /** In bytes. */
  size: number | bigint;
  nlink?: number | bigint;
  ino?: number | bigint;
  /** Milliseconds since 1970, as `mtimeMs` and `ctimeMs`. `atimeNs` and the like, if present, are used instead. */
  atimeMs?: number | bigint;
  mtimeMs?: number | bigint;
  ctimeMs?: number | bigint;
}

/**
 * What can be given to a guest at a path: a directory of the host by its path, a file
 * system, a {@link file}, or one of these with restrictions.
 */
export type WASIMountable =
  | string
  | MemoryFS
  | Image
  | WASIFileSystem
  | SyncFileSystem
  | FileEntry
  | WASIPreopen;

/** A directory or a file, and what the guest may do in it. */
export type WASIPreopen = WASIPreopenRights &
  (
    | {
        /** The directory's path on the host. */
        path: string;
        fs?: undefined;
      }
    | {
        /**
         * The file system that the directory is in, if it is not the host's: a
         * {@link MemoryFS}, an {@link Image}, which is read-only, {@link WASI.fs} of
         * another guest, or a file system of JavaScript. Or a {@link file}, without
         * `path`.
         */
        fs: MemoryFS | Image | WASIFileSystem | SyncFileSystem | FileEntry;

        /**
         * The path of the directory or file in that file system. Links on the way
         * cannot lead above its root.
         *
         * @default the directory where relative paths begin: its root
         */
        path?: string | undefined;
      }
  );

/** What a guest may do in a preopen. */
export interface WASIPreopenRights {
  /**
   * Whether the guest may change nothing in it: no content, name, time or size. A call
   * that would returns 76 (ENOTCAPABLE), however it gets there: through a symbolic
   * link in another preopen, by linking or moving a file into it, by a descriptor that
   * was opened before.
   *
   * It holds however the directory is reached, also through a preopen above it. Only
   * if another preopen is the same directory, that one has its own permissions. The
   * host may still update access times (`atime`), as for any reader.
   *
   * @default false
   */
  readOnly?: boolean | undefined;

  /**
   * The rights of the preopen and of what is opened through it; by default all. The
   * guest can read them by `fd_fdstat_get`.
   *
   * Opening a file needs `path_open`; opening it for writing, which `fd_allocate` and
   * `fd_filestat_set_size` require, also needs `fd_write`. `path_filestat_set_size` is
   * the right to truncate a file by `O_TRUNC`. With `readOnly`, rights to change
   * anything have no effect.
   *
   * @default all rights
   */
  rights?: readonly WASIRight[] | undefined;
}

/**
 * Limits on what a guest may use. No ordinary program comes near the defaults. A call
 * that goes beyond a limit returns the error number that is given here, and has no
 * other effect.
 *
 * There are no further limits, as nothing else that the host allocates for a guest has
 * a size that the guest chooses. `fd_readdir` caches, for all descriptors of a guest
 * together, at most 1 MiB of directory entries and 2 MiB of positions, and some
 * hundred bytes for each descriptor. `fd_read` and the like have no buffers: they read
 * into the guest's memory.
 */
export interface WASILimits {
  /**
   * Open descriptors at a time, from 0 to 1048576. Standard streams and preopens
   * count, but the guest has them even if they are more. Beyond: 41 (ENFILE).
   *
   * @default 4096
   */
  descriptors?: number | undefined;

  /**
   * Buffers in one call that reads or writes: from 1 to 1024.
   * Beyond: 28 (EINVAL).
   *
   * @default 1024
   */
  iovecs?: number | undefined;

  /**
   * Subscriptions in one `poll_oneoff`: from 1 to 65536.
   * Beyond: 28 (EINVAL).
   *
   * @default 4096
   */
  subscriptions?: number | undefined;

  /**
   * Bytes of a path, and of the target of a symbolic link that the guest makes:
   * from 1 to 4095. Beyond: 37 (ENAMETOOLONG).
   *
   * @default 4095
   */
  pathLength?: number | undefined;

  /**
   * Symbolic links that are followed in one path, the last component included: from
   * 0 to 40. With less than 40, paths are resolved component by component and not by
   * the system in one call, which takes longer. Beyond: 32 (ELOOP).
   *
   * @default 40
   */
  symlinkHops?: number | undefined;

  /**
   * The size of the buffer of `random_get`, in bytes, from 1 to 65536. A guest gets
   * as many bytes as it asks for, whatever the size is.
   *
   * @default 4096
   */
  randomChunk?: number | undefined;
}

/** What {@link WASI} can be constructed with. */
export interface WASIOptions {
  /**
   * The version of WASI that the guest was compiled for, as its imports say.
   * `'preview1'` is `wasi_snapshot_preview1`, `'unstable'` is the older
   * snapshot 0, `wasi_unstable`, with its own record layouts.
   */
  version: 'preview1' | 'unstable';

  /**
   * The guest's command line, with the program's name first. Elements are converted
   * to strings; each ends at its first NUL character.
   *
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The guest's environment: the own enumerable properties of an object. Those whose
   * value is `undefined` are left out, other values are converted to strings.
   * `process.env` is not inherited; give it here if the guest is to have it.
   *
   * @default {}
   */
  env?: object | undefined;

  /**
   * The directories that the guest may use: each key is a path in the guest, its value
   * a directory of the host or a file system. The constructor opens them, and the
   * guest has them as descriptors from 3 on, in the order of `Object.entries()`. The
   * guest cannot reach anything outside of them.
   *
   * A file system is also a mount point: paths from preopens above it lead into it.
   * A directory of the host is not, as under node:wasi. A single file (a {@link file},
   * or `fs` and `path`) is mounted at its path; if no preopen is above it, its
   * directory becomes a read-only preopen with nothing else in it.
   *
   * An object with a property of {@link WASIPreopen}, its own or inherited from its
   * class, is one, and so is an object that `String()` does not convert to a path.
   * Other values are converted to strings, as by Node.
   *
   * @default {}
   */
  preopens?:
    | {
        readonly [guestPath: string]: WASIMountable | undefined;
      }
    | undefined;

  /**
   * What `proc_exit` does. With `true`, {@link WASI.start} returns the exit code. With
   * `false`, `process.exit()` is called with it, which ends the process or, in a
   * worker, the worker.
   *
   * @default true
   */
  returnOnExit?: boolean | undefined;

  /**
   * Whether the guest has a directory `/dev` with the devices that programs expect:
   * `null`, `zero`, `random`, `urandom`, and `stdin`, `stdout` and `stderr`, which are
   * its own standard streams. None of them is a device of the host, and nothing in the
   * directory can be created, removed or renamed (`EROFS`). It is the last preopen;
   * together with another preopen named `/dev` it is an error.
   *
   * @default false
   *
   * @example
   * const wasi = new WASI({ version: 'preview1', devices: true });
   */
  devices?: boolean | undefined;

  /**
   * The guest's standard input. As with `node:wasi`:
   *
   * - a number from 0 to 2147483647: a file descriptor of the host. It must be
   *   open, and stays open when the guest closes its own
   *
   * And beyond that:
   *
   * - `'inherit'`: that of the process; `'ignore'`: empty
   * - `'pipe'`: {@link input}, or empty
   * - bytes: a copy of them, and then the end
   * - a {@link WASIReader}: a function that is called whenever the guest reads and
   *   all that it returned before has been read
   *
   * `'pipe'`, bytes and functions are pipes to the guest, which never block. And for
   * {@link WASI.startAsync}, where the engine has `WebAssembly.Suspending`:
   *
   * - a stream of Node or the Web, or an asynchronous iterable, of strings and bytes.
   *   It is read from the guest's first read on, some 64 KiB ahead, and left open when
   *   the guest is over. An error of it ends the guest, and rejects the promise
   *
   * @default 0
   */
  stdin?:
    | WASIStdio
    | WASIReader
    | ArrayBufferView
    | ArrayBuffer
    | NodeJS.ReadableStream
    | AsyncIterable<string | ArrayBufferView | ArrayBuffer>
    // A ReadableStream of the Web.
    | { getReader: unknown }
    | undefined;

  /**
   * The guest's standard output. As with `node:wasi`:
   *
   * - a number: a file descriptor of the host, as for {@link stdin}
   *
   * And beyond that:
   *
   * - `'inherit'`: that of the process; `'ignore'`: discarded
   * - `'pipe'`: buffered, up to {@link maxBuffer}, in {@link WASI.stdout}
   * - a {@link WASIWriter}: a function that is called with what the guest writes
   * - for {@link WASI.startAsync}: a writable stream of Node or the Web, which is written
   *   with backpressure, and not ended
   *
   * @default 1
   */
  stdout?: WASIStdio | WASIWriter | WASIWritable | undefined;

  /**
   * The guest's standard error: as {@link stdout}, with {@link WASI.stderr} for `'pipe'`.
   *
   * @default 2
   */
  stderr?: WASIStdio | WASIWriter | WASIWritable | undefined;

  /**
   * What the guest reads from standard input, if `stdin` is `'pipe'` or is not given:
   * a string, which is encoded in UTF-8, or bytes, which are copied.
   */
  input?: string | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * How many bytes of each output that is a `'pipe'` are buffered: from 0, or
   * `Infinity`. A guest that writes more is ended by a `RangeError` with the code
   * `ERR_CHILD_PROCESS_STDIO_MAXBUFFER`, which {@link WASI.start} throws; the buffer
   * then has the first `maxBuffer` bytes.
   *
   * @default 104857600
   */
  maxBuffer?: number | undefined;

  /**
   * Limits on what the guest may use.
   *
   * @default {}
   */
  limits?: WASILimits | undefined;

  /**
   * The calls that the guest may make; by default all. Any other call returns 76
   * (ENOTCAPABLE), before its arguments are checked, and has no effect.
   *
   * Programs expect some calls to work. One that was built with wasi-libc exits with
   * code 71 before its `main` if it may not ask for the preopens (`fd_prestat_get`, in
   * `stdio`, `fs:read` and `fs:write`) or, if it uses them, its arguments (`args`) and
   * its environment (`env`). Without `exit`, `proc_exit` returns to the guest: a
   * program of wasi-libc that exits with another code than 0 then traps, and
   * {@link WASI.start} throws that.
   *
   * @example
   * // A filter: from standard input to standard output, and nothing else. Its
   * // arguments and its environment are empty, but it may ask for them.
   * const wasi = new WASI({
   *   version: 'preview1',
   *   capabilities: ['args', 'env', 'stdio', 'exit'],
   * });
   */
  capabilities?: readonly WASICapability[] | undefined;

  /**
   * Whether the guest may have threads (wasi-threads), and how many: `true` is four for
   * each processor of the machine. {@link WASI.getImportObject} then needs `module` and
   * `memory`.
   *
   * The standard streams of a guest with threads cannot be functions, or streams of
   * Node or the Web.
   *
   * @default false
   */
  threads?: boolean | WASIThreads | undefined;

  /**
   * Sockets at which the guest accepts connections. In the guest they have the lowest
   * descriptor numbers after its {@link preopens}, and are non-blocking until it clears
   * `NONBLOCK`. {@link WASI.listeners} has their addresses.
   *
   * @default []
   *
   * @example
   * const wasi = new WASI({ version: 'preview1', listeners: [{ port: 0 }] });
   * wasi.listeners[0]?.address(); // { address: '127.0.0.1', family: 'IPv4', port: 40279 }
   */
  listeners?: readonly WASIListenerSource[] | undefined;

  /**
   * Connected sockets, with the descriptor numbers after the {@link listeners}: a
   * descriptor of the host, which is not closed after the guest; or a `net.Socket` with
   * empty buffers, of which the guest gets a duplicate, and which is then destroyed.
   * Not on Windows.
   *
   * @default []
   */
  connections?: readonly (net.Socket | number)[] | undefined;

  /**
   * Where calls of the guest are traced to when they return, as by strace:
   *
   * - `true`: standard error of the process; a number: a descriptor, which must be
   *   open. A line each, such as
   *   `path_open(3, "data/x", CREAT|TRUNC) = notcapable <0.000012>`
   * - a stream of Node: the same lines. It buffers what it cannot write before the event
   *   loop runs. If it has ended or failed, the guest goes on without a trace
   * - a function that is called with a {@link WASITraceCall}. What it throws ends the
   *   guest, and {@link WASI.start} throws it unchanged. If it has the guest make
   *   calls, these are not traced
   * - a {@link WASITraceOptions}: which calls, and how
   *
   * An error of writing to the descriptor ends the guest likewise, except `EPIPE`, which
   * ends the trace. Without this option there is no cost. With
   * `NODE_DEBUG_NATIVE=wasi` in the environment the default is `true`.
   *
   * @default false
   */
  trace?: boolean | WASITraceTarget | WASITraceOptions | undefined;

  /**
   * The guest's clocks, if they are not to be the host's. With a given time and a seed
   * ({@link random}) a guest does the same in each run. The times of files are still
   * those of the host.
   */
  clock?: WASIClock | undefined;

  /**
   * The guest's random bytes, for `random_get` and `/dev/urandom`: those of a seed, or
   * those that a function writes to the array that it is called with, which has at
   * most {@link WASILimits.randomChunk} bytes. What the function throws ends the guest,
   * and {@link WASI.start} throws it unchanged; if it returns a promise, that is a
   * `TypeError`. Functions are for the class and {@link runSync}.
   *
   * @default those of the system
   */
  random?:
    | {
        /**
         * The key of a ChaCha20 generator: a number from 0, a `bigint` below 2 ** 64, or 1
         * to 32 bytes. A number becomes 8 bytes, little-endian; fewer than 32 bytes are
         * padded with zeros.
         */
        seed: number | bigint | ArrayBufferView | ArrayBuffer;
      }
    | ((bytes: Uint8Array) => void)
    | undefined;
}

/**
 * The clocks of a guest. Times are nanoseconds, from 0 up and below 2 ** 64.
 *
 * The CPU-time clocks show the time of the monotonic clock, unless that is the host's.
 * A function is called for each reading, and while the guest waits. What it throws ends
 * the guest, and {@link WASI.start} throws it unchanged; a result other than a `bigint`
 * is a `TypeError`. Functions are for the class and {@link runSync}.
 */
export interface WASIClock {
  /**
   * The time since 1970 at which the realtime clock begins, or a function that returns
   * its time.
   *
   * @default that of the host
   */
  realtime?: Date | bigint | (() => bigint) | undefined;

  /**
   * The time at which the monotonic clock begins, or a function that returns its time.
   *
   * @default 0 if `realtime` is a time, else that of the host
   */
  monotonic?: bigint | (() => bigint) | undefined;

  /**
   * By how many nanoseconds a clock that begins at a given time advances with each
   * reading. Programs may hang on clocks that stand still: those in Go and CPython do.
   *
   * @default 1000000n, a millisecond
   */
  step?: bigint | undefined;

  /**
   * Whether a guest that sleeps really waits. With `'skip'` its clocks advance by that
   * time, and it goes on at once, unless something else is ready.
   *
   * @default 'real'
   */
  sleep?: 'real' | 'skip' | undefined;
}

/** A descriptor, a stream of Node, or a function: see {@link WASIOptions.trace}. */
export type WASITraceTarget =
  number | NodeJS.WritableStream | ((call: WASITraceCall) => void);

/** Which calls of a guest are traced, and how. */
export interface WASITraceOptions {
  /**
   * Where they are traced to: see {@link WASIOptions.trace}.
   *
   * @default true, standard error
   */
  to?: true | WASITraceTarget | undefined;

  /**
   * Which calls, by the names of {@link WASIOptions.capabilities}.
   *
   * @default all
   */
  calls?: readonly WASICapability[] | undefined;

  /**
   * Whether only calls that failed are traced.
   *
   * @default false
   */
  failed?: boolean | undefined;

  /**
   * How many bytes are shown of each buffer that the guest writes: an integer from 0
   * to 1048576.
   *
   * @default 32
   */
  strings?: number | undefined;
}

/** A call that a guest has made. `String()` of it is its line. */
export interface WASITraceCall {
  readonly name: WASICall;

  /**
   * The arguments, by their names in the witx: numbers (`bigint` for those of 64 bits),
   * the names of enum cases (`'cur'`) and of flags (`'CREAT|TRUNC'`, `'0'` for none),
   * paths. Buffers that are read into are their lengths; buffers that are written are
   * a {@link WASITraceBuffer} each; subscriptions are objects with their fields. A
   * pointer outside of memory is a {@link WASITracePointer}. `null` if the arguments
   * have not the types of the call, as only JavaScript can pass them.
   */
  readonly args: Readonly<Record<string, unknown>> | null;

  /**
   * The errno, by its name in the witx: `'success'`, `'noent'`. `null` for a call that
   * has not returned: `proc_exit`, or one that ended the guest.
   */
  readonly result: string | null;

  /** Present if {@link WASIOptions.capabilities} do not allow the call. */
  readonly reason?: 'capabilities';

  /** The results, by their names in the witx, if it has succeeded. */
  readonly out: Readonly<Record<string, unknown>>;

  /** How long it took, in nanoseconds. */
  readonly nanos: number;

  /** The thread of the guest that made it: 0 for the first. */
  readonly thread: number;

  toString(): string;
}

/** A buffer that a guest writes. */
export interface WASITraceBuffer {
  readonly length: number;
  /** The first {@link WASITraceOptions.strings} of its bytes, if they are in memory. */
  readonly bytes: Uint8Array | undefined;
}

/** A pointer and a length that are not within the guest's memory. */
export interface WASITracePointer {
  readonly pointer: number;
  readonly length: number;
}

/**
 * A socket at which a guest is to accept connections:
 *
 * - a new socket, which listens at a `port` from 0 to 65535 (0 is any free one) of the
 *   `host`, by default `'127.0.0.1'`; or at a `path` of the host, which must not exist,
 *   and is removed when the guest closes the socket (not on Windows). `backlog` is how
 *   many connections may wait to be accepted, by default 511
 * - a `net.Server` that is listening at a port. The guest gets a duplicate of its socket,
 *   and the server is closed (not on Windows)
 * - a descriptor of the host that is a listening socket, which is not closed after the
 *   guest (not on Windows)
 */
export type WASIListenerSource =
  | {
      port: number;
      host?: string | undefined;
      backlog?: number | undefined;
      path?: undefined;
    }
  | { path: string; backlog?: number | undefined; port?: undefined }
  | net.Server
  | number;

/** A socket at which a guest accepts connections. */
export interface WASIListener {
  /** Its descriptor in the guest. */
  readonly fd: number;
  /** Where it listens, as `address()` of a `net.Server` returns it. */
  address(): net.AddressInfo | string | null;
}

/** How many threads a guest may have. */
export interface WASIThreads {
  /**
   * The most threads at a time beside the first, from 0 to 4096. Beyond it,
   * `thread-spawn` returns EAGAIN.
   *
   * @default four for each processor of the machine
   */
  max?: number | undefined;

  /**
   * How many threads are started before the guest begins, from 0 to `max`.
   *
   * @default 0
   */
  warm?: number | undefined;
}

/** Values that any standard stream can have. */
export type WASIStdio = 'pipe' | 'inherit' | 'ignore' | number;

/**
 * Returns what the guest reads from standard input; it is called while the guest waits
 * in its call. The guest reads at most `size` bytes; any more are kept for its next
 * reads. A string is encoded in UTF-8. `null`, `undefined` or no bytes mean the end,
 * after which it is not called again. A buffer that it returns must not change before
 * the next call.
 *
 * What it throws ends the guest, and {@link WASI.start} throws it unchanged. Any other
 * result is a `TypeError`, a promise too: `run()` and `spawn()` take streams. It may
 * call the guest and its `WASI`.
 */
export type WASIReader = (
  size: number,
) => string | ArrayBufferView | ArrayBuffer | null | undefined;

/**
 * Is called with what the guest writes, up to 64 KiB at once, while the guest waits in
 * its call. It may keep the buffer.
 *
 * What it throws ends the guest, and {@link WASI.start} throws it unchanged. A promise
 * is a `TypeError`, as nothing would wait for it: `run()` and `spawn()` do. It may call
 * the guest and its `WASI`.
 */
export type WASIWriter = (chunk: Buffer) => void;

/**
 * An instance of a guest: a `WebAssembly.Instance`, or an object with such `exports`.
 * For bytes, `WebAssembly.instantiate()` resolves to `{ module, instance }`: pass its
 * `instance`.
 */
export type WASIInstance = object & {
  readonly exports?: unknown;
  readonly instance?: never;
};

/** Options of {@link WASI.start}. */
export interface StartOptions {
  /**
   * Milliseconds after which the guest is ended, whether it computes, makes calls
   * or waits in one: an integer up to 4294967295. 0 is no limit. If `_start` returns a
   * promise, the limit ends when it does so.
   *
   * @default no limit
   */
  timeout?: number | undefined;
}

/** Options of {@link WASI.startAsync}. */
export interface StartAsyncOptions {
  /**
   * Milliseconds after which the guest is ended, if it waits, or else at its next call:
   * an integer from 1 to 2147483647. A guest that only computes is not ended, as
   * nothing else runs in this thread meanwhile.
   *
   * @default no limit
   */
  timeout?: number | undefined;
  /** Ends the guest when it is aborted: if it waits, or else at its next call. */
  signal?: AbortSignal | undefined;
}

/** Options of {@link WASI.getImportObject}. */
export interface ImportObjectOptions {
  /**
   * Whether calls that would block suspend the guest: `fd_read`, `fd_write`,
   * `poll_oneoff`, `sock_accept`, `sock_recv` and `sock_send`. For
   * {@link WASI.startAsync}, and exports that are called by `WebAssembly.promising()`. An
   * export that is called in any other way throws a `WebAssembly.SuspendError` where it
   * would block.
   *
   * @default false
   */
  suspending?: boolean | undefined;

  /**
   * The `WebAssembly.Module` of the guest. The import object then also has what the
   * module imports from the version of WASI that is not `options.version`; functions
   * that were replaced in `wasiImport` are replaced for `options.version` only. With
   * `options.threads`, it also has `wasi.thread-spawn` if the module imports that, and
   * {@link WASI.start} runs the guest in workers.
   */
  module?: object | undefined;

  /**
   * The `WebAssembly.Memory` that the module imports; it is added under the name of
   * that import. For a guest with threads it must be shared.
   */
  memory?: object | undefined;
}

/** Options of {@link WASI.finalizeBindings}. */
export interface FinalizeBindingsOptions {
  /**
   * The `WebAssembly.Memory` of the guest, which may be shared or 64-bit.
   *
   * @default instance.exports.memory
   */
  memory?: object | undefined;
}

/**
 * What the constructor throws if it cannot open a preopen or a standard stream.
 * `node:wasi` throws the same, without `path`, `dest` and `fd`.
 */
export interface WASIInitError extends Error {
  /** `UVWASI_` and the name of the error: `UVWASI_ENOENT`. */
  code: string;
  /** The number of the error in WASI. */
  errno: number;
  syscall: 'uvwasi_init';
  /** The path of the directory, as it was given, if it is a preopen. */
  path?: string;
  /** The path in the guest of that preopen. */
  dest?: string;
  /** The descriptor of the host, if it is a standard stream. */
  fd?: number;
}

/**
 * What a guest's `proc_exit` throws if it was not called within {@link WASI.start}: by
 * {@link WASI.initialize}, or by an export that was called directly. It is a
 * `WebAssembly.RuntimeError` that no guest can catch.
 */
export interface WASIExitError extends Error {
  code: 'ERR_WASI_EXITED';
  /** What the guest passed to `proc_exit`. */
  exitCode: number;
}

/**
 * One guest's view of its host: arguments, environment, descriptors, and the
 * functions of WASI over them. Replaces the class of the same name in
 * `node:wasi`.
 *
 * @example
 * import { readFile } from 'node:fs/promises';
 * import { WASI } from 'wasi-rs';
 *
 * const wasi = new WASI({
 *   version: 'preview1',
 *   args: ['app.wasm', '/data/in.txt'],
 *   preopens: { '/data': './data' },
 * });
 * const module = await WebAssembly.compile(await readFile('app.wasm'));
 * const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
 * process.exitCode = wasi.start(instance);
 */
export class WASI {
  /**
   * Checks the options and opens the preopens.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for an option of the wrong type,
   *   a missing `version` included; `ERR_INVALID_ARG_VALUE` for an unknown
   *   `version`, right, capability or limit, and for a misspelled option. Any other
   *   unknown option is ignored
   * @throws {RangeError} `ERR_OUT_OF_RANGE` for a descriptor, a `maxBuffer` or a
   *   limit out of its range
   * @throws {WASIInitError} `UVWASI_EBADF` for a descriptor that is not open;
   *   `UVWASI_ENOENT`, `UVWASI_ENOTDIR`, `UVWASI_EACCES` and the like for a preopen
   *   that cannot be opened
   * @throws {Error} `ERR_ACCESS_DENIED` if Node runs with `--permission` and without
   *   `--allow-wasi`
   */
  constructor(options?: WASIOptions);

  /**
   * The functions that the guest imports, 46 own properties. They may be
   * replaced before the guest is instantiated, and need no receiver.
   *
   * Called from JavaScript they return WASI's error number; for arguments of the
   * wrong number or type 28 (EINVAL). Before memory is bound they throw
   * `ERR_WASI_NOT_STARTED`.
   */
  readonly wasiImport: WASIFunctions;

  /**
   * Adds to the `capabilities` that the instance was made with. An instance without
   * that option has all of them already.
   *
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` if memory is already bound
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a name that is not a string;
   *   `ERR_INVALID_ARG_VALUE` for an unknown one
   */
  addCapability(name: WASICapability): void;

  /**
   * Mounts a directory or a file in the guest's namespace, over what is there. From
   * then on all paths of the guest see it, and so does {@link fs}.
   *
   * Before the start a directory becomes a preopen as well. A guest that has started
   * cannot learn of new preopens, so there must be one at the path or above it.
   *
   * @param guestPath the path in the guest, from `/`. Links before its last component
   *   are followed; missing directories are made up, read-only, and are not created in
   *   any file system
   * @param source what `preopens` takes: a path of the host, a file system, a
   *   {@link file}, or a {@link WASIPreopen}
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for an argument of another type;
   *   `ERR_INVALID_ARG_VALUE` for a path that is empty, or has a NUL or `..`, and for
   *   a {@link WASIPreopen} with an unknown property
   * @throws {Error} `ERR_INVALID_STATE` if the guest has started and no preopen is
   *   above the path; `ERR_WASI_CLOSED` after {@link close}; as `node:fs` throws them,
   *   `ENOENT` for a source that does not exist, `ENOTDIR` if the path leads through a
   *   file, `ELOOP` if a directory would be mounted in itself, `ENFILE` for more
   *   descriptors than `limits.descriptors`
   * @example
   * import { MemoryFS, file } from 'wasi-rs';
   *
   * const wasi = new WASI({
   *   version: 'preview1',
   *   args: ['app.wasm', '/data/in.txt'],
   *   preopens: { '/': '.' },
   * });
   * wasi.mount('/tmp', new MemoryFS());
   * wasi.mount('/data', { path: 'data', readOnly: true });
   * wasi.mount('/etc/app.json', file('{}'));
   */
  mount(guestPath: string, source: WASIMountable): void;

  /**
   * Removes the latest mount at a path: by {@link mount}, or of a preopen in another
   * file system than the host's. What it hid appears again. Descriptors of the guest
   * stay open, those of preopens included, but no path leads there any more.
   *
   * @param guestPath as for {@link mount}
   * @throws {TypeError} as {@link mount}
   * @throws {Error} `EINVAL` if nothing is mounted there; `ERR_WASI_CLOSED`
   */
  unmount(guestPath: string): void;

  /**
   * Returns the imports for `WebAssembly.instantiate()`: {@link wasiImport} itself,
   * under the module name of the version. With `suspending`, an object that inherits
   * from it. With `module`, also what the module imports from the other version:
   * functions with the layouts of that version, for the same guest.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `suspending` is not a boolean
   * @throws {Error} `ERR_WASI_NO_SUSPENDING` if the engine has no
   *   `WebAssembly.Suspending`, as Node.js before 24
   */
  getImportObject(options?: ImportObjectOptions): WASIImports;

  /**
   * Runs a command: binds the instance's memory and calls its `_start`.
   *
   * The command is over when this returns or throws. All that the guest opened is
   * closed then, and so are the host's descriptors of the preopens. Exports that are
   * called later still have the standard streams, and the preopens under their
   * numbers: a directory is opened again by its path when it is used, if the path still
   * leads to the same directory; else the call returns 72 (ESTALE) or the error of
   * `open(2)`. If `_start` returns a promise, it has only been suspended, and nothing
   * is closed.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @returns the exit code: 0 if `_start` returned
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` if memory is already bound,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}, `ERR_SCRIPT_EXECUTION_TIMEOUT` if
   *   the guest did not end within its `timeout`
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `exports` has no `memory` or no
   *   function `_start`, or has an `_initialize`
   * @throws whatever ended the guest: a trap, for instance, or what a function that is
   *   a standard stream has thrown
   */
  start(instance: WASIInstance, options?: StartOptions): number;

  /**
   * Runs a command as {@link start} does, but the event loop goes on while the guest
   * waits: for a time, for a stream, or for a function of the host that returns a
   * promise and is imported as `new WebAssembly.Suspending(f)`. The guest runs in this
   * thread: while it computes, nothing else does.
   *
   * Meanwhile {@link stop} ends the guest, {@link close} closes its descriptors, and
   * other exports can be called.
   *
   * @param instance a `WebAssembly.Instance` with the imports of
   *   `getImportObject({ suspending: true })`
   * @returns the exit code: 0 if `_start` returned, that of {@link stop} if it ended
   *   the guest. The promise rejects with what {@link start} throws, and with an
   *   `AbortError` if `signal` was aborted
   * @throws {Error} `ERR_WASI_NO_SUSPENDING` if the engine has no
   *   `WebAssembly.Suspending`; `ERR_INVALID_STATE` if the instance was made without
   *   `suspending`
   *
   * @example
   * const instance = await WebAssembly.instantiate(module, {
   *   ...wasi.getImportObject({ suspending: true }),
   *   host: { get: new WebAssembly.Suspending(async (id) => load(id)) },
   * });
   * process.exitCode = await wasi.startAsync(instance);
   */
  startAsync(
    instance: WASIInstance,
    options?: StartAsyncOptions,
  ): Promise<number>;

  /**
   * Initializes a reactor: binds the instance's memory and calls its `_initialize`, if
   * it has one. What the guest opens stays open until {@link WASI.close}, or until the
   * instance is garbage collected.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` if memory is already bound,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `exports` has no `memory`, has a
   *   `_start`, or an `_initialize` that is not a function
   * @throws {WASIExitError} if `_initialize` calls `proc_exit`
   */
  initialize(instance: WASIInstance): void;

  /**
   * Binds memory and calls nothing: for guests that are started in some other way, such
   * as another thread with a shared memory. What the guest opens stays open until
   * {@link WASI.close}, or until the instance is garbage collected.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` if memory is already bound,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if there is no memory;
   *   `ERR_INVALID_ARG_VALUE` for a misspelled `memory`
   */
  finalizeBindings(
    instance: WASIInstance,
    options?: FinalizeBindingsOptions,
  ): void;

  /**
   * The files of the guest, for the host. Paths are the guest's; a link or `..` that
   * leads out of the preopens is EACCES. An absolute path begins at the preopen whose
   * name is its longest prefix; a relative one at the preopen `/` or, if there is only
   * one preopen, in that.
   *
   * `readOnly` and `rights` of preopens hold here as well: EROFS for a call that would
   * change something, else EACCES. `capabilities` are for the guest's calls only. Links
   * may have any target.
   *
   * Its descriptors are separate from the guest's, and neither side sees those of the
   * other. They begin with 3 and the preopens, so with one preopen the first is 4.
   * `limits.descriptors` also limits them.
   *
   * It can be used before the start and after the end. Preopens that the guest has
   * closed before its first use are not in it. After {@link WASI.close} each function
   * throws `ERR_WASI_CLOSED`.
   */
  readonly fs: WASIFileSystem;

  /** The sockets of {@link WASIOptions.listeners}, with their addresses. */
  readonly listeners: readonly WASIListener[];

  /**
   * What the guest has written to standard output so far, if that is a `'pipe'`, else
   * null. It is the same buffer until the guest writes more, and stays after
   * {@link WASI.close}.
   */
  readonly stdout: Buffer | null;

  /** The same for standard error. */
  readonly stderr: Buffer | null;

  /** The same as `fs.writeSync`. */
  readonly writeSync: typeof fs.writeSync;

  /**
   * Closes all descriptors of the guest: the preopens and what it opened. Its standard
   * streams are closed for the guest, and stay open for the host. From now on calls
   * that take a descriptor return 8 (EBADF), and the instance cannot be started. This
   * does not end the guest. Closing it again does nothing.
   */
  close(): void;

  /**
   * Ends the guest at its next call, as if that were `proc_exit`, and closes its
   * descriptors, as {@link WASI.close} does: {@link WASI.start} returns the code. It is
   * for functions that the guest calls: an import, or a function in {@link wasiImport}.
   * The first code counts.
   *
   * @param exitCode from -2147483648 to 4294967295; a number above 2147483647 stands
   *   for the negative number with the same 32 bits, as for `proc_exit`
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `exitCode` is not a number
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if it is out of that range
   *
   * @example
   * const imports = wasi.getImportObject();
   * imports.env = { abort: () => wasi.stop(134) };
   */
  stop(exitCode?: number): void;

  /**
   * The same as {@link WASI.close}, for `using`. Node.js has the symbol from
   * 20.5 on.
   */
  [Symbol.dispose](): void;

  /** The same as {@link WASI.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What {@link run}, {@link runSync} and {@link spawn} take as a program:
 *
 * - the path of a file, or its `file:` URL. It is compiled once in the process,
 *   until the file changes
 * - its bytes: a `Buffer`, any other view, an `ArrayBuffer`
 * - a `WebAssembly.Module`, which can be compiled once and run often
 * - a `Response` or a `Blob`, and a promise of any of these: not for
 *   {@link runSync}, which is synchronous
 */
// `object` is for the classes of the Web, which are not part of every project.
export type WASIProgram = string | URL | ArrayBufferView | ArrayBuffer | object;

/** A stream or an iterable as standard input: {@link WASIRunOptions.stdin}. */
export type WASISource =
  | NodeJS.ReadableStream
  | AsyncIterable<string | ArrayBufferView | ArrayBuffer>
  | Iterable<string | ArrayBufferView | ArrayBuffer>
  // A ReadableStream of the Web.
  | { getReader: unknown };

/** A stream that a guest writes to: {@link WASIOptions.stdout}. */
export type WASIWritable =
  | NodeJS.WritableStream
  // A WritableStream of the Web.
  | { getWriter: unknown };

/** A stream or a function as standard output: {@link WASIRunOptions.stdout}. */
export type WASISink<Chunk = Buffer> =
  WASIWritable | ((chunk: Chunk) => unknown);

/** The options that {@link run}, {@link spawn} and {@link runSync} have in common. */
export interface WASIGuestOptions extends Pick<
  WASIOptions,
  | 'env'
  | 'preopens'
  | 'devices'
  | 'limits'
  | 'capabilities'
  | 'listeners'
  | 'connections'
  | 'trace'
  | 'clock'
  | 'random'
> {
  /**
   * The arguments, without the program's name, which is {@link argv0}.
   *
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The program's name: the first element of the guest's command line.
   *
   * @default the name of its file, or 'wasm'
   */
  argv0?: string | undefined;

  /**
   * What the guest reads from standard input, if `stdin` is `'pipe'`: a string, which
   * is encoded in UTF-8, or bytes.
   */
  input?: string | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * Milliseconds after the guest's start when it is ended, whether it computes or
   * waits: up to 2147483647. 0 is no limit.
   *
   * @default 0
   */
  timeout?: number | undefined;

  /**
   * Milliseconds of CPU time after which the guest is ended: up to 2147483647. It is
   * counted as in {@link WASIResult.usage}: of all threads of the guest, and not while
   * they wait. It is checked every 10 ms at most. 0 is no limit.
   *
   * With `runSync()` the guest then runs in a thread of its own, for which the caller
   * waits. `imports`, and functions as standard streams, are errors then.
   *
   * @default 0
   */
  cpuTime?: number | undefined;

  /**
   * The most bytes of all memories of the guest together, and separately of its
   * tables: beyond it, `memory.grow` and `table.grow` return -1. It is rounded down to
   * pages of 64 KiB. A program that uses WebAssembly's garbage collection (GC) is
   * refused, as its objects would not be limited.
   *
   * A `WebAssembly.Module` is already compiled and cannot be changed. So its memory,
   * but not its tables, is checked when the guest makes a call; if it has more by then
   * it is ended, with `'memory'` as `reason`. A guest that makes no calls is not
   * noticed. Give the bytes or the path for a strict limit.
   *
   * @default what the program declares, up to 4 GiB
   */
  maxMemory?: number | undefined;

  /**
   * Whether the guest may have threads, and how many: as for
   * {@link WASIOptions.threads}. With `false`, a program that imports
   * `wasi.thread-spawn` is refused.
   *
   * @default true
   */
  threads?: boolean | WASIThreads | undefined;
}

/** Options of {@link run} and {@link runSync}, which return the output as a value. */
export interface WASICaptureOptions {
  /**
   * Whether it is an error if the guest ends in any other way than with exit code 0.
   *
   * @default true
   */
  check?: boolean | undefined;

  /**
   * The encoding of the output in the result: `'buffer'` for bytes, any other encoding
   * of Node for a string. Functions are called with chunks of the same kind.
   *
   * @default 'buffer'
   */
  encoding?: BufferEncoding | 'buffer' | null | undefined;

  /**
   * How many bytes of standard output, and of standard error, are buffered. A guest
   * that writes more is ended. With an `encoding` the limit is at most the length of a
   * string, about 512 MiB.
   *
   * @default 104857600
   */
  maxBuffer?: number | undefined;
}

/** Options of {@link run} and {@link spawn}, which run a guest in a thread of its own. */
export interface WASIThreadOptions<Chunk = Buffer> {
  /**
   * Standard input: `'pipe'` is `input` or empty, and for {@link spawn}
   * {@link Child.stdin}; `'inherit'` is that of the process, `'ignore'` is empty, a
   * number is a descriptor of the process. Bytes are taken as `input`.
   *
   * A stream or iterable is read as fast as the guest reads. When the guest is over it
   * is left open; the `return()` of an iterator is called, as by `break`.
   *
   * @default 'pipe'
   */
  stdin?: WASIStdio | WASISource | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * Standard output: `'pipe'` is in the result, and for {@link spawn}
   * {@link Child.stdout}; `'inherit'` is that of the process, `'ignore'` discards it, a
   * number is a descriptor of the process.
   *
   * A function is called with each chunk; if it returns a promise, the next call waits
   * for that. What it throws ends the guest, and is thrown unchanged. A stream is
   * written with backpressure, and not ended.
   *
   * @default 'pipe'
   */
  stdout?: WASIStdio | WASISink<Chunk> | undefined;

  /**
   * The same for standard error.
   *
   * @default 'pipe'
   */
  stderr?: WASIStdio | WASISink<Chunk> | undefined;

  /** Ends the guest when it is aborted, also before it has started. */
  signal?: AbortSignal | undefined;

  /**
   * The threads in one of which the guest runs.
   *
   * @default a pool for the whole process, of `os.availableParallelism()` threads
   */
  pool?: Pool | undefined;
}

/** Options of {@link run}. */
export interface WASIRunOptions
  extends
    WASIGuestOptions,
    WASICaptureOptions,
    WASIThreadOptions<string | Buffer> {}

/** Options of {@link spawn}. */
export interface WASISpawnOptions extends WASIGuestOptions, WASIThreadOptions {}

/** Options of {@link runSync}. */
export interface WASIRunSyncOptions
  extends WASIGuestOptions, WASICaptureOptions {
  /**
   * As for {@link run}, except streams and iterables, which need an event loop. A
   * function is called whenever the guest reads, while the guest waits.
   */
  stdin?: WASIStdio | WASIReader | ArrayBufferView | ArrayBuffer | undefined;
  /**
   * As for {@link run}, except streams, which need an event loop. A function is called
   * when the guest writes, while the guest waits, and must not return a promise.
   */
  stdout?: WASIStdio | ((chunk: string | Buffer) => void) | undefined;
  /** The same for standard error. */
  stderr?: WASIStdio | ((chunk: string | Buffer) => void) | undefined;

  /**
   * Imports of the program beside WASI, by module and name; a function with the name of
   * a WASI call replaces that. What a function throws is thrown unchanged.
   */
  imports?: { readonly [module: string]: object } | undefined;
}

/**
 * Why a guest ended:
 *
 * - `exit`: it called `proc_exit`, or returned from its entry
 * - `trap`: it trapped; `error` is the error of the engine
 * - `timeout`: its `timeout` was over; or a second after that, a function or stream of
 *   the host had not taken what it wrote
 * - `cpuTime`: it used up its CPU time
 * - `memory`: it had more memory than `maxMemory`, as only a compiled module can
 * - `maxBuffer`: it wrote more than `maxBuffer`
 * - `abort`: its `signal` was aborted
 * - `kill`: by {@link Child.kill}
 * - `error`: something other than the guest failed: `error` says what
 */
export type WASIReason =
  | 'exit'
  | 'trap'
  | 'timeout'
  | 'cpuTime'
  | 'memory'
  | 'maxBuffer'
  | 'abort'
  | 'kill'
  | 'error';

/** How a guest ended, and its output. */
export interface WASIResult<Output = Buffer> {
  /** The exit code, or null if it ended in another way. */
  readonly exitCode: number | null;

  /** Why it ended. */
  readonly reason: WASIReason;

  /** The error that ended it, or the `cause` of {@link Child.kill}. */
  readonly error: unknown;

  /** Whether it ended with exit code 0. */
  readonly ok: boolean;

  /** The export that was called; null for a library, which has neither. */
  readonly entry: '_start' | '_initialize' | null;

  /** What it wrote to standard output, or null if that was not a `'pipe'`. */
  readonly stdout: Output | null;

  /** What it wrote to standard error, or null if that was not a `'pipe'`. */
  readonly stderr: Output | null;

  /** The calls that it has made without the capability for them. */
  readonly refused: readonly WASICall[];

  readonly usage: {
    /** Milliseconds from its start to its end. */
    readonly wallTime: number;
    /**
     * Milliseconds of CPU time of its threads, in user and kernel mode together.
     * Threads of the engine, above all for compiling, do not count.
     */
    readonly cpuTime: number;
  };

  /**
   * Standard output as a string.
   *
   * @throws {Error} `ERR_INVALID_STATE` if {@link stdout} is null
   */
  text(): string;
}

/** What {@link run} rejects with if a guest did not end with exit code 0. */
export interface WASIRunError extends Error {
  name: 'WASIRunError';
  code: 'ERR_WASI_RUN';
  /** How it ended. The message of the error has the last lines of its standard error. */
  result: WASIResult<string | Buffer>;
}

/**
 * Runs a program in a thread of its own, and resolves to its output and exit code.
 *
 * The program has access to nothing of the host but what the options give it, and its
 * output is buffered by default: see {@link WASIRunOptions}. Its `_start` is called, or
 * if it has none its `_initialize`.
 *
 * @returns how it ended. The promise rejects with a {@link WASIRunError} if it did not
 *   end with exit code 0, unless `check` is false. It rejects in any case with an
 *   `AbortError` for an aborted `signal`; with what a function, a stream or a file
 *   system of the host threw, unchanged; with `ERR_WASI_UNSUPPORTED_PROGRAM` for what
 *   is not a module of WASI; with the errors of {@link WASI} for options and preopens;
 *   and with `ERR_WASI_POOL_CLOSED`
 *
 * @example
 * import { run } from 'wasi-rs';
 *
 * const result = await run('app.wasm', {
 *   args: ['/data/in.txt'],
 *   preopens: { '/data': { path: './data', readOnly: true } },
 *   timeout: 60_000,
 * });
 * process.stdout.write(result.text());
 */
export function run(
  program: WASIProgram | PromiseLike<WASIProgram>,
  options: WASIRunOptions & { encoding: BufferEncoding },
): Promise<WASIResult<string>>;
export function run(
  program: WASIProgram | PromiseLike<WASIProgram>,
  options?: WASIRunOptions & { encoding?: 'buffer' | null | undefined },
): Promise<WASIResult>;
export function run(
  program: WASIProgram | PromiseLike<WASIProgram>,
  options?: WASIRunOptions,
): Promise<WASIResult<string | Buffer>>;

/**
 * Runs a program and waits for its end, which blocks this thread. It throws what
 * {@link run} rejects with.
 *
 * @example
 * import { runSync } from 'wasi-rs';
 *
 * const { stdout } = runSync('app.wasm', {
 *   input: 'name,count\nAssam,3\n',
 *   encoding: 'utf8',
 * });
 * process.stdout.write(stdout);
 */
export function runSync(
  program: WASIProgram,
  options: WASIRunSyncOptions & { encoding: BufferEncoding },
): WASIResult<string>;
export function runSync(
  program: WASIProgram,
  options?: WASIRunSyncOptions & { encoding?: 'buffer' | null | undefined },
): WASIResult;
export function runSync(
  program: WASIProgram,
  options?: WASIRunSyncOptions,
): WASIResult<string | Buffer>;

/**
 * Starts a program in a thread of its own, as `spawn()` of `node:child_process` starts
 * a process. Without a `pool` it does not wait for a free thread.
 *
 * Errors in the options are thrown; errors of the program or its preopens are an event
 * `'error'`.
 *
 * @example
 * import { spawn } from 'wasi-rs';
 *
 * const child = spawn('app.wasm');
 * child.stdout.pipe(process.stdout);
 * child.on('exit', (exitCode) => (process.exitCode = exitCode));
 * process.stdin.pipe(child.stdin);
 */
export function spawn(
  program: WASIProgram | PromiseLike<WASIProgram>,
  options?: {
    [Name in keyof WASISpawnOptions]: Name extends
      'stdin' | 'stdout' | 'stderr' | 'input'
      ? undefined
      : WASISpawnOptions[Name];
  },
): Child & { stdin: Writable; stdout: Readable; stderr: Readable };
export function spawn(
  program: WASIProgram | PromiseLike<WASIProgram>,
  options: WASISpawnOptions,
): Child;

/** The events of {@link Child}. */
interface ChildEvents {
  /** The guest has started. */
  spawn: [];
  /** The guest has ended; its streams may still have data to be read. */
  exit: [exitCode: number | null, reason: WASIReason];
  /** The guest has ended, and its streams are closed. */
  close: [exitCode: number | null, reason: WASIReason];
  /**
   * The guest could not be started, its `signal` was aborted, or a function or stream
   * of the host failed.
   */
  error: [error: Error];
}

/** A guest that {@link spawn} has started, with the interface of `ChildProcess`. */
export interface Child extends EventEmitter<ChildEvents> {
  /** The guest's standard input, or null if that is not a `'pipe'`. */
  readonly stdin: Writable | null;
  /** The guest's standard output, or null if that is not a `'pipe'`. */
  readonly stdout: Readable | null;
  /** The guest's standard error, or null if that is not a `'pipe'`. */
  readonly stderr: Readable | null;
  readonly stdio: readonly [Writable | null, Readable | null, Readable | null];

  /** The exit code, or null if it still runs, or ended in another way. */
  readonly exitCode: number | null;
  /** Why it ended, or null if it still runs. */
  readonly reason: WASIReason | null;
  /**
   * Whether {@link kill}, its `timeout`, its `cpuTime` or its `signal` has ended it, or
   * is about to.
   */
  readonly killed: boolean;

  /**
   * The sockets of the option `listeners`, with their addresses, from `'spawn'` on. It
   * has another name than the option, as an EventEmitter has a method `listeners`.
   */
  readonly sockets: readonly WASIListener[];

  /** How it ended, from `'exit'` on. It never rejects. */
  readonly exited: Promise<WASIResult>;

  /**
   * Ends the guest: in a few milliseconds, whether it computes or waits, and within
   * about a second in loops that the engine cannot interrupt.
   *
   * @param cause becomes the `error` of its result
   * @returns false if the guest was already over
   */
  kill(cause?: unknown): boolean;

  /** The guest keeps the process alive, as it does by default. */
  ref(): this;
  /** The guest does not keep the process alive; its streams still do. */
  unref(): this;

  /** The same as {@link kill}, for `using`. */
  [Symbol.dispose](): void;
  /** Calls {@link kill}, and waits until the guest is over. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of {@link Pool}. */
export interface PoolOptions {
  /**
   * How many guests run at a time, from 1. Further guests wait in a queue.
   *
   * @default os.availableParallelism()
   */
  size?: number | undefined;

  /**
   * Milliseconds after which a thread without a guest ends, or `Infinity`.
   *
   * @default 10000
   */
  idle?: number | undefined;

  /**
   * How many guests a thread runs, one after the other, before it is replaced: from 1,
   * or `Infinity`. The memories of guests that are over may be collected late.
   *
   * @default 1000
   */
  maxRuns?: number | undefined;
}

/**
 * Threads that are kept for further guests, so that a run takes about a millisecond and
 * not the thirty of a new thread. They do not keep the process alive.
 *
 * @example
 * import { Pool } from 'wasi-rs';
 *
 * const pool = new Pool({ size: 2 });
 * const result = await pool.run('app.wasm', { input: 'name,count\nAssam,3\n' });
 * process.stdout.write(result.text());
 * await pool.close();
 */
export class Pool {
  /**
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, or `ERR_INVALID_ARG_VALUE` for an
   *   unknown option
   * @throws {RangeError} `ERR_OUT_OF_RANGE`
   */
  constructor(options?: PoolOptions);

  /** {@link run} in a thread of this pool, when one is free. It has no option `pool`. */
  run: typeof run;

  /** {@link spawn} in a thread of this pool, when one is free. It has no option `pool`. */
  spawn: typeof spawn;

  /** Takes no further guests; resolves when all that were given have ended. */
  close(): Promise<void>;

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
