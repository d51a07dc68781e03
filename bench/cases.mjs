// The cases of the benchmark. Each iteration of a case's loop makes its `calls`; the time
// of the case is that of one iteration.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { call, words } from './guest.mjs';

// Addresses in the guests' memory.
const IOVEC = 0;
const RESULT = 64;
const PATH = 1024;
const OTHER_PATH = 2048;
const BUF = 65536;

const PREOPEN = 3;
const FOLLOW = 1;
const OFLAGS_CREAT = 1;
const FD_READ = 2n;
const FD_SEEK = 4n;
const FD_TELL = 32n;
const FD_FILESTAT_GET = 1n << 21n;
/** The descriptor of the first file that a guest opens. */
const FILE = 4;

const iovec = (len) => ({ [IOVEC]: words(BUF, len) });
const toNull = () => fs.openSync('/dev/null', 'w');
const at = (text) => ({ [PATH]: text });

/** Calls on a file that the guest opens before the loop. */
const onFile = ({ data, calls }) => ({
  data: { ...at('file'), ...data },
  first: call(
    'path_open',
    PREOPEN,
    FOLLOW,
    PATH,
    4,
    0,
    FD_READ | FD_SEEK | FD_TELL | FD_FILESTAT_GET,
    0n,
    0,
    RESULT,
  ),
  calls,
});

function openAndClose(text) {
  return {
    data: at(text),
    calls: [
      call(
        'path_open',
        PREOPEN,
        FOLLOW,
        PATH,
        text.length,
        0,
        FD_READ,
        0n,
        0,
        RESULT,
      ),
      '(call $fd_close (i32.load (i32.const 64)))',
    ],
  };
}

function openReadAndClose(text) {
  const { data, calls } = openAndClose(text);
  const [open, close] = calls;
  const read = `(call $fd_read (i32.load (i32.const ${RESULT}))
    (i32.const ${IOVEC}) (i32.const 1) (i32.const ${RESULT + 8}))`;
  return { data: { ...data, ...iovec(100) }, calls: [open, read, close] };
}

/** A FIFO with a byte in it, open for reading and writing. */
function readyPipe(directory) {
  const fifo = path.join(directory, 'fifo');
  if (!fs.existsSync(fifo)) spawnSync('mkfifo', [fifo]);
  const fd = fs.openSync(fifo, 'r+');
  fs.writeSync(fd, 'x');
  return fd;
}

/** Reads a whole directory through a buffer of 4 KiB, n times. */
const READ_DIRECTORY = `(func (export "run") (param $n i32) (result i32)
  (local $errno i32) (local $cookie i64) (local $used i32) (local $at i32) (local $end i32)
  (loop $again
    (local.set $cookie (i64.const 0))
    (loop $more
      (local.set $errno (i32.or (local.get $errno)
        (call $fd_readdir (i32.const ${PREOPEN}) (i32.const ${BUF}) (i32.const 4096)
          (local.get $cookie) (i32.const ${RESULT}))))
      (local.set $used (i32.load (i32.const ${RESULT})))
      (local.set $at (i32.const ${BUF}))
      (block $partial
        (loop $entry
          (br_if $partial (i32.gt_u (i32.add (local.get $at) (i32.const 24))
            (i32.add (i32.const ${BUF}) (local.get $used))))
          (local.set $end (i32.add (i32.add (local.get $at) (i32.const 24))
            (i32.load offset=16 (local.get $at))))
          (br_if $partial (i32.gt_u (local.get $end)
            (i32.add (i32.const ${BUF}) (local.get $used))))
          (local.set $cookie (i64.load (local.get $at)))
          (local.set $at (local.get $end))
          (br $entry)))
      (br_if $more (i32.eq (local.get $used) (i32.const 4096))))
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $errno))`;

function directoryOf(count) {
  return (directory) => {
    const full = path.join(directory, `entries-${count}`);
    if (!fs.existsSync(full)) {
      fs.mkdirSync(full);
      for (let i = 0; i < count; i++) {
        fs.closeSync(fs.openSync(path.join(full, `entry-${i}`), 'w'));
      }
    }
    return full;
  };
}

