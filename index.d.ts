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

/** Those that do what they do at once where they get no callback. */
type ImmediateFunctions = 'close' | 'open' | 'read' | 'write';

/** The functions of `node:fs` that return promises. */
type PromisingFunctions = Exclude<
  FileSystemFunctions,
  'fdatasync' | 'fstat' | 'fsync' | 'ftruncate' | 'futimes'
>;

/** What {@link WASIPromises.open} gives: of `node:fs`'s, that much. */
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
 * All is done when a function returns: a callback is called later all the same,
 * and promises are there for the interface's sake. Modes are checked, and have
 * no effect: WASI has no permissions, and Stats show none. No time is before
 * 1970 (EINVAL).
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

  /** With a callback that of `node:fs`, without one `openSync`. */
  readonly open: typeof fs.open & typeof fs.openSync;

  /** With a callback that of `node:fs`, without one `closeSync`. */
  readonly close: typeof fs.close & typeof fs.closeSync;

  /**
   * With a callback that of `node:fs`, and without one but with a buffer
   * `readSync`. With neither: what there is from where the descriptor is, up to
   * the end, or at most so many bytes.
   */
  readonly read: ((fd: number, length?: number) => Buffer) &
    typeof fs.read &
    typeof fs.readSync;

  /** With a callback that of `node:fs`, without one `writeSync`. */
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
 * What a guest may do with a descriptor, as the witx of preview1 names it. A
 * preopen that has a right hands it down to what is opened through it.
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
 * What a guest may have of WASI: a group of calls, or a single one.
 *
 * - `args`: its command line, `args_get` and `args_sizes_get`
 * - `env`: its environment, `environ_get` and `environ_sizes_get`
 * - `clock`: the time, `clock_time_get` and `clock_res_get`
 * - `random`: `random_get`
 * - `stdio`: reading and writing its standard streams, and the calls
 *   about descriptors that are common to these and files, such as `fd_close`
 * - `fs:read`: seeing files and directories, with those common calls
 * - `fs:write`: creating, changing, moving and removing them, with those common
 *   calls; of a file's content and of a directory it sees nothing by that alone
 * - `poll`: waiting, `poll_oneoff` and `sched_yield`
 * - `sockets`: `sock_accept`, `sock_recv`, `sock_send` and `sock_shutdown` on
 *   its sockets and the standard streams that are some, reading and writing the
 *   connections that are accepted, and those common calls
 * - `exit`: `proc_exit` and `proc_raise`
 *
 * The name of a call adds that call, and the right to make it of all that the
 * guest has. The front of names, up to an underscore, stands for the calls that
 * have it: `fd_prestat` for `fd_prestat_get` and `fd_prestat_dir_name`. The module
 * may stand before either: `wasi_snapshot_preview1:fd_prestat`.
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
  | WASICallFront<WASICall>
  | WASICallOfModule;

/** A call, or the front of several, by its whole name. */
export type WASICallOfModule =
  `${'wasi_snapshot_preview1' | 'wasi_unstable'}:${WASICall | WASICallFront<WASICall>}`;

/** The fronts of a name, each up to an underscore. */
export type WASICallFront<Name extends string> =
  Name extends `${infer First}_${infer Rest}`
    ? First | `${First}_${WASICallFront<Rest>}`
    : never;

/**
 * Files by value. A key is a name, or a path of names with slashes between them;
 * at the top it may begin with a slash. Strings are UTF-8, plain objects are
 * directories. A path has up to 4095 bytes.
 */
export interface FileTree {
  readonly [path: string]: FileContent | FileEntry | FileTree;
}

/** What is in a file of a {@link FileTree}. A string is UTF-8. */
export type FileContent = string | ArrayBuffer | ArrayBufferView;

/**
 * Made by {@link file} and {@link symlink}, so that no plain object can be
 * mistaken for one.
 */
export interface FileEntry {
  readonly kind: 'file' | 'symlink';
}

/**
 * A file of a {@link FileTree}, with more than its content.
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
     * When it was changed: a Date, or nanoseconds after 1970.
     *
     * @default now, when a file system is made of it
     */
    mtime?: Date | bigint | undefined;
  },
): FileEntry;

/**
 * A symbolic link of a {@link FileTree}. The target is a path of the guest's or,
 * if it does not begin with a slash, one from the directory that it is in. Nothing
 * need be there.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a target of another type;
 *   `ERR_INVALID_ARG_VALUE` for one that is empty, has more than 4095 bytes, or a
 *   NUL
 */
export function symlink(target: string | Uint8Array): FileEntry;

/** How much a {@link MemoryFS} may hold. Beyond, what needs more fails with ENOSPC. */
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
 * A file system in memory, which behaves as Linux's tmpfs does. Guests have it,
 * or a directory of it, as a preopen; the host has the functions of `node:fs` on
 * it, with paths that begin at its root.
 *
 * Any number of guests may have it at once, and one guest more than once. What it
 * holds is freed when it has been dropped, and all guests that have it.
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
   * One that has what is in a tree, by copy, or what is in an image, whose bytes
   * are shared until they are written; and is empty without.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a tree, content or limit of
   *   another type; `ERR_INVALID_ARG_VALUE` for a key that is no path, a path that
   *   is there twice, a directory that is in itself, or another limit. The message
   *   says where: `tree['lib']['x.py']`
   * @throws {RangeError} `ERR_OUT_OF_RANGE` for a limit that is no whole number
   *   from 0
   * @throws {Error} `ENOSPC` for a tree that is beyond the limits
   */
  constructor(base?: FileTree | Image, limits?: MemoryFSLimits);

  /**
   * One over a directory of the host: what a guest reads comes from there, and
   * what it changes stays in memory, until {@link MemoryFS.applyTo}. No link in the
   * directory is followed by the host. A directory in it is listed once, when
   * a call first reads it, so what others change there later is not seen, save in
   * the bytes of files. Devices, FIFOs and sockets are left out.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` as the
   *   constructor
   * @throws {Error} what `open(2)` says of the directory; `ERR_ACCESS_DENIED` where
   *   Node's permission model withholds WASI
   */
  static overlay(directory: string | URL, limits?: MemoryFSLimits): MemoryFS;

  /** How much it holds, in the units of its limits. It is 0 of both when empty. */
  readonly usage: { readonly bytes: number; readonly files: number };

  /**
   * What is in a directory, by copy: a `Uint8Array` for each file, what
   * {@link symlink} makes for each link, and a plain object for each directory.
   * {@link MemoryFS} takes it for a tree, in which all names of a file are files
   * of their own, and times are new.
   *
   * @param path the directory; `'/'` if there is none
   * @throws {Error} what `readdirSync` says of it; `EILSEQ` for a name that is no
   *   UTF-8 and so no key; `ERR_FS_FILE_TOO_LARGE` for a file of 2 GiB and more
   */
  export(path?: fs.PathLike): ExportedTree;

  /**
   * In what this differs from what it was made over, in the order of the paths.
   * Where that is nothing, everything is created. All names are looked at, as by
   * `snapshot()` and `toTar()`; a guest in another thread that changes some
   * meanwhile waits.
   *
   * @throws {Error} `ENAMETOOLONG` for a path of more than 4095 bytes, which a
   *   guest can make
   */
  changes(): WASIChange[];

  /**
   * What there is now, as an image. No byte is copied, save what lies in a directory
   * of the host; what is written from now on is not in it.
   */
  snapshot(): Image;

  /**
   * A tar archive: of everything or, with `changes`, of what there is to lay over
   * the image below. That begins with a whiteout for each name that is gone, as
   * layers of container images have them: an empty file with `.wh.` before the
   * name. What was renamed is in it as a whole.
   *
   * @throws {Error} `EFBIG` for one that is larger; `ENOSPC` for one that there is
   *   no memory for; `ENAMETOOLONG` as
   *   {@link MemoryFS.changes}; `EINVAL` where a name that is no whiteout begins as
   *   one; `EIO` for a file of an archive that is damaged
   */
  toTar(options?: {
    /** @default false */
    changes?: boolean | undefined;
    /**
     * Bytes that the archive may have, or `Infinity`. A file with holes has all
     * its zeros in it.
     *
     * @default 1073741824
     */
    maxBytes?: number | undefined;
  }): Buffer;

  /**
   * Lays the changes onto a directory of the host: the one that this is over, or
   * another. Nothing outside of it is touched, and no link in it is followed. All
   * files are written first, to a directory of their own in there, and then take
   * their names by renames; until then nothing is changed. What is from the directory
   * below keeps its permissions, but no longer runs as another user; what was made in
   * memory gets those of new files.
   *
   * @throws {Error} what the host says, with the `path`: `ENOTDIR` or `ELOOP` where
   *   a link or a file is in the place of a directory. What was laid before that
   *   stays. `ENAMETOOLONG` as {@link MemoryFS.changes}; `ERR_ACCESS_DENIED` where
   *   Node's permission model withholds WASI
   */
  applyTo(directory: string | URL): void;
}

