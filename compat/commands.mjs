// Runs programs in a directory: as WASI guests with the directory as their root, or as
// native programs with it as their working directory.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { devNull } from 'node:os';
import { basename, join } from 'node:path';

const require = createRequire(import.meta.url);

/** A fixed environment, so that the machine's settings do not matter. */
const ENV = { HOME: '/home', LC_ALL: 'C', PATH: '/', TZ: 'UTC' };

const modules = new Map();

/** Compiles a module, or returns it if that was done before. */
function compiled(file) {
  if (!modules.has(file)) {
    modules.set(file, WebAssembly.compile(readFileSync(file)));
  }
  return modules.get(file);
}

/** Runs a guest in this process; resolves to its exit code. */
export async function startWasi(file, args, options) {
  const { WASI } = require('node:wasi');
  const wasi = new WASI({
    version: 'preview1',
    args: [basename(file, '.wasm'), ...args],
    ...options,
  });
  const instance = await WebAssembly.instantiate(
    await compiled(file),
    wasi.getImportObject(),
  );
  return wasi.start(instance);
}

function byWasi({ wasi }, root, args, [stdin, stdout, stderr]) {
  const preopens = { '/': root };
  return startWasi(wasi, args, { env: ENV, preopens, stdin, stdout, stderr });
}

function byMachine({ machine }, root, args, stdio) {
  const ran = spawnSync(machine, args, { cwd: root, env: ENV, stdio });
  if (ran.error) throw ran.error;
  return ran.status;
}

/**
 * Returns a function that runs a program in the folder `root` of a directory, and resolves
 * to its exit code and output. `input`, the stdin, is a file in `root`.
 */
function command(start, program, directory) {
  const root = join(directory, 'root');
  const outputs = ['stdout', 'stderr'].map((name) => join(directory, name));
  return async (args, input) => {
    const stdio = [
      openSync(input ? join(root, input) : devNull, 'r'),
      ...outputs.map((file) => openSync(file, 'w')),
    ];
    const code = await start(program, root, args, stdio);
    for (const fd of stdio) closeSync(fd);
    const [stdout, stderr] = outputs.map((file) => readFileSync(file, 'utf8'));
    return { code, stdout, stderr };
  };
}

/** The exports of a case for a program. The result of the native program is expected. */
export function jobFor(program, job) {
  const by = (start) => (directory) =>
    job(command(start, program, directory), join(directory, 'root'));
  return {
    prepare: () => program.build(),
    run: by(byWasi),
    expected: by(byMachine),
  };
}

/** Runs a guest with threads by run(), with a directory as its root. */
export function withThreadsByWasi({ wasi }, root, args, env) {
  const { run } = require('../index.js');
  const preopens = { '/': root };
  return run(wasi, {
    args,
    env: { ...env, ROOT: '/' },
    preopens,
    threads: { max: 16 },
  });
}

/** Runs the native program. */
export function withThreadsByMachine({ machine }, root, args, env) {
  const ran = spawnSync(machine, args, { env: { ...env, ROOT: root } });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(String(ran.stderr));
  return ran;
}

/** The numbers of threads with which a program is run. */
const THREADS = [1, 2, 4];

/**
 * The exports of a case for a program with threads, which is run with each number of them.
 * The result of the native program with one thread is expected.
 */
export function jobWithThreadsFor(
  program,
  { threadsEnv, prepare, argsOfRuns },
) {
  const by = (start, counts) => async (directory) => {
    const results = [];
    for (const [index, count] of counts.entries()) {
      const root = join(directory, String(index));
      mkdirSync(root);
      prepare?.(root);
      const env = { ...ENV, [threadsEnv]: String(count) };
      const outputs = [];
      for (const args of argsOfRuns) {
        const { stdout, stderr } = await start(program, root, args, env);
        outputs.push({ stdout: String(stdout), stderr: String(stderr) });
      }
      results.push({ outputs, files: tree(root) });
    }
    return results;
  };
  return {
    prepare: () => program.build(),
    run: by(withThreadsByWasi, THREADS),
    expected: by(
      withThreadsByMachine,
      THREADS.map(() => 1),
    ),
  };
}

function describe(path, stats) {
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
  return `${stats.size} bytes, ${stats.nlink} names, ${hash}`;
}

/** The entries of a directory, recursively: files with their hashes, links with their targets. */
export function tree(directory) {
  return readdirSync(directory)
    .toSorted()
    .map((name) => {
      const path = join(directory, name);
      const stats = lstatSync(path);
      return [name, stats.isDirectory() ? tree(path) : describe(path, stats)];
    });
}