const readDirectory = (count, goal) => ({
  name: `fd_readdir, ${count.toLocaleString('en')} entries`,
  goal,
  run: READ_DIRECTORY,
  preopen: directoryOf(count),
});

/** A subscription to the monotonic clock, whose relative timeout is 0. */
const PAST = Buffer.alloc(48);
PAST.writeUInt32LE(1, 16);
PAST.writeUInt16LE(0, 40);

/** A subscription to read readiness of descriptor 0. */
const READ_0 = Buffer.alloc(48);
READ_0[8] = 1;

/** The calls of a case on disk, with a copy of its directory in memory. */
function inMemory(name, goal) {
  const onDisk = ON_DISK.find((each) => each.name === name);
  const { goalOn20: _, ...same } = onDisk;
  return { ...same, name: `in memory: ${name}`, goal, inMemory: true };
}

const ON_DISK = [
  {
    name: 'fd_write, 16 B',
    goal: 1,
    stdout: toNull,
    data: iovec(16),
    calls: [call('fd_write', 1, IOVEC, 1, RESULT)],
  },
  {
    name: 'fd_write, 64 KiB',
    goal: 1,
    stdout: toNull,
    data: iovec(65536),
    calls: [call('fd_write', 1, IOVEC, 1, RESULT)],
  },
  {
    name: 'fd_pread, 16 B',
    goal: 1.4,
    ...onFile({
      data: iovec(16),
      calls: [call('fd_pread', FILE, IOVEC, 1, 0n, RESULT)],
    }),
  },
  {
    name: 'fd_pread, 64 KiB',
    goal: 1,
    ...onFile({
      data: iovec(65536),
      calls: [call('fd_pread', FILE, IOVEC, 1, 0n, RESULT)],
    }),
  },
  {
    name: 'fd_seek',
    goal: 1.3,
    ...onFile({ calls: [call('fd_seek', FILE, 16n, 0, RESULT)] }),
  },
  {
    name: 'fd_tell',
    goal: 1.3,
    ...onFile({ calls: [call('fd_tell', FILE, RESULT)] }),
  },
  {
    name: 'fd_filestat_get',
    goal: 1.05,
    ...onFile({ calls: [call('fd_filestat_get', FILE, RESULT)] }),
  },
  {
    name: 'fd_fdstat_get',
    goal: 4,
    ...onFile({ calls: [call('fd_fdstat_get', FILE, RESULT)] }),
  },
  { name: 'random_get, 16 B', goal: 5, calls: [call('random_get', BUF, 16)] },
  {
    name: 'path_open + fd_close, 1 component',
    goal: 1.5,
    ...openAndClose('file'),
  },
  {
    name: 'path_open + fd_close, 3 components',
    goal: 1.5,
    ...openAndClose('a/b/file'),
  },
  {
    name: 'path_open + fd_read, 100 B + fd_close',
    goal: 1.2,
    ...openReadAndClose('a/b/small'),
  },
  {
    name: 'path_filestat_get, 1 component',
    goal: 2,
    data: at('file'),
    calls: [call('path_filestat_get', PREOPEN, FOLLOW, PATH, 4, RESULT)],
  },
  {
    name: 'path_filestat_get, 3 components',
    goal: 1.05,
    data: at('a/b/file'),
    calls: [call('path_filestat_get', PREOPEN, FOLLOW, PATH, 8, RESULT)],
  },
  {
    name: 'path_create_directory + path_remove_directory',
    goal: 1.2,
    changesNames: true,
    data: at('made'),
    calls: [
      call('path_create_directory', PREOPEN, PATH, 4),
      call('path_remove_directory', PREOPEN, PATH, 4),
    ],
  },
  {
    name: 'path_rename, there and back',
    goal: 1.2,
    changesNames: true,
    data: { ...at('moved'), [OTHER_PATH]: 'there' },
    calls: [
      call('path_rename', PREOPEN, PATH, 5, PREOPEN, OTHER_PATH, 5),
      call('path_rename', PREOPEN, OTHER_PATH, 5, PREOPEN, PATH, 5),
    ],
  },
  {
    name: 'path_open, creating + fd_close + path_unlink_file',
    goal: 1.2,
    changesNames: true,
    data: at('new'),
    calls: [
      call(
        'path_open',
        PREOPEN,
        0,
        PATH,
        3,
        OFLAGS_CREAT,
        FD_READ,
        0n,
        0,
        RESULT,
      ),
      '(call $fd_close (i32.load (i32.const 64)))',
      call('path_unlink_file', PREOPEN, PATH, 3),
    ],
  },
  {
    name: 'path_readlink',
    goal: 1.2,
    data: at('link'),
    calls: [call('path_readlink', PREOPEN, PATH, 4, BUF, 256, RESULT)],
  },
  {
    name: 'path_symlink + path_unlink_file',
    goal: 1.2,
    changesNames: true,
    data: { ...at('laid'), [OTHER_PATH]: 'file' },
    calls: [
      call('path_symlink', OTHER_PATH, 4, PREOPEN, PATH, 4),
      call('path_unlink_file', PREOPEN, PATH, 4),
    ],
  },
  {
    name: 'poll_oneoff, a clock already due',
    goal: 20,
    data: { [BUF]: PAST },
    calls: [call('poll_oneoff', BUF, BUF + 4096, 1, RESULT)],
  },
  {
    name: 'poll_oneoff, a pipe that is ready',
    goal: 20,
    stdin: readyPipe,
    data: { [BUF]: READ_0 },
    calls: [call('poll_oneoff', BUF, BUF + 4096, 1, RESULT)],
  },
  readDirectory(1_000, 2),
  readDirectory(10_000, 20),
  { ...readDirectory(50_000, 100), slow: true },
  {
    name: 'clock_time_get',
    goal: 0.8,
    goalOn20: 0.5,
    calls: [call('clock_time_get', 1, 0n, RESULT)],
  },
  {
    name: 'args_sizes_get',
    goal: 0.5,
    goalOn20: 0.4,
    calls: [call('args_sizes_get', RESULT, RESULT + 4)],
  },
  {
    name: 'fd_prestat_get',
    goal: 0.5,
    goalOn20: 0.4,
    calls: [call('fd_prestat_get', PREOPEN, RESULT)],
  },
];