/** One thing that is not as it is in the base of a {@link MemoryFS}. */
export interface WASIChange {
  /**
   * Where it is now; of what was removed, where it is in the base. Without a slash
   * before it. What is no UTF-8 is replaced.
   */
  path: string;

  /**
   * - `created`: it is not in the base. One more name of a file is created as well
   * - `modified`: its content or its times are others, or another one of its kind
   *   has taken its name. No directory is
   * - `removed`: it is gone; a directory with all that was in it
   * - `renamed`: it is somewhere else in the base; a directory with what is in it
   */
  type: 'created' | 'modified' | 'removed' | 'renamed';

  kind: 'file' | 'directory' | 'symlink';

  /** Where it is in the base, if it was renamed. */
  from?: string;
}

/** How much an archive may unpack to. */
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
 * A read-only tree of files. Any number of {@link MemoryFS} share it, in
 * all threads of the process, without copying. A guest that has it as a preopen
 * reads it.
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
   * The image of a tree.
   *
   * @throws as the constructor of {@link MemoryFS}
   */
  static from(tree: FileTree): Image;

  /**
   * The image of a tar archive: its bytes, or where it is. It may be compressed
   * with gzip, or with zstd where Node has that (from 22.15). Its files are parts
   * of the archive, of which nothing is copied. Absolute names are made relative;
   * of members with one name the last counts; devices and FIFOs are left out.
   *
   * @throws {ArchiveError} `ERR_WASI_INVALID_ARCHIVE` for what is no tar archive,
   *   cut off or too large, and for a member that lies outside or below a link, or
   *   is something else that an image cannot have
   * @throws {Error} what `readFileSync` says of a path
   */
  static fromTar(
    archive: ArrayBuffer | ArrayBufferView | string | URL,
    limits?: ArchiveLimits,
  ): Image;

  /**
   * The image of a zip archive, likewise. A file is inflated when it is first
   * opened; one that is not what the archive says is EIO then.
   *
   * @throws as {@link Image.fromTar}
   */
  static fromZip(
    archive: ArrayBuffer | ArrayBufferView | string | URL,
    limits?: ArchiveLimits,
  ): Image;

  /**
   * The image of a directory of the host: a copy of what is there now. No link is
   * followed; devices, FIFOs and sockets are left out.
   *
   * @throws as {@link MemoryFS.overlay}
   */
  static fromDirectory(directory: string | URL): Image;

  /**
   * The image with this handle, in whichever thread it was made, as long as an {@link Image}
   * of it is reachable there.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for another type,
   *   `ERR_INVALID_ARG_VALUE` where there is no such image
   */
  static open(handle: bigint): Image;

  /**
   * A number that another thread of this process can be told, to
   * {@link Image.open} this. It cannot be guessed.
   */
  readonly handle: bigint;

  /** How many files, directories and symbolic links there are, without the root. */
  readonly files: number;

  /** How many bytes the files have together. */
  readonly bytes: number;

  /**
   * A tar archive of it.
   *
   * @throws as {@link MemoryFS.toTar}
   */
  toTar(options?: {
    /** @default 1073741824 */
    maxBytes?: number | undefined;
  }): Buffer;
}

/** What is wrong with an archive. */
export interface ArchiveError extends Error {
  code: 'ERR_WASI_INVALID_ARCHIVE';
  /** The member that it is wrong with, if it is one. */
  member?: string;
  /** The archive, if it was given as a path. */
  path?: string;
}

export interface MemoryFS extends WASIFileSystem {}

/** What {@link MemoryFS.export} gives. */
export interface ExportedTree {
  [name: string]: Uint8Array | FileEntry | ExportedTree;
}

/**
 * A file system of JavaScript: an object with the synchronous functions of
 * `node:fs`, such as memfs, unionfs, ZenFS, `node:vfs` or `node:fs` itself. The
 * functions are looked up at each call. One that is missing is ENOTSUP to the
 * guest; those that are not optional here must be there.
 *
 * An error with a `code` of POSIX's is that to the guest; anything else that is
 * thrown ends the guest, and comes out of {@link WASI.start} as it is.
 *
 * A guest has one as a preopen, `{ '/tmp': fs }`, or a directory in it,
 * `{ '/srv': { fs: require('node:fs'), path: '/srv' } }`.
 *
 * @see docs/file-systems.md
 */
export interface SyncFileSystem {
  /** `flags` are `'r'`, `'r+'`, `'wx+'`, or `O_WRONLY`; a number that is no negative one comes back. */
  openSync(path: string, flags: string | number, mode?: number): number;
  closeSync(fd: number): void;
  /** From 0 to `length` bytes; 0 at the end. */
  readSync(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): number;
  /** Names, or what has a `name` and the functions of a `Dirent`. */
  readdirSync(
    path: string,
    options: { withFileTypes: true },
  ): readonly (string | Uint8Array | { name: string | Uint8Array })[];
  /** Of what is there, a link itself; where there are no links, `statSync` serves as well. */
  lstatSync?(
    path: string,
    options: { bigint: true; throwIfNoEntry: false },
  ): SyncStats | undefined;
  statSync?(
    path: string,
    options: { bigint: true; throwIfNoEntry: false },
  ): SyncStats | undefined;
  /** From 1 to `length` bytes. */
  writeSync?(
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): number;
  fstatSync?(fd: number, options: { bigint: true }): SyncStats;
  ftruncateSync?(fd: number, length: number): void;
  /** In seconds. */
  futimesSync?(fd: number, atime: number, mtime: number): void;
  /** In seconds; `utimesSync` serves for what is no link. */
  lutimesSync?(path: string, atime: number, mtime: number): void;
  utimesSync?(path: string, atime: number, mtime: number): void;
  fsyncSync?(fd: number): void;
  fdatasyncSync?(fd: number): void;
  mkdirSync?(path: string, mode: number): unknown;
  rmdirSync?(path: string): void;
  /** Of a directory that is empty, where `rmdirSync` says that it is not. */
  rmSync?(path: string, options: { recursive: true }): void;
  unlinkSync?(path: string): void;
  renameSync?(oldPath: string, newPath: string): void;
  linkSync?(existingPath: string, newPath: string): void;
  symlinkSync?(target: string, path: string): void;
  readlinkSync?(path: string, encoding: 'buffer'): string | Uint8Array;
}

