// Builds the guests of the tests, or tells whether the committed ones match their sources.
//
//   node __test__/guests/build.mjs [NAME...]          builds all of them, or those named
//   node __test__/guests/build.mjs --check [NAME...]  builds to a temporary directory and
//                                                     compares; exit code 1 on a difference
//
// Needs the npm package `wabt` for .wat, Zig for .c: `pip install ziglang==0.17.1`, or a `zig`
// named by the environment variable ZIG; and for .rs, and .c with threads, what `rustup toolchain
// install 1.95.0 --profile minimal --target wasm32-wasip1-threads` brings. The same versions give
// the same bytes.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ZIG_VERSION = '0.17.1';
const RUST_VERSION = '1.95.0';

/** The sources in C of programs with threads. */
const C_WITH_THREADS = new Set(['pthreads.c']);

/** The sources in C of programs with DWARF for the tests of traps, without a library. */
const C_WITH_LINES = new Set(['source_lines.c']);

const MAX_MEMORY = 1 << 30;

const WABT_FEATURES = {
  bulk_memory: true,
  exceptions: true,
  mutable_globals: true,
  threads: true,
};

// Modules that differ from another one in a single place share its source.
const VARIANTS = [
  {
    name: 'hello_unstable',
    from: 'hello.wat',
    replace: [['wasi_snapshot_preview1', 'wasi_unstable']],
  },
  {
    name: 'raw_calls_unstable',
    from: 'raw_calls.wat',
    replace: [['wasi_snapshot_preview1', 'wasi_unstable']],
  },
  {
    name: 'raw_calls_shared',
    from: 'raw_calls.wat',
    replace: [
      ['(memory (export "memory") 2 65536)', '(export "memory" (memory 0))'],
      ['(module', '(module\n  (import "env" "memory" (memory 2 65536 shared))'],
    ],
  },
];

const here = fileURLToPath(new URL('.', import.meta.url));

