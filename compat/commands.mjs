// Runs programs in a directory: by WASI, with the directory as their root, or as
// programs of this machine, in that directory.

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

/** No setting of this machine may decide. */
const ENV = { HOME: '/home', LC_ALL: 'C', PATH: '/', TZ: 'UTC' };

const modules = new Map();

/** Programs that run often are compiled once. */
function compiled(file) {
  if (!modules.has(file)) {
    modules.set(file, WebAssembly.compile(readFileSync(file)));
  }
  return modules.get(file);
}

/** Starts a program in this process; resolves to its exit code. */
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
 * A function that runs a program on `root` in a directory, and resolves to its
 * exit code and what it printed. `input` is a file in `root`.
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

/**
 * What a case exports for a program that does a job, and what is right: what it
 * does as a program of this machine.
 */
export function jobFor(program, job) {
  const by = (start) => (directory) =>
    job(command(start, program, directory), join(directory, 'root'));
  return {
    prepare: () => program.build(),
    run: by(byWasi),
    expected: by(byMachine),
  };
}

/** Runs a program with threads by run(), with a directory as its root, and `ROOT` in its environment. */
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

/** The same of this machine. */
export function withThreadsByMachine({ machine }, root, args, env) {
  const ran = spawnSync(machine, args, { env: { ...env, ROOT: root } });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(String(ran.stderr));
  return ran;
}

/** How many threads a program has, each time that it does its job. */
const THREADS = [1, 2, 4];

/**
 * The same for a program with threads, which does its job with one thread, with
 * two and with four: right is what the program of this machine does with one.
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

/** All that is in a directory: files with their hashes, links with their targets. */
export function tree(directory) {
  return readdirSync(directory)
    .toSorted()
    .map((name) => {
      const path = join(directory, name);
      const stats = lstatSync(path);
      return [name, stats.isDirectory() ? tree(path) : describe(path, stats)];
    });
}