/** What a {@link SyncFileSystem} tells of a file: a `Stats` or `BigIntStats` of `node:fs`. */
export interface SyncStats {
  /** With the type, as POSIX has it; where it has none, `isFile()` and its like are asked. */
  mode?: number | bigint;
  /** In bytes. */
  size: number | bigint;
  nlink?: number | bigint;
  ino?: number | bigint;
  /** Milliseconds since 1970, as are `mtimeMs` and `ctimeMs`; `atimeNs` and its like come first. */
  atimeMs?: number | bigint;
  mtimeMs?: number | bigint;
  ctimeMs?: number | bigint;
}

/**
 * What a guest may have at a path: a directory of the host by its path, a file
 * system, a {@link file} by value, or one of them with how much may be done in it.
 */
export type WASIMountable =
  | string
  | MemoryFS
  | Image
  | WASIFileSystem
  | SyncFileSystem
  | FileEntry
  | WASIPreopen;

/** A directory or a file, and how much the guest may do in it. */
export type WASIPreopen = WASIPreopenRights &
  (
    | {
        /** The directory's path on the host. */
        path: string;
        fs?: undefined;
      }
    | {
        /**
         * The file system that the directory is in, where that is not the host's:
         * one in memory, an image, which is for reading, {@link WASI.fs} of another
         * guest, or one of JavaScript. Or a {@link file} by value, which has no
         * `path`.
         */
        fs: MemoryFS | Image | WASIFileSystem | SyncFileSystem | FileEntry;

        /**
         * The path there of the directory, or of a file. Links on the way lead no
         * further than to the root of that file system.
         *
         * @default its root, where relative paths begin
         */
        path?: string | undefined;
      }
  );

/** How much a guest may do in a preopen. */
export interface WASIPreopenRights {
  /**
   * Whether the guest may change nothing in it: no content, no name, no time,
   * no size. A call that would is refused with 76 (ENOTCAPABLE), by whatever
   * way it comes there: a symbolic link in another preopen, a hard link or a
   * file that would be moved there, a descriptor opened long before.
   *
   * It holds for this directory whichever way it is reached, a preopen above it
   * included. Only where another preopen is the same directory, that one says
   * what may be done through its own name. And the host may note when a file was
   * last read, as it does of any reader.
   *
   * @default false
   */
  readOnly?: boolean | undefined;

  /**
   * What the guest may do in it and with what it opens there; everything where
   * there is no such list. `fd_fdstat_get` tells the guest.
   *
   * To open anything takes `path_open`, and to open it for writing, which
   * `fd_allocate` and `fd_filestat_set_size` need as well, `fd_write`.
   * `path_filestat_set_size` is the right to truncate a file in opening it.
   * With `readOnly`, only those of them that change nothing count.
   *
   * @default all rights
   */
  rights?: readonly WASIRight[] | undefined;
}

/**
 * How much a guest may ask for. The defaults are what no honest program comes
 * near. A guest that goes beyond gets the error number that is said here, and
 * nothing else happens.
 *
 * Nothing else that the host keeps for a guest has a size that the guest could
 * choose, and so there is no limit to set. `fd_readdir` holds, for all
 * descriptors of a guest together, at most 1 MiB of entries that were read
 * ahead and 2 MiB of positions, and some hundred bytes for each descriptor.
 * `fd_read` and its like go straight to the guest's memory.
 */
export interface WASILimits {
  /**
   * Descriptors open at a time, standard streams and preopens included (which
   * the guest has even where they are more): from 0 to 1048576.
   * Beyond: 41 (ENFILE).
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
   * Bytes in a path, and in the target of a symbolic link that the guest makes:
   * from 1 to 4095. Beyond: 37 (ENAMETOOLONG).
   *
   * @default 4095
   */
  pathLength?: number | undefined;

  /**
   * Symbolic links on the way of one path, the last component's included: from
   * 0 to 40. With less than 40, paths are resolved step by step here and not by
   * the system in one call, which takes longer. Beyond: 32 (ELOOP).
   *
   * @default 40
   */
  symlinkHops?: number | undefined;

  /**
   * Bytes that `random_get` makes at a time, on their way to the guest, which
   * gets as many as it asks for: from 1 to 65536. No guest can notice it.
   *
   * @default 4096
   */
  randomChunk?: number | undefined;
}

/** What {@link WASI} can be constructed with. */
export interface WASIOptions {
  /**
   * The version of WASI that the guest was compiled for; its imports tell.
   * `'preview1'` is `wasi_snapshot_preview1`, `'unstable'` is the older
   * snapshot 0, `wasi_unstable`, with its own record layouts.
   */
  version: 'preview1' | 'unstable';

  /**
   * The guest's command line, its own name first. Elements that are no strings
   * are converted; each ends at its first NUL character.
   *
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The guest's environment. Own enumerable properties count. One whose value
   * is `undefined` is left out, other values are converted to strings.
   * `process.env` is not passed on unless it is given here.
   *
   * @default {}
   */
  env?: object | undefined;

  /**
   * The directories that the guest may use: a path in the guest to a directory
   * of the host or a file system. They are opened by the constructor, and the guest finds them
   * as descriptors from 3 up, in the order of `Object.entries()`. It reaches
   * nothing outside of them.
   *
   * A file system is also met on every way from the preopens above its path, as
   * a mount point is; two directories of the host are not, as under node:wasi. A
   * file, by value or in a file system (`fs` and `path`), is met by its path. Where no preopen is
   * above it, one comes to be: its directory, for reading, with nothing else in it.
   *
   * An object with a property of {@link WASIPreopen}, its own or by its class,
   * is taken for one, and so is one of which `String()` makes no path. What else
   * is no string is converted to one, as by Node.
   *
   * @default {}
   */
  preopens?:
    | {
        readonly [guestPath: string]: WASIMountable | undefined;
      }
    | undefined;

  /**
   * What `proc_exit` in the guest does. With `true`, {@link WASI.start} returns
   * the guest's exit code. With `false`, `process.exit()` is called with it: it
   * ends the process or, in a worker, the worker.
   *
   * @default true
   */
  returnOnExit?: boolean | undefined;

  /**
   * Whether the guest has a directory `/dev` with the devices that programs
   * count on: `null`, `zero`, `random`, `urandom`, and as `stdin`, `stdout` and
   * `stderr` its own standard streams. None of them is a device of the host, and
   * nothing in the directory can be created, removed or renamed (`EROFS`). It is
   * a preopen behind the others; with a preopen of that name it is an error.
   *
   * @default false
   *
   * @example
   * const wasi = new WASI({ version: 'preview1', devices: true });
   */
  devices?: boolean | undefined;

