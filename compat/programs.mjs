// The programs that are built here. Each has `wasi`, the path of its module. Some have
// `machine`, the path of the same program built for this machine, whose results are
// expected of the module.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

import {
  COREUTILS,
  GO,
  SQLITE,
  ZIG,
  cargoBuild,
  cargoInstall,
  go,
  isBuilt,
  npmPackage,
  run,
  tool,
  zig,
} from './toolchains.mjs';

const source = (file) =>
  fileURLToPath(new URL(`./programs/${file}`, import.meta.url));

/** gofmt, from the sources of the Go toolchain. */
export const gofmt = {
  wasi: tool(GO, 'gofmt.wasm'),
  build() {
    if (isBuilt(this.wasi)) return;
    go(['build', '-o', this.wasi, 'cmd/gofmt']);
  },
};

export const goLines = {
  wasi: tool(GO, 'lines.wasm'),
  build() {
    if (isBuilt(this.wasi, source('lines.go'))) return;
    go(['build', '-o', this.wasi, source('lines.go')]);
  },
};

export const goChance = {
  wasi: tool(GO, 'chance.wasm'),
  build() {
    if (isBuilt(this.wasi, source('chance.go'))) return;
    go(['build', '-o', this.wasi, source('chance.go')]);
  },
};

export const cLines = {
  wasi: tool(ZIG, 'lines.wasm'),
  build() {
    if (isBuilt(this.wasi, source('lines.c'))) return;
    zig(['cc', '-target', 'wasm32-wasi', '-o', this.wasi, source('lines.c')]);
  },
};

export const index = {
  wasi: tool(ZIG, 'index.wasm'),
  machine: tool(ZIG, 'index'),
  build() {
    const targets = { wasi: 'wasm32-wasi', machine: 'native' };
    for (const [name, target] of Object.entries(targets)) {
      if (isBuilt(this[name], source('index.zig'))) continue;
      const output = `-femit-bin=${this[name]}`;
      const args = ['build-exe', '-OReleaseSmall', '-target', target, output];
      zig([...args, source('index.zig')]);
    }
  },
};

const SQLITE_SOURCES = 'sqlite-autoconf-3520000';
/** Both programs leave out what WASI does not support. */
const SQLITE_FLAGS = [
  '-Os',
  '-DSQLITE_THREADSAFE=0',
  '-DSQLITE_OMIT_LOAD_EXTENSION',
  '-DSQLITE_OMIT_WAL',
  '-DSQLITE_OMIT_POPEN',
  '-DSQLITE_NOHAVE_SYSTEM',
];
const SQLITE_FLAGS_FOR_WASI = [
  '-target',
  'wasm32-wasi',
  '-D_WASI_EMULATED_SIGNAL',
  '-D_WASI_EMULATED_PROCESS_CLOCKS',
  '-lwasi-emulated-signal',
  '-lwasi-emulated-process-clocks',
];

/** SQLite's shell, from the sources in the npm package sqlite3. */
export const sqlite = {
  wasi: tool(SQLITE, 'shell.wasm'),
  machine: tool(SQLITE, 'shell'),
  build() {
    if (isBuilt(this.wasi) && isBuilt(this.machine)) return;
    const contents = npmPackage(SQLITE);
    const cwd = join(contents, 'deps', SQLITE_SOURCES);
    run('tar', ['-xzf', `${cwd}.tar.gz`], { cwd: join(contents, 'deps') });
    const compile = (output, flags) => {
      const args = ['shell.c', 'sqlite3.c', '-o', output, ...flags];
      zig(['cc', ...SQLITE_FLAGS, ...args], { cwd });
    };
    compile(this.machine, ['-lm']);
    compile(this.wasi, SQLITE_FLAGS_FOR_WASI);
    rmSync(contents, { recursive: true });
  },
};

const { devDependencies } = createRequire(import.meta.url)('./package.json');
const RIPGREP = `ripgrep ${devDependencies.ripgrep}`;

/** ripgrep, whose module is compressed in a script of its npm package. */
export const ripgrep = {
  wasi: tool(RIPGREP, 'rg.wasm'),
  async build() {
    if (isBuilt(this.wasi)) return;
    const contents = npmPackage(RIPGREP);
    const script = pathToFileURL(join(contents, 'lib/_rg.wasm.mjs'));
    const { getCompressedBytes } = await import(script);
    writeFileSync(this.wasi, brotliDecompressSync(getCompressedBytes()));
    rmSync(contents, { recursive: true });
  },
};

const COREUTILS_USED = [
  'cksum',
  'cp',
  'csplit',
  'join',
  'ln',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'sort',
  'split',
  'tee',
  'touch',
  'truncate',
  'wc',
];

function installCoreutils(folder, target) {
  cargoInstall(COREUTILS, COREUTILS_USED, tool(COREUTILS, folder), target);
  rmSync(tool(COREUTILS, 'target'), { recursive: true });
}

/** uutils coreutils: GNU's tools rewritten in Rust, in one program. */
export const coreutils = {
  wasi: tool(COREUTILS, 'wasi/bin/coreutils.wasm'),
  machine: tool(COREUTILS, 'machine/bin/coreutils'),
  /** Builds only the module. */
  buildForWasi() {
    if (!isBuilt(this.wasi)) installCoreutils('wasi', 'wasm32-wasip1');
  },
  build() {
    this.buildForWasi();
    if (!isBuilt(this.machine)) installCoreutils('machine');
  },
};

const THREADS_FOLDER = 'rust threads';

/** The names and versions of crates that the programs with threads use. */
export function cratesOfThreads(...names) {
  const lock = readFileSync(source('threads/Cargo.lock'), 'utf8');
  return names.map((name) => {
    const found = new RegExp(`name = "${name}"\nversion = "(.*)"`).exec(lock);
    return `${name} ${found[1]}`;
  });
}

/** A program in Rust with threads. */
function withThreads(name) {
  const target = 'wasm32-wasip1-threads';
  const main = source(`threads/src/bin/${name}.rs`);
  const build = (output, ...forTarget) => {
    if (isBuilt(output, main)) return;
    const manifest = source('threads/Cargo.toml');
    cargoBuild(manifest, tool(THREADS_FOLDER, ''), ...forTarget);
  };
  return {
    wasi: tool(THREADS_FOLDER, `${target}/debug/${name}.wasm`),
    machine: tool(THREADS_FOLDER, `debug/${name}`),
    build() {
      build(this.wasi, target);
      build(this.machine);
    },
  };
}

export const digests = withThreads('digests');
export const pictures = withThreads('pictures');