/** node:wasi runs these on disk, as it has no files in memory. */
const IN_MEMORY = [
  inMemory('path_open + fd_close, 1 component', 10),
  inMemory('path_open + fd_close, 3 components', 10),
  inMemory('path_open + fd_read, 100 B + fd_close', 7),
  inMemory('path_filestat_get, 1 component', 8),
  inMemory('path_filestat_get, 3 components', 8),
  inMemory('fd_pread, 16 B', 4),
  // With both hosts most of the time is a memcpy: see RATIONALE.md.
  inMemory('fd_pread, 64 KiB', 1.5),
  inMemory('path_create_directory + path_remove_directory', 6),
  inMemory('path_rename, there and back', 5),
  inMemory('path_open, creating + fd_close + path_unlink_file', 8),
  inMemory('fd_readdir, 1,000 entries', 15),
];

export const CASES = [...ON_DISK, ...IN_MEMORY];

/** Creates the files of the cases. */
export function prepare(directory) {
  fs.mkdirSync(path.join(directory, 'a/b'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'file'), Buffer.alloc(131072, 'x'));
  fs.writeFileSync(path.join(directory, 'a/b/file'), 'x');
  fs.writeFileSync(path.join(directory, 'a/b/small'), 'x'.repeat(100));
  fs.writeFileSync(path.join(directory, 'moved'), 'x');
  fs.symlinkSync('file', path.join(directory, 'link'));
}