  /**
   * Where the guest's standard input comes from. As with `node:wasi`:
   *
   * - a number from 0 to 2147483647: a file descriptor of the host. It must be
   *   open, and stays open when the guest closes its own
   *
   * And beyond that:
   *
   * - `'inherit'`: that of the process; `'ignore'`: nothing
   * - `'pipe'`: {@link input}, or nothing
   * - bytes: a copy of them, and then the end
   * - a {@link WASIReader}: a function that is called whenever the guest reads and
   *   all that it gave before has been read
   *
   * Those are pipes to the guest, in which it never waits. And for
   * {@link WASI.startAsync}, where the engine has `WebAssembly.Suspending`:
   *
   * - a stream of Node or the Web, or an asynchronous iterable, of strings and bytes.
   *   It is read from when the guest first asks, some 64 KiB ahead, and left as it is
   *   when the guest is over. What it fails with ends the guest, and rejects
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
   * Where the guest's standard output goes. As with `node:wasi`:
   *
   * - a number: a file descriptor of the host, as for {@link stdin}
   *
   * And beyond that:
   *
   * - `'inherit'`: that of the process; `'ignore'`: nowhere
   * - `'pipe'`: what is written is kept, up to {@link maxBuffer}, and is there as
   *   {@link WASI.stdout}
   * - a {@link WASIWriter}: a function that is called with what the guest writes
   * - for {@link WASI.startAsync}: a writable stream of Node or the Web, which is waited
   *   for, and not ended
   *
   * @default 1
   */
  stdout?: WASIStdio | WASIWriter | WASIWritable | undefined;

  /**
   * The same for standard error, which as a `'pipe'` is {@link WASI.stderr}.
   *
   * @default 2
   */
  stderr?: WASIStdio | WASIWriter | WASIWritable | undefined;

  /**
   * What the guest reads from a standard input that is `'pipe'`, or is not said:
   * a string, in UTF-8, or bytes. They are copied.
   */
  input?: string | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * Bytes that are kept of each output that is a `'pipe'`: from 0 up, or
   * `Infinity`. A guest that writes more is ended by a `RangeError` with the code
   * `ERR_CHILD_PROCESS_STDIO_MAXBUFFER`, which {@link WASI.start} throws. What fits
   * is there.
   *
   * @default 104857600
   */
  maxBuffer?: number | undefined;

  /**
   * How much the guest may ask for. What is not said has its default.
   *
   * @default {}
   */
  limits?: WASILimits | undefined;

  /**
   * The calls that the guest may make; all of them where there is no such list.
   * From any other it gets 76 (ENOTCAPABLE) before its arguments are looked at,
   * and nothing happens.
   *
   * Programs expect some calls to be there. What was built with wasi-libc ends
   * with exit code 71 before its `main` where it may not ask for the preopens
   * (`fd_prestat_get`, in `stdio`, `fs:read` and `fs:write`) or, if it looks at
   * them, its arguments (`args`) and its environment (`env`). Without `exit`,
   * `proc_exit` returns to the guest: a program of wasi-libc that ends with
   * another code than 0 then traps, which {@link WASI.start} throws.
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
   * Whether the guest may have threads, as wasi-threads has them, and how many:
   * `true` is four for each processor that the machine has. They take
   * {@link WASI.getImportObject} with `module` and `memory`.
   *
   * Standard streams are then no functions and no streams of Node or the Web.
   *
   * @default false
   */
  threads?: boolean | WASIThreads | undefined;

  /**
   * Sockets at which the guest accepts connections, at the lowest numbers behind
   * its {@link preopens}. They do not wait until the guest clears `NONBLOCK`. What
   * {@link WASI.listeners} is made of.
   *
   * @default []
   *
   * @example
   * const wasi = new WASI({ version: 'preview1', listeners: [{ port: 0 }] });
   * wasi.listeners[0]?.address(); // { address: '127.0.0.1', family: 'IPv4', port: 40279 }
   */
  listeners?: readonly WASIListenerSource[] | undefined;

  /**
   * Sockets that are connected, at the numbers behind the {@link listeners}: a
   * descriptor of the host, which is lent; or a `net.Socket` with nothing in its
   * buffers, of which the guest gets a duplicate, and which is then destroyed. Not
   * on Windows.
   *
   * @default []
   */
  connections?: readonly (net.Socket | number)[] | undefined;

  /**
   * Where each call of the guest is told when it is over, as strace does:
   *
   * - `true`: standard error of the process; a number: a descriptor, which must be
   *   open. A line each, such as
   *   `path_open(3, "data/x", CREAT|TRUNC) = notcapable <0.000012>`
   * - a stream of Node: the same. It keeps what is not written before the event loop
   *   turns. One that has ended or failed gets no more, and the guest goes on
   * - a function that is called with a {@link WASITraceCall}. What it throws ends the
   *   guest, and comes out of {@link WASI.start} unchanged. It may have the guest
   *   make calls, of which it is not told
   * - a {@link WASITraceOptions}: which calls, and how
   *
   * A descriptor that cannot be written ends the guest likewise, but for `EPIPE`,
   * which ends the trace. Without this option nothing of it is in a guest's way.
   * With `NODE_DEBUG_NATIVE=wasi` in the environment it is `true` where it is not
   * said.
   *
   * @default false
   */
  trace?: boolean | WASITraceTarget | WASITraceOptions | undefined;

  /**
   * The guest's clocks, where they are not to be the host's. With a time that is given
   * and a seed ({@link random}) a guest does the same whenever it is run. The times of
   * files stay those of the host.
   */
  clock?: WASIClock | undefined;

  /**
   * The guest's random bytes, for `random_get` and `/dev/urandom`: those of a seed, or
   * what a function puts into the array that it is called with, of at most
   * {@link WASILimits.randomChunk} bytes. What that throws ends the guest, and comes
   * out of {@link WASI.start} unchanged; a promise is a `TypeError`. Functions are for
   * the class and {@link runSync}.
   *
   * @default those of the system
   */
  random?:
    | {
        /**
         * A number from 0, below 2 ** 64 as a `bigint`, or 1 to 32 bytes. A number is its
         * 8 bytes, little-endian, and fewer than 32 bytes are padded with zeros. It is the
         * key of a ChaCha20 generator.
         */
        seed: number | bigint | ArrayBufferView | ArrayBuffer;
      }
    | ((bytes: Uint8Array) => void)
    | undefined;
}

/**
 * The clocks of a guest. Times are nanoseconds, from 0 up and below 2 ** 64.
 *
 * Those of CPU time tell the time of the monotonic one, unless that is the host's.
 * A function is called for each reading, and as the guest waits; what it throws ends
 * the guest, and comes out of {@link WASI.start} unchanged, and anything but a `bigint` is a
 * `TypeError`. Functions are for the class and {@link runSync}.
 */
export interface WASIClock {
  /**
   * The time since 1970 at which the realtime clock begins, or what tells it.
   *
   * @default that of the host
   */
  realtime?: Date | bigint | (() => bigint) | undefined;

  /**
   * The time at which the monotonic clock begins, or what tells it.
   *
   * @default 0 if `realtime` is a time, else that of the host
   */
  monotonic?: bigint | (() => bigint) | undefined;

  /**
   * By how many nanoseconds the times that are given move with each reading. Programs
   * may hang on clocks that stand still: those of Go and CPython do.
   *
   * @default 1000000n, a millisecond
   */
  step?: bigint | undefined;

