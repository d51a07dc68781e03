// What the tests on other systems share: installs Debian packages and Node.js, builds for
// a target, and copies the repository.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Variables for cargo: debug assertions, but optimized, as some guests compute much. */
export const FAST_ENOUGH = {
  CARGO_PROFILE_DEV_OPT_LEVEL: '1',
  CARGO_PROFILE_DEV_DEBUG: 'line-tables-only',
};

const TEST_FILE = /\.test\.m?js$/;

/** Runs a command; returns its stdout. Throws if it fails. */
export function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    ...options,
  });
  if (error) throw error;
  if (status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')}: ${status}\n${stdout}${stderr}`,
    );
  }
  return stdout;
}

/** Whether this process was started by {@link unshare}. */
export const hasNamespaces = (directory) =>
  process.env.IN_NAMESPACES === directory;

/**
 * Runs this script again in a process with its own namespaces, and takes over its exit
 * code. A lock keeps other runs from using the directory at the same time.
 *
 * @param {string[]} namespaces Options of unshare(1).
 */
export function unshare(directory, ...namespaces) {
  mkdirSync(directory, { recursive: true });
  const own = [process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync(
    'flock',
    ['--close', join(directory, 'lock'), 'unshare', ...namespaces, ...own],
    { env: { ...process.env, IN_NAMESPACES: directory }, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
}

/** The directory of downloads: that of an environment variable, or one in ~/.cache. */
export const cache = (variable, name) =>
  resolve(process.env[variable] ?? join(homedir(), '.cache/wasi-rs', name));

const PARTS = new Set(['rust', 'js', 'suite']);

/**
 * Parses the command line, with the options that these scripts share, and `more`.
 *
 * @returns `flags`; `parts`, which tests to run; `named`, the given test files.
 */
export function readArguments(more) {
  const { values: flags, positionals: named } = parseArgs({
    options: {
      node: { type: 'string', multiple: true, default: ['22'] },
      only: { type: 'string', multiple: true, default: [...PARTS] },
      ...more,
    },
    allowPositionals: true,
  });
  const unknown = flags.only.find((part) => !PARTS.has(part));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: no such tests`);
  return { flags, named, parts: new Set(flags.only) };
}

const started = Date.now();

/** Prints the name of the next step. */
export function step(name) {
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`== ${name} (after ${seconds} s)`);
}

const has = (name) =>
  spawnSync(
    'dpkg-query',
    ['--show', '--showformat=${db:Status-Status}', name],
    {
      encoding: 'utf8',
    },
  ).stdout === 'installed';

/** Installs Debian packages that are not installed yet. */
export function install(...packages) {
  const missing = packages.filter((name) => !has(name));
  if (missing.length === 0) return;
  run('apt-get', ['update', '--quiet']);
  run(
    'apt-get',
    ['install', '--yes', '--quiet', '--no-install-recommends', ...missing],
    { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
  );
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The URL of the mirror that apt uses on this machine. */
function mirror() {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages'];
  const addresses = run('apt-get', ['indextargets', ...format]).split('\n');
  const found = addresses.find((address) => !address.includes('security'));
  if (!found) throw new Error('apt has no mirror');
  return found;
}

/**
 * Unpacks packages of Debian 13 into a directory, unless that is done.
 *
 * @param {string} file One of their files: if it exists, that is done.
 * @param {string[]} options Options of mmdebstrap.
 */
export function layOut(root, file, options) {
  if (existsSync(join(root, file))) return;
  install('mmdebstrap', 'debian-archive-keyring');
  rmSync(root, { recursive: true, force: true });
  const source = `deb [signed-by=${KEYRING}] ${mirror()} trixie main`;
  run('mmdebstrap', ['--quiet', ...options, 'trixie', root, source]);
}

/**
 * Downloads the newest Node.js of a major version for another system from npm, unless
 * there is one.
 *
 * @param {string} name The npm package, without the major version.
 * @param {string} program The path of Node.js in it.
 * @returns {string} The path of Node.js.
 */
export function nodeOf(directory, name, major, program) {
  const packages = join(directory, 'npm');
  mkdirSync(packages, { recursive: true });
  const place = join(packages, `${name}-${major}`);
  if (!existsSync(join(place, program))) {
    const unpacked = `${place}.new`;
    rmSync(unpacked, { recursive: true, force: true });
    mkdirSync(unpacked);
    const options = ['--silent', `--pack-destination=${unpacked}`];
    run('npm', ['pack', ...options, `${name}@${major}`], { cwd: unpacked });
    const [archive] = readdirSync(unpacked);
    run('tar', ['-xzf', archive, '--strip-components=1'], { cwd: unpacked });
    rmSync(join(unpacked, archive));
    rmSync(place, { recursive: true, force: true });
    renameSync(unpacked, place);
  }
  return join(place, program);
}

/**
 * Builds for a target whose standard library is installed.
 *
 * @param {object} env Environment variables for cargo.
 * @param {string} [zig] The path of cargo-zigbuild, to link with Zig.
 * @param {string[]} what Options of `cargo test` that select test programs; none are built
 *   if it is empty.
 * @param {boolean} withAddon Whether to build the addon.
 * @returns `tests`, the path and name of each test program, and `addon`, the path of the
 *   library.
 */
export function build(target, { env, zig, what, withAddon }) {
  const options = {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  };
  const cargo = (...args) =>
    run(
      zig ?? 'cargo',
      [
        ...args,
        '--locked',
        `--target=${target}`,
        '--message-format=json-render-diagnostics',
      ],
      options,
    )
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .filter(({ reason }) => reason === 'compiler-artifact');
  const tests = (what.length > 0 ? cargo('test', '--no-run', ...what) : [])
    .filter(({ executable, profile }) => executable && profile.test)
    .map(({ executable, target: { name } }) => ({ executable, name }));
  const addon = (withAddon ? cargo(zig ? 'zigbuild' : 'build', '--lib') : [])
    .filter(({ target: { name } }) => name === 'wasi_rs')
    .flatMap(({ filenames }) => filenames)
    .find((file) => /\.(?:so|dll)$/.test(file));
  return { tests, addon };
}

/** Returns the output of a program, and prints it if the program failed. */
export function shown({ status, output }) {
  if (status !== 0) console.log(output);
  return output;
}

/** Copies the repository's files that git does not ignore, and node_modules. */
export function copyRepository(to) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const listed = [
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
  ];
  const files = run('git', listed, { cwd: ROOT })
    .split('\0')
    .filter((file) => file && existsSync(join(ROOT, file)));
  const input = [...files, 'node_modules'].join('\0');
  const archive = join(to, '.tar');
  run('tar', ['-cf', archive, '--null', '--files-from=-'], {
    cwd: ROOT,
    input,
  });
  run('tar', ['-xf', archive], { cwd: to });
  rmSync(archive);
}

/** The arguments of Node.js to run test files with ava, by their names without extension. */
export function avaOn(names) {
  const own = readdirSync(join(ROOT, '__test__'));
  const files = names.map((name) => {
    const file = own.find((entry) => entry.replace(TEST_FILE, '') === name);
    if (!file) throw new Error(`no test file ${name}`);
    return `__test__/${file}`;
  });
  return ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...files];
}