function guests() {
  const own = readdirSync(here)
    .filter((file) => Object.hasOwn(BUILDERS, extname(file)))
    .map((file) => ({
      name: basename(file, extname(file)),
      from: file,
      replace: [],
    }));
  return [...own, ...VARIANTS].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function zig(args) {
  const [command, ...first] = process.env.ZIG
    ? [process.env.ZIG]
    : ['python3', '-m', 'ziglang'];
  const { error, status, stdout, stderr } = spawnSync(
    command,
    [...first, ...args],
    { encoding: 'utf8' },
  );
  if (error ?? status !== 0) {
    throw new Error(
      `zig ${args[0]} failed: ${error?.message ?? stderr.trim()}`,
    );
  }
  return stdout.trim();
}

let checkedZig = false;

function buildC({ from }, output) {
  if (!checkedZig) {
    const version = zig(['version']);
    if (version !== ZIG_VERSION)
      console.warn(`zig ${version} may give other bytes than ${ZIG_VERSION}`);
    checkedZig = true;
  }
  const compile = [
    'cc',
    '-target',
    'wasm32-wasi',
    '-Oz',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wno-unused-function',
    join(here, from),
  ];
  if (C_WITH_THREADS.has(from)) buildCWithThreads(compile, output);
  else if (C_WITH_LINES.has(from)) buildCWithLines(compile, output);
  else zig([...compile, '-s', '-o', output]);
  // Zig marks a module executable, which the file of a .wat is not.
  chmodSync(output, 0o644);
}

/**
 * Links a program with Rust's build of wasi-libc, which has threads, as Zig's has
 * not. Both have the headers of the same.
 */
function buildCWithThreads(compile, output) {
  const libraries = rustc(['--print', 'target-libdir']);
  const libc = join(libraries, 'self-contained');
  const builtins = readdirSync(libraries).find((file) =>
    /^libcompiler_builtins-.*\.rlib$/.test(file),
  );
  const directory = mkdtempSync(join(tmpdir(), 'guests-'));
  const object = join(directory, 'guest.o');
  try {
    zig([
      ...compile,
      '-c',
      '-pthread',
      '-mcpu=generic+atomics+bulk_memory+mutable_globals',
      '-o',
      object,
    ]);
    zig([
      'wasm-ld',
      join(libc, 'crt1-command.o'),
      object,
      `-L${libc}`,
      '-lc',
      join(libraries, builtins),
      '--import-memory',
      '--export-memory',
      '--shared-memory',
      `--max-memory=${MAX_MEMORY}`,
      '-s',
      '-o',
      output,
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Builds a program with DWARF, in which paths do not depend on the machine. */
function buildCWithLines(compile, output) {
  zig([
    ...compile,
    '-gdwarf-5',
    '-gline-tables-only',
    `-ffile-prefix-map=${here}=/src/`,
    '-fdebug-compilation-dir=/src',
    '-nostdlib',
    '-Wl,--no-entry',
    '-Wl,--export=_start',
    '-Wl,--export-memory',
    '-o',
    output,
  ]);
}

/** Has the sources of the standard library, where they are installed, be called as they are where they are not. */
function remapped() {
  const sysroot = rustc(['--print', 'sysroot']);
  const [, commit] = /^commit-hash: (.*)$/m.exec(rustc(['-vV']));
  const sources = join(sysroot, 'lib/rustlib/src/rust');
  return `--remap-path-prefix=${sources}=/rustc/${commit}`;
}

/** A program with threads. */
function buildRust({ from }, output) {
  rustc([
    '--edition=2024',
    remapped(),
    '-Copt-level=s',
    '-Cpanic=abort',
    '-Cstrip=symbols',
    '-Clto=fat',
    '-Ccodegen-units=1',
    `-Clink-arg=--max-memory=${MAX_MEMORY}`,
    '-Dwarnings',
    from,
    '-o',
    output,
  ]);
  chmodSync(output, 0o644);
}

function rustc(args) {
  const { error, status, stdout, stderr } = spawnSync(
    'rustc',
    [`+${RUST_VERSION}`, '--target=wasm32-wasip1-threads', ...args],
    { cwd: here, encoding: 'utf8' },
  );
  if (error ?? status !== 0) {
    throw new Error(`rustc failed: ${error?.message ?? stderr.trim()}`);
  }
  return stdout.trim();
}

let wabt;

async function buildWat({ name, from, replace }, output) {
  wabt ??= await createRequire(import.meta.url)('wabt')();
  let text = readFileSync(join(here, from), 'utf8');
  for (const [what, by] of replace) {
    if (!text.includes(what))
      throw new Error(
        `${from} has no ${JSON.stringify(what)} for ${name} to replace`,
      );
    text = text.replaceAll(what, by);
  }
  const module = wabt.parseWat(from, text, WABT_FEATURES);
  try {
    module.validate(WABT_FEATURES);
    writeFileSync(output, module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** The function that builds a source, by its extension. */
const BUILDERS = { '.c': buildC, '.rs': buildRust, '.wat': buildWat };

function build(guest, output) {
  return BUILDERS[extname(guest.from)](guest, output);
}

/** The difference between what is committed and what was just built, in words, if any. */
function difference(committed, built) {
  let bytes;
  try {
    bytes = readFileSync(committed);
  } catch {
    return 'is missing';
  }
  return bytes.equals(readFileSync(built))
    ? undefined
    : 'does not match its source';
}

async function main(args) {
  const check = args[0] === '--check';
  const names = check ? args.slice(1) : args;
  const all = guests();
  const unknown = names.filter(
    (name) => !all.some((guest) => guest.name === name),
  );
  if (unknown.length > 0)
    throw new Error(`no such guest: ${unknown.join(', ')}`);
  const chosen =
    names.length > 0 ? all.filter((guest) => names.includes(guest.name)) : all;

  const directory = check ? mkdtempSync(join(tmpdir(), 'guests-')) : here;
  const wrong = [];
  try {
    for (const guest of chosen) {
      const output = join(directory, `${guest.name}.wasm`);
      await build(guest, output);
      const found =
        check && difference(join(here, `${guest.name}.wasm`), output);
      if (found) wrong.push(`${guest.name}.wasm ${found} (${guest.from})`);
    }
    // A module without its source would pass every test forever.
    if (check && names.length === 0) {
      for (const file of readdirSync(here)) {
        const known =
          extname(file) !== '.wasm' ||
          all.some((guest) => `${guest.name}.wasm` === file);
        if (!known) wrong.push(`${file} has no source`);
      }
    }
  } finally {
    if (check) rmSync(directory, { recursive: true });
  }
  for (const line of wrong) console.error(line);
  console.log(
    `${chosen.length} guests ${check ? 'checked' : 'built'}, ${wrong.length} wrong`,
  );
  if (wrong.length > 0) process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