  /**
   * Whether a guest that waits for a time really waits. With `'skip'` it goes on at
   * once, unless something else is ready, and its clocks move by that time.
   *
   * @default 'real'
   */
  sleep?: 'real' | 'skip' | undefined;
}

/** A descriptor, a stream of Node, or a function: see {@link WASIOptions.trace}. */
export type WASITraceTarget =
  number | NodeJS.WritableStream | ((call: WASITraceCall) => void);

/** Which calls of a guest are told, and how. */
export interface WASITraceOptions {
  /**
   * Where.
   *
   * @default true, standard error
   */
  to?: true | WASITraceTarget | undefined;

  /**
   * Which calls, in the names of {@link WASIOptions.capabilities}.
   *
   * @default all
   */
  calls?: readonly WASICapability[] | undefined;

  /**
   * Whether only those that have failed.
   *
   * @default false
   */
  failed?: boolean | undefined;

  /**
   * Bytes that are told of each buffer that the guest writes: an integer up to
   * 1048576.
   *
   * @default 32
   */
  strings?: number | undefined;
}

/** A call that a guest has made. `String()` makes the line of it. */
export interface WASITraceCall {
  readonly name: WASICall;

  /**
   * What it was made with, by the names of the witx: numbers (`bigint` for those of 64
   * bits), the names of cases (`'cur'`) and of flags (`'CREAT|TRUNC'`, `'0'` for
   * none), paths. Of buffers to fill, their lengths; of those to write, a
   * {@link WASITraceBuffer} each; of subscriptions, their fields. What should be in
   * memory and is not is a {@link WASITracePointer}. `null` for arguments that are not
   * of the call's type, as only JavaScript can pass them.
   */
  readonly args: Readonly<Record<string, unknown>> | null;

  /**
   * The name of the errno, as the witx has it: `'success'`, `'noent'`. `null` for a
   * call that has not returned: `proc_exit`, or one that ended the guest.
   */
  readonly result: string | null;

  /** Why it was refused, if {@link WASIOptions.capabilities} do not give that call. */
  readonly reason?: 'capabilities';

  /** What it has written, by the names of the witx, if it has succeeded. */
  readonly out: Readonly<Record<string, unknown>>;

  /** How long it took, in nanoseconds. */
  readonly nanos: number;

  /** Which thread of the guest made it: 0 for the one that it began with. */
  readonly thread: number;

  toString(): string;
}

/** A buffer that a guest has a call write. */
export interface WASITraceBuffer {
  readonly length: number;
  /** The first {@link WASITraceOptions.strings} of its bytes, if they are in memory. */
  readonly bytes: Uint8Array | undefined;
}

/** What a guest says is in its memory, and is not. */
export interface WASITracePointer {
  readonly pointer: number;
  readonly length: number;
}

/**
 * A socket at which a guest is to accept connections:
 *
 * - one that is made, to listen at a `port` from 0 to 65535, 0 being any that is free,
 *   of the `host`, by default `'127.0.0.1'`; or at a `path` of the host, where there must
 *   be nothing, and which is removed when the guest closes the socket (not on Windows).
 *   `backlog` is how many connections wait to be accepted, by default 511
 * - a `net.Server` that is listening at a port. The guest gets a duplicate of its socket,
 *   and the server is closed (not on Windows)
 * - a descriptor of the host that is listening, which is lent (not on Windows)
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
  /** The guest's number of it. */
  readonly fd: number;
  /** Where it listens, as `address()` of a `net.Server` tells it. */
  address(): net.AddressInfo | string | null;
}

/** How many threads a guest may have. */
export interface WASIThreads {
  /**
   * Threads at a time beside the first, from 0 to 4096. For more, `thread-spawn`
   * answers EAGAIN.
   *
   * @default four for each processor that the machine has
   */
  max?: number | undefined;

  /**
   * Threads that are made before the guest begins, from 0 to `max`.
   *
   * @default 0
   */
  warm?: number | undefined;
}

/** What a standard stream can be, whatever its direction. */
export type WASIStdio = 'pipe' | 'inherit' | 'ignore' | number;

/**
 * Gives what the guest reads from standard input, while the guest waits: at most
 * `size` bytes are read at once, and what is beyond them the next time. A string is
 * UTF-8. Nothing, or no bytes, is the end, after which it is not called again. What
 * it gives must not change before it is called again.
 *
 * What it throws ends the guest, and comes out of {@link WASI.start} unchanged.
 * Anything else than these values is a `TypeError`, a promise too: `run()` and
 * `spawn()` take streams. It may call the guest and its `WASI`.
 */
export type WASIReader = (
  size: number,
) => string | ArrayBufferView | ArrayBuffer | null | undefined;

/**
 * Takes what the guest writes, while the guest waits: up to 64 KiB at once, in a
 * buffer that is its own.
 *
 * What it throws ends the guest, and comes out of {@link WASI.start} unchanged. A
 * promise is a `TypeError`, as nothing waits for it: `run()` and `spawn()` do. It
 * may call the guest and its `WASI`.
 */
export type WASIWriter = (chunk: Buffer) => void;

/**
 * An instance of a guest: a `WebAssembly.Instance`, or what has its `exports`. Of what
 * `WebAssembly.instantiate()` gives for bytes, `{ module, instance }`, it is the property
 * `instance`.
 */
export type WASIInstance = object & {
  readonly exports?: unknown;
  readonly instance?: never;
};

/** What {@link WASI.start} can be told beside the instance. */
export interface StartOptions {
  /**
   * Milliseconds after which the guest is ended, whether it computes, makes calls
   * or waits in one: an integer up to 4294967295. 0 is no limit. Until then nothing else
   * runs in this thread. A guest whose `_start` returns a promise has until it
   * does so.
   *
   * @default no limit
   */
  timeout?: number | undefined;
}

/** What {@link WASI.startAsync} can be told beside the instance. */
export interface StartAsyncOptions {
  /**
   * Milliseconds after which the guest is ended where it waits, or at its next call:
   * an integer from 1 to 2147483647. One that computes is not ended, as nothing
   * else runs in this thread meanwhile.
   *
   * @default no limit
   */
  timeout?: number | undefined;
  /** Ends the guest when it is aborted, in the same places. */
  signal?: AbortSignal | undefined;
}

/** What {@link WASI.getImportObject} can be told. */
export interface ImportObjectOptions {
  /**
   * Whether the calls that may wait suspend the guest where they would: `fd_read`,
   * `fd_write`, `poll_oneoff`, `sock_accept`, `sock_recv` and `sock_send`. For
   * {@link WASI.startAsync}, and exports made with `WebAssembly.promising()`. What is called
   * in any other way ends with a `WebAssembly.SuspendError` where it would wait.
   *
   * @default false
   */
  suspending?: boolean | undefined;

  /**
   * The `WebAssembly.Module` of the guest. What it imports from the other version of
   * WASI than `options.version` is among the imports, too; functions that a program has
   * put into `wasiImport` are those of its own version. Where it imports
   * `wasi.thread-spawn` the guest has that, if `options.threads` lets it, and
   * {@link WASI.start} runs it in workers.
   */
  module?: object | undefined;

