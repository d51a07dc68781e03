// What takes the tests to another system: tools from packages of Debian, Node.js
// from npm, and the programs that Rust makes for a target.

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

/**
 * For cargo: with the assertions of a debug build, which a release has not, but fast
 * enough for guests that do much.
 */
export const FAST_ENOUGH = {
  CARGO_PROFILE_DEV_OPT_LEVEL: '1',
  CARGO_PROFILE_DEV_DEBUG: 'line-tables-only',
};

const TEST_FILE = /\.test\.m?js$/;

/** Runs a tool to its end, and returns what it wrote to its standard output. */
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

/** Whether this process is the one that {@link unshare} began. */
export const hasNamespaces = (directory) =>
  process.env.IN_NAMESPACES === directory;

/**
 * Runs this program once more, in a process with namespaces of its own and as the only
 * one that uses the directory. Its exit code is that of this one.
 *
 * @param {string[]} namespaces Which, as unshare(1) names them.
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

/** Where something is kept from run to run: where a variable says, or below ~/.cache. */
export const cache = (variable, name) =>
  resolve(process.env[variable] ?? join(homedir(), '.cache/wasi-rs', name));

const PARTS = new Set(['rust', 'js', 'suite']);

/**
 * Reads the command line: the options that all of these programs have, and more.
 *
 * @returns `flags`; `parts`, those that are to be tested; `named`, files of tests.
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

/** Says what is done next. */
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

/** Installs packages of Debian that are not here. */
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

/** Where apt of this machine has its packages from. */
function mirror() {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages'];
  const addresses = run('apt-get', ['indextargets', ...format]).split('\n');
  const found = addresses.find((address) => !address.includes('security'));
  if (!found) throw new Error('apt has no address of packages');
  return found;
}

/**
 * Lays out packages of Debian 13 in a directory, unless they are there.
 *
 * @param {string} file One of theirs, by which that is seen.
 * @param {string[]} options For mmdebstrap.
 */
export function layOut(root, file, options) {
  if (existsSync(join(root, file))) return;
  install('mmdebstrap', 'debian-archive-keyring');
  rmSync(root, { recursive: true, force: true });
  const source = `deb [signed-by=${KEYRING}] ${mirror()} trixie main`;
  run('mmdebstrap', ['--quiet', ...options, 'trixie', root, source]);
}

/**
 * The newest Node.js of a major version that a package of npm has for another
 * system: the path of the file `program` in it. What was brought before is used again.
 */
export function nodeOf(directory, name, major, program) {
  const packages = join(directory, 'npm');
  mkdirSync(packages, { recursive: true });
  const place = join(packages, `${name}-${major}`);
  if (!existsSync(join(place, program))) {
    const brought = `${place}.new`;
    rmSync(brought, { recursive: true, force: true });
    mkdirSync(brought);
    const options = ['--silent', `--pack-destination=${brought}`];
    run('npm', ['pack', ...options, `${name}@${major}`], { cwd: brought });
    const [archive] = readdirSync(brought);
    run('tar', ['-xzf', archive, '--strip-components=1'], { cwd: brought });
    rmSync(join(brought, archive));
    rmSync(place, { recursive: true, force: true });
    renameSync(brought, place);
  }
  return join(place, program);
}

/**
 * Builds for a target of which rustup has brought the standard library.
 *
 * @param {object} env Variables for cargo.
 * @param {string} [zig] cargo-zigbuild, which takes the place of cargo where there is no other linker.
 * @param {string[]} what What cargo is to build of the tests, as its options name it;
 *   nothing of them if that is empty.
 * @param {boolean} withAddon Whether the addon, too.
 * @returns `tests`, a program and its name for each, and `addon`, the path of the library.
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

/** Shows what a program wrote if it did not go as it should, and returns that. */
export function shown({ status, output }) {
  if (status !== 0) console.log(output);
  return output;
}

/** A copy of the repository's files, with what npm installed in it. */
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

/** What Node.js is to run for files of tests in JavaScript, by their names without an ending. */
export function avaOn(names) {
  const own = readdirSync(join(ROOT, '__test__'));
  const files = names.map((name) => {
    const file = own.find((entry) => entry.replace(TEST_FILE, '') === name);
    if (!file) throw new Error(`no tests are named ${name}`);
    return `__test__/${file}`;
  });
  return ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...files];
}