  /**
   * The `WebAssembly.Memory` that the module imports, which is added by the name that
   * the module has for it. For a guest with threads it is a shared one.
   */
  memory?: object | undefined;
}

/** What {@link WASI.finalizeBindings} can be told beside the instance. */
export interface FinalizeBindingsOptions {
  /**
   * The `WebAssembly.Memory` that the guest works on: shared, 64-bit, or of
   * the plain kind.
   *
   * @default instance.exports.memory
   */
  memory?: object | undefined;
}

/**
 * What the constructor throws where it cannot open what a guest is to be given.
 * `node:wasi` throws the same, but for the properties that say what that was.
 */
export interface WASIInitError extends Error {
  /** `UVWASI_` and the name of the error: `UVWASI_ENOENT`. */
  code: string;
  /** The number of the error in WASI. */
  errno: number;
  syscall: 'uvwasi_init';
  /** The path of the directory, as it was given, if it was a preopen. */
  path?: string;
  /** The path in the guest of that preopen. */
  dest?: string;
  /** The descriptor of the host, if it was a standard stream. */
  fd?: number;
}

/**
 * What a guest's `proc_exit` throws where no {@link WASI.start} is there to
 * catch it: out of {@link WASI.initialize}, or out of an export that was called
 * directly. It is a `WebAssembly.RuntimeError`, so that no guest can catch it.
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
   *   `version`, right, capability or limit, and for a misspelled option. An
   *   option that is near to none of these is ignored
   * @throws {RangeError} `ERR_OUT_OF_RANGE` for a descriptor that can be none,
   *   a `maxBuffer` or a limit out of its range
   * @throws {WASIInitError} `UVWASI_EBADF` for a descriptor that is not open, and
   *   `UVWASI_ENOENT`, `UVWASI_ENOTDIR` or `UVWASI_EACCES`, say, for a preopen
   *   that cannot be opened
   * @throws {Error} `ERR_ACCESS_DENIED` where Node runs with `--permission` and
   *   without `--allow-wasi`
   */
  constructor(options?: WASIOptions);

  /**
   * The functions that the guest imports, 46 own properties. They may be
   * replaced before the guest is instantiated, and need no receiver.
   *
   * Called from JavaScript they return WASI's error number, 28 (EINVAL) for
   * arguments of the wrong number or type. Before memory is bound they throw
   * `ERR_WASI_NOT_STARTED`.
   */
  readonly wasiImport: WASIFunctions;

  /**
   * Adds to the `capabilities` that the instance was made with. Where it was
   * made without, it has them all, and nothing is left to add.
   *
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a name that is no string;
   *   `ERR_INVALID_ARG_VALUE` for an unknown one
   */
  addCapability(name: WASICapability): void;

  /**
   * Mounts a directory or a file in the guest's namespace, over what is there.
   * From then on every path of the guest's meets it, and so does {@link fs}.
   *
   * Before the start a directory is a preopen as well. A guest that has started
   * learns of no new preopens, so there must be one above the path, or at it.
   *
   * @param guestPath the path in the guest, from `/`. Links are followed up to its
   *   last component; directories that are missing are made up, for reading, and on
   *   no file system.
   * @param source what `preopens` takes: a path of the host, a file system, a
   *   {@link file}, or the description of a preopen
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for an argument of another type;
   *   `ERR_INVALID_ARG_VALUE` for a path that is empty, or has a NUL or `..`, and for
   *   a description with another property
   * @throws {Error} `ERR_INVALID_STATE` where the guest has started and no preopen
   *   is above; `ERR_WASI_CLOSED` after {@link close}; as `node:fs` throws them,
   *   `ENOENT` for a source that is not there, `ENOTDIR` where a file is on the way,
   *   `ELOOP` for what would lie in itself, `ENFILE` for one more descriptor than
   *   `limits.descriptors`
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
   * Takes from a path what was mounted there last: by {@link mount}, or as a preopen
   * of another file system than the host's. What it covered is there again. What
   * the guest has open stays open, a preopen included, but no path leads there.
   *
   * @param guestPath as for {@link mount}
   * @throws {TypeError} as {@link mount}
   * @throws {Error} `EINVAL` where nothing is mounted; `ERR_WASI_CLOSED`
   */
  unmount(guestPath: string): void;

  /**
   * The imports for `WebAssembly.instantiate()`: {@link wasiImport}, the very
   * object, under the name that belongs to the version. With `suspending`, an
   * object that inherits from it. With `module`, what that imports from the other
   * version besides: functions with its layouts, for the same guest.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `suspending` is no boolean
   * @throws {Error} `ERR_WASI_NO_SUSPENDING` where the engine has no
   *   `WebAssembly.Suspending`, as Node.js before 24
   */
  getImportObject(options?: ImportObjectOptions): WASIImports;

  /**
   * Runs a command: binds the instance's memory and calls its `_start`.
   *
   * The command is over when this returns or throws. All that the guest opened
   * is closed then, and the host has back its descriptors of the preopens.
   * Exports that are called later still find the standard streams, and the
   * preopens under their numbers: a directory is opened again when it is used,
   * by its path, and only if that leads to the same directory; else the call
   * answers 72 (ESTALE) or what `open(2)` says. Where `_start` returns a promise
   * it has only been suspended, and nothing is closed.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @returns the exit code: 0 where `_start` returned
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}, `ERR_SCRIPT_EXECUTION_TIMEOUT`
   *   where the guest did not end within its `timeout`
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `exports` has no `memory`
   *   or no function `_start`, or has an `_initialize`
   * @throws whatever ended the guest, a trap for instance, or what a function
   *   that is a standard stream has thrown
   */
  start(instance: WASIInstance, options?: StartOptions): number;

  /**
   * Runs a command as {@link start} does, but the event loop goes on where the guest
   * waits: for a time, for a stream, for a function of the host that returns a
   * promise. Those are given to the guest as `new WebAssembly.Suspending(f)`. The guest
   * runs in this thread: while it computes, nothing else does.
   *
   * Meanwhile {@link stop} ends the guest, {@link close} takes from it what it has
   * open, and other exports can be called.
   *
   * @param instance a `WebAssembly.Instance` with the imports of
   *   `getImportObject({ suspending: true })`
   * @returns the exit code: 0 where `_start` returned, and that of {@link stop}
   *   where it ended the guest
   * @throws as a rejection, what {@link start} throws;
   *   `ERR_SCRIPT_EXECUTION_TIMEOUT` where its `timeout` was over; an `AbortError`
   *   where its `signal` was aborted
   * @throws {Error} `ERR_WASI_NO_SUSPENDING` where the engine has no
   *   `WebAssembly.Suspending`; `ERR_INVALID_STATE` where the instance was made
   *   without `suspending`
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
   * Prepares a reactor: binds the instance's memory and calls its
   * `_initialize`, if it has one. What the guest opens stays open until
   * {@link WASI.close}, or until the instance is collected.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `exports` has no `memory`,
   *   has a `_start`, or an `_initialize` that is no function
   * @throws {WASIExitError} where `_initialize` calls `proc_exit`
   */
  initialize(instance: WASIInstance): void;

  /**
   * Binds memory and calls nothing: for guests that are started in some other
   * way, such as a further thread on a shared memory. What the guest opens stays
   * open until {@link WASI.close}, or until the instance is collected.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already,
   *   `ERR_WASI_CLOSED` after {@link WASI.close}
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where there is no memory;
   *   `ERR_INVALID_ARG_VALUE` for a misspelled `memory`
   */
  finalizeBindings(
    instance: WASIInstance,
    options?: FinalizeBindingsOptions,
  ): void;

  /**
   * The guest's files as the guest finds them, for its host: paths of the guest,
   * and no link or `..` that leads out (EACCES). An absolute path begins at the
   * preopen with the longest name in front of it; a relative one at the guest's
   * root, which is `/`, or the only preopen.
   *
   * A preopen that is `readOnly`, or lacks a right, is so here as well: EROFS
   * for what would change something, else EACCES. `capabilities` are what the
   * guest may call, and hold for the guest alone. Links may be made to anywhere.
   *
   * Its descriptors are its own. They begin with 3 and the preopens, so that the
   * first is 4 where there is one preopen; the guest's are not seen, nor does it
   * see these. `limits.descriptors` holds for them in the same way.
   *
   * It is there before the start and after the end, and what the guest has
   * closed by the time that it is first asked for is not in it. After
   * {@link WASI.close} each function throws `ERR_WASI_CLOSED`.
   */
  readonly fs: WASIFileSystem;

  /** Where the guest listens: what the option of that name has become. */
  readonly listeners: readonly WASIListener[];

  /**
   * What the guest has written so far to a standard output that is a `'pipe'`; null
   * if that is anything else. It is the same buffer until the guest writes more, and
   * still there after {@link WASI.close}.
   */
  readonly stdout: Buffer | null;

  /** The same for standard error. */
  readonly stderr: Buffer | null;

  /** The same as `fs.writeSync`. */
  readonly writeSync: typeof fs.writeSync;

  /**
   * Closes all descriptors of the guest: the preopens and what it opened. The
   * standard streams are taken from it, and stay open for the host. From now on
   * its calls answer 8 (EBADF) where they take a descriptor, and the instance
   * cannot be started. The guest itself goes on until it makes no more calls.
   * Closing what is closed does nothing.
   */
  close(): void;

  /**
   * Ends the guest at its next call, as if that were `proc_exit`, and closes all
   * that it has, as {@link WASI.close} does: {@link WASI.start} returns the code.
   * It is for what the guest calls: an import, or a function in
   * {@link wasiImport}. The first code counts.
   *
   * @param exitCode from -2147483648 to 4294967295; what is above 2147483647 is
   *   the same 32 bits below 0, as for `proc_exit`
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `exitCode` is no number
   * @throws {RangeError} `ERR_OUT_OF_RANGE` where it is none of those numbers
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
 * What {@link run} and its like take as a program:
 *
 * - the path of a file, or its `file:` URL. It is compiled once in the process,
 *   until the file changes
 * - its bytes: a `Buffer`, any other view, an `ArrayBuffer`
 * - a `WebAssembly.Module`, which can be compiled once and run often
 * - a `Response` or a `Blob`, and a promise of any of these: not for
 *   {@link runSync}, which does not wait
 */
// `object` is for the classes of the Web, which are not part of every project.
export type WASIProgram = string | URL | ArrayBufferView | ArrayBuffer | object;

/** What a guest reads piece by piece: {@link WASIRunOptions.stdin}. */
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

/** What takes what a guest writes: {@link WASIRunOptions.stdout}. */
export type WASISink<Chunk = Buffer> =
  WASIWritable | ((chunk: Chunk) => unknown);

/** What {@link run}, {@link spawn} and {@link runSync} have in common. */
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
   * The arguments, without the name of the program, which is {@link argv0}.
   *
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The name of the program as it sees it.
   *
   * @default the name of its file, or 'wasm'
   */
  argv0?: string | undefined;

  /**
   * What the guest reads from a standard input that is `'pipe'`: a string, in
   * UTF-8, or bytes.
   */
  input?: string | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * Milliseconds, from the guest's start, after which it is ended, whether it
   * computes or waits: to 2147483647. 0 is no limit.
   *
   * @default 0
   */
  timeout?: number | undefined;

  /**
   * Milliseconds of CPU time after which the guest is ended, of which it uses none
   * while it waits: to 2147483647. What its threads use counts, as in
   * {@link WASIResult.usage}. It is looked at no more often than every 10 ms. 0 is
   * no limit.
   *
   * With `runSync()` the guest gets a thread of its own, for which the caller waits.
   * `imports`, and functions as standard streams, are errors then.
   *
   * @default 0
   */
  cpuTime?: number | undefined;

  /**
   * Bytes of memory that the guest can have, and as much again for its tables: for
   * more, its `memory.grow` and `table.grow` answer -1. It counts in pages of
   * 64 KiB. A program that makes objects which WebAssembly collects is refused:
   * they would not be limited.
   *
   * A `WebAssembly.Module` is compiled already and cannot be changed. So its
   * memory, not its tables, is looked at when it makes a call, and where it has
   * more by then it is ended: `reason` is `'memory'`. One that makes no calls is
   * not noticed. Give the bytes or the path for a limit that holds.
   *
   * @default what the program declares, up to 4 GiB
   */
  maxMemory?: number | undefined;

  /**
   * Whether the guest may have threads, and how many: as for {@link WASIOptions}.
   * With `false`, a program that imports `wasi.thread-spawn` is refused.
   *
   * @default true
   */
  threads?: boolean | WASIThreads | undefined;
}

/** What {@link run} and {@link runSync} have beyond that: the output as a value. */
export interface WASICaptureOptions {
  /**
   * Whether any other end than with exit code 0 is an error.
   *
   * @default true
   */
  check?: boolean | undefined;

  /**
   * What output is in the result: `'buffer'` is bytes, any other encoding of
   * Node a string. Functions get their chunks in it as well.
   *
   * @default 'buffer'
   */
  encoding?: BufferEncoding | 'buffer' | null | undefined;

  /**
   * Bytes of standard output, and of standard error, that are kept. A guest that
   * writes more is ended. With an `encoding` they are no more than one string can
   * have, about 512 MiB.
   *
   * @default 104857600
   */
  maxBuffer?: number | undefined;
}

/** What {@link run} and {@link spawn} have beyond that. */
export interface WASIThreadOptions<Chunk = Buffer> {
  /**
   * Where standard input comes from: `'pipe'` is `input` or nothing, and for
   * {@link spawn} a stream; `'inherit'` is that of the process, `'ignore'`
   * nothing, a number a descriptor. Bytes are taken as `input`.
   *
   * A stream or iterable is read as far as the guest reads. When the guest is over
   * it is left as it is; a generator is told, as by `break`.
   *
   * @default 'pipe'
   */
  stdin?: WASIStdio | WASISource | ArrayBufferView | ArrayBuffer | undefined;

  /**
   * Where standard output goes: `'pipe'` is into the result, and for
   * {@link spawn} a stream; `'inherit'` is that of the process, `'ignore'`
   * nowhere, a number a descriptor.
   *
   * A function is called with each chunk, and if it returns a promise not before
   * that is settled. What it throws ends the guest, and is thrown to the caller.
   * A stream is written and waited for, and not ended.
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

  /** Ends the guest when it is aborted, at whatever stage. */
  signal?: AbortSignal | undefined;

  /**
   * The threads that the guest runs in one of.
   *
   * @default one that all share, of as many as the machine runs at a time
   */
  pool?: Pool | undefined;
}

/** What {@link run} can be told. */
export interface WASIRunOptions
  extends
    WASIGuestOptions,
    WASICaptureOptions,
    WASIThreadOptions<string | Buffer> {}

/** What {@link spawn} can be told. */
export interface WASISpawnOptions extends WASIGuestOptions, WASIThreadOptions {}

/** What {@link runSync} can be told. */
export interface WASIRunSyncOptions
  extends WASIGuestOptions, WASICaptureOptions {
  /**
   * As for {@link run}, but for what takes an event loop to serve; or a function
   * that is called whenever the guest reads, in the middle of that.
   */
  stdin?: WASIStdio | WASIReader | ArrayBufferView | ArrayBuffer | undefined;
  /**
   * As for {@link run}, but for what takes an event loop to serve. A function is
   * called in the middle of the guest's write, and returns no promise.
   */
  stdout?: WASIStdio | ((chunk: string | Buffer) => void) | undefined;
  /** The same for standard error. */
  stderr?: WASIStdio | ((chunk: string | Buffer) => void) | undefined;

  /**
   * What the program imports beside WASI, by module and name; a function with the
   * name of a call takes its place. What a function throws comes out unchanged.
   */
  imports?: { readonly [module: string]: object } | undefined;
}

/**
 * Why a guest ended:
 *
 * - `exit`: by itself, with an exit code
 * - `trap`: the engine ended it; `error` says for what
 * - `timeout`: its time was over, or what it wrote was not taken in that time
 * - `cpuTime`: it has used up its CPU time
 * - `memory`: it had more memory than `maxMemory`, which a compiled module can
 * - `maxBuffer`: it wrote more than is kept
 * - `abort`: its signal was aborted
 * - `kill`: by {@link Child.kill}
 * - `error`: something else than the guest failed, as `error` says
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

/** How a guest ended, and what it left behind. */
export interface WASIResult<Output = Buffer> {
  /** The exit code, or null if it ended in another way. */
  readonly exitCode: number | null;

  readonly reason: WASIReason;

  /** The error behind the reason, or what {@link Child.kill} was given. */
  readonly error: unknown;

  /** Whether it ended by itself, with exit code 0. */
  readonly ok: boolean;

  /**
   * The export that ran. A program without either is a library, of which nothing
   * has run.
   */
  readonly entry: '_start' | '_initialize' | null;

  /** What it wrote to standard output, or null if that went elsewhere. */
  readonly stdout: Output | null;

  /** The same of standard error. */
  readonly stderr: Output | null;

  /** The calls that it has made without the capability for them. */
  readonly refused: readonly WASICall[];

  readonly usage: {
    /** Milliseconds from its start to its end. */
    readonly wallTime: number;
    /**
     * Milliseconds of CPU time that its thread has used for it, in user and kernel
     * mode together. What threads of the engine do for it, compiling above all,
     * does not count.
     */
    readonly cpuTime: number;
  };

  /**
   * Standard output as a string.
   *
   * @throws {Error} `ERR_INVALID_STATE` if that went elsewhere
   */
  text(): string;
}

/** What {@link run} rejects with for a guest that ended badly. */
export interface WASIRunError extends Error {
  name: 'WASIRunError';
  code: 'ERR_WASI_RUN';
  /** How it ended; the message has the last lines of its standard error. */
  result: WASIResult<string | Buffer>;
}

/**
 * Runs a program in a thread of its own, and gives its output and exit code.
 *
 * It has nothing of the host but what the options give it, and its output is kept:
 * see {@link WASIRunOptions}. What runs is its `_start`, or its `_initialize`.
 *
 * @returns how it ended. It rejects with a {@link WASIRunError} if that was not
 *   with exit code 0, unless `check` is false. It rejects in any case with an
 *   `AbortError` for a signal, unchanged with what a function, a stream or the
 *   file system threw, with `ERR_WASI_UNSUPPORTED_PROGRAM` for what is no module
 *   of WASI, with the errors of {@link WASI} for options and preopens, and with
 *   `ERR_WASI_POOL_CLOSED`
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
 * Runs a program in this thread, which does nothing else until it is over. What
 * {@link run} rejects with, it throws.
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
 * Starts a program in a thread of its own, as `spawn()` of `node:child_process`
 * starts a process. It does not wait for a thread to be free, unless it is given
 * a pool.
 *
 * Wrong options are thrown; what is wrong with the program or its preopens is an
 * event `'error'`.
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

/** What {@link Child} emits. */
interface ChildEvents {
  /** It runs. */
  spawn: [];
  /** It is over; there may be more to be read from its streams. */
  exit: [exitCode: number | null, reason: WASIReason];
  /** It is over, and its streams are closed. */
  close: [exitCode: number | null, reason: WASIReason];
  /**
   * It could not be started, its signal was aborted, or what it was given for a
   * stream failed.
   */
  error: [error: Error];
}

/** A guest that {@link spawn} has started, in the words of `ChildProcess`. */
export interface Child extends EventEmitter<ChildEvents> {
  /** The guest's standard input, or null if that is no pipe. */
  readonly stdin: Writable | null;
  /** The guest's standard output, or null if that is no pipe. */
  readonly stdout: Readable | null;
  /** The guest's standard error, or null if that is no pipe. */
  readonly stderr: Readable | null;
  readonly stdio: readonly [Writable | null, Readable | null, Readable | null];

  /** The exit code, or null if it runs, or ended in another way. */
  readonly exitCode: number | null;
  /** Why it ended, or null if it runs. */
  readonly reason: WASIReason | null;
  /**
   * Whether {@link kill} has ended it, or is about to; or its `timeout`, its
   * `cpuTime` or its `signal`, which do the same.
   */
  readonly killed: boolean;

  /**
   * Where it listens: what its option `listeners` has become, from `'spawn'` on. An
   * EventEmitter has listeners of its own.
   */
  readonly sockets: readonly WASIListener[];

  /** How it ended, from `'exit'` on. It never rejects. */
  readonly exited: Promise<WASIResult>;

  /**
   * Ends it: in a few milliseconds, whether it computes or waits, and within about
   * a second whatever the engine does for it.
   *
   * @param cause what `error` of its result is to be
   * @returns whether it was not over yet
   */
  kill(cause?: unknown): boolean;

  /** Keeps the process alive, as it does from the start. */
  ref(): this;
  /** Keeps the process alive no more; its streams still do. */
  unref(): this;

  /** The same as {@link kill}, for `using`. */
  [Symbol.dispose](): void;
  /** Ends it, and waits until it is over. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a {@link Pool} can be made with. */
export interface PoolOptions {
  /**
   * How many guests run at a time, from 1. More wait for their turn.
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
   * How many guests a thread runs, one after the other, before another takes its
   * place: from 1, or `Infinity`. Their memories are collected late.
   *
   * @default 1000
   */
  maxRuns?: number | undefined;
}

/**
 * Threads that are kept warm, so that a run takes a millisecond and not the
 * thirty that a new thread does. They keep no process alive.
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

  /** {@link run} in one of these threads, when one is free. It takes no `pool`. */
  run: typeof run;

  /** {@link spawn} in one of these threads, when one is free. It takes no `pool`. */
  spawn: typeof spawn;

  /** Takes no more, and ends when all that has been taken is over. */
  close(): Promise<void>;

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
