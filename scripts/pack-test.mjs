// Installs the package into empty projects, and uses it there on every supported Node.js:
// `npm run test:package`.
//
// - the main package and the one with this platform's binary, packed as for a release,
//   without Rust
// - the main package alone: without Rust, where loading it prints what to do, and with
//   Rust, where it builds a binary
// - the last commit of this clone, by `git+file:`, with Rust
//
// The projects are in a temporary directory, so that no other packages are found.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { MAJORS, nodePath } from './nodes.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NAPI = join(ROOT, 'node_modules/@napi-rs/cli/dist/cli.js');
const GUESTS = join(ROOT, '__test__/guests');
const LARGEST_BINARY = 3_000_000;

const directory = mkdtempSync(join(tmpdir(), 'wasi-rs-package-'));
const stage = join(directory, 'stage');

/** The sysroot of Rust; its `bin` is on the PATH of projects with Rust alone. */
const CARGO = spawnSync('rustc', ['--print', 'sysroot'], {
  encoding: 'utf8',
}).stdout.trim();

function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 600_000,
    ...options,
  });
  if (error) throw error;
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return { stdout, stderr };
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path, value) => writeFileSync(path, JSON.stringify(value));

/** The platform of the built binary, such as `linux-x64-gnu`. */
function builtPlatform() {
  const built = readdirSync(ROOT)
    .map((file) => /^wasi-rs\.(.+)\.node$/.exec(file)?.[1])
    .filter(Boolean);
  assert.equal(built.length, 1, 'build the addon first: npm run build');
  return built[0];
}

/** The platform of a target triple, as package names have it. */
function platformOf(triple) {
  const [arch, , os, abi] = triple
    .replace('-apple-darwin', '-apple-darwin-')
    .split('-');
  const cpu = { x86_64: 'x64', aarch64: 'arm64' }[arch];
  const platform = { linux: 'linux', darwin: 'darwin', windows: 'win32' }[os];
  return [platform, cpu, abi].filter(Boolean).join('-');
}

/** Copies the published files to `stage`, with this platform as the only target. */
function prepareStage(platform) {
  const manifest = readJson(join(ROOT, 'package.json'));
  const artifacts = join(stage, 'artifacts');
  mkdirSync(artifacts, { recursive: true });
  const files = [...manifest.files, 'README.md'].filter((file) =>
    existsSync(join(ROOT, file)),
  );
  for (const file of files) {
    cpSync(join(ROOT, file), join(stage, file), { recursive: true });
  }
  const binary = `wasi-rs.${platform}.node`;
  cpSync(join(ROOT, binary), join(artifacts, binary));

  // The packages of all targets are generated and checked, but there is a binary for one.
  writeJson(join(stage, 'package.json'), manifest);
  run(process.execPath, [NAPI, 'create-npm-dirs', '--npm-dir', 'described'], {
    cwd: stage,
  });
  const described = readdirSync(join(stage, 'described')).toSorted();
  assert.deepEqual(described, manifest.napi.targets.map(platformOf).toSorted());
  manifest.napi.targets = manifest.napi.targets.filter(
    (triple) => platformOf(triple) === platform,
  );
  writeJson(join(stage, 'package.json'), manifest);
  return manifest;
}

/** Runs the steps of a release before `npm publish`; returns the two tarballs. */
function pack(platform, { version }) {
  const napi = (...args) =>
    run(process.execPath, [NAPI, ...args], { cwd: stage });
  napi('create-npm-dirs');
  napi('artifacts', '--output-dir', 'artifacts');
  // It copies the binaries to the main package, too.
  for (const file of readdirSync(stage).filter(isBinary)) {
    rmSync(join(stage, file));
  }
  napi(
    'pre-publish',
    '--tag-style',
    'npm',
    '--skip-optional-publish',
    '--no-gh-release',
  );

  const { optionalDependencies } = readJson(join(stage, 'package.json'));
  assert.deepEqual(optionalDependencies, { [`wasi-rs-${platform}`]: version });

  return [stage, join(stage, 'npm', platform)].map((cwd) => {
    const { stdout } = run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
      { cwd, shell: process.platform === 'win32' },
    );
    const [packed] = Object.values(JSON.parse(stdout));
    return Object.assign(packed, { path: join(directory, packed.filename) });
  });
}

const isBinary = (file) => file.endsWith('.node');

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

function report({ name, size, unpackedSize, files }) {
  console.log(
    `${name.padEnd(24)} ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`,
  );
}

function checkContents(main, binary, platform) {
  const paths = main.files.map(({ path }) => path);
  for (const path of [
    'index.js',
    'index.d.ts',
    'binding.js',
    'lib/register.js',
    'bin/wasi-rs.js',
    'README.md',
    'Cargo.toml',
    'Cargo.lock',
    'build.rs',
    'src/lib.rs',
    'scripts/install.js',
  ]) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  const unwanted = paths.filter((path) =>
    /\.(node|wasm|tgz)$|^(__test__|tests|target|scripts\/(?!install\.js))/.test(
      path,
    ),
  );
  assert.deepEqual(unwanted, []);
  assert.ok(
    binary.files.some(({ path }) => path === `wasi-rs.${platform}.node`),
  );
  assert.ok(binary.unpackedSize < LARGEST_BINARY, 'the binary has grown');
}

/** The names of the sections of a 64-bit little-endian ELF file. */
function elfSections(bytes) {
  const header = Number(bytes.readBigUInt64LE(0x28));
  const size = bytes.readUInt16LE(0x3a);
  const at = (index) => header + index * size;
  const offset = (index) => Number(bytes.readBigUInt64LE(at(index) + 0x18));
  const names = offset(bytes.readUInt16LE(0x3e));
  return Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, index) => {
    const start = names + bytes.readUInt32LE(at(index));
    return bytes.toString('latin1', start, bytes.indexOf(0, start));
  });
}

function checkStripped(file) {
  const bytes = readFileSync(file);
  if (bytes.readUInt32BE(0) !== 0x7f454c46) return;
  const symbols = elfSections(bytes).filter((name) =>
    /^\.(symtab|debug)/.test(name),
  );
  assert.deepEqual(symbols, [], 'the binary has debug symbols');
}

const USE = `
  const wasi = new WASI({
    version: 'preview1',
    args: ['args_env', 'one'],
    env: { KEY: 'value' },
    preopens: { '/': '.' },
  });
  const guest = new WebAssembly.Module(readFileSync('args_env.wasm'));
  const instance = new WebAssembly.Instance(guest, wasi.getImportObject());
  process.exitCode = wasi.start(instance);`;

const PROGRAMS = {
  'commonjs.cjs': `const { readFileSync } = require('node:fs'); const { WASI } = require('wasi-rs'); ${USE}`,
  'module.mjs': `import { readFileSync } from 'node:fs'; import { WASI } from 'wasi-rs'; ${USE}`,
  'unchanged.cjs': `const { readFileSync } = require('node:fs'); const { WASI } = require('wasi'); ${USE}`,
  'unchanged.mjs': `import { readFileSync } from 'node:fs'; import { WASI } from 'node:wasi'; ${USE}`,
};

/** An environment in which the PATH has only Node.js, the system's programs, and maybe Rust. */
function environment(node, { hasRust = false } = {}) {
  const { NODE_OPTIONS: _, NODE_PATH: __, ...env } = process.env;
  const system = process.platform === 'win32' ? [] : ['/usr/bin', '/bin'];
  const rust = hasRust ? [join(CARGO, 'bin')] : [];
  return { ...env, PATH: [dirname(node), ...rust, ...system].join(delimiter) };
}

/** Makes an empty project, and installs the sources into it. */
function install(name, sources, { hasRust, args = [], prepare } = {}) {
  const project = join(directory, name);
  mkdirSync(project);
  prepare?.(project);
  writeJson(join(project, 'package.json'), { private: true });
  const env = environment(process.execPath, { hasRust });
  const { error } = spawnSync('cargo', ['--version'], { env });
  assert.equal(error?.code, hasRust ? undefined : 'ENOENT');
  const { stderr } = run(
    'npm',
    ['install', '--no-audit', '--no-fund', ...args, ...sources],
    { cwd: project, env, shell: process.platform === 'win32' },
  );
  assert.ok(!stderr.includes('EBADENGINE'), stderr);
  for (const [file, source] of Object.entries(PROGRAMS)) {
    writeFileSync(join(project, file), source);
  }
  cpSync(join(GUESTS, 'args_env.wasm'), join(project, 'args_env.wasm'));
  return project;
}

/** The entries of `node_modules`. */
const installedIn = (project) =>
  readdirSync(join(project, 'node_modules'))
    .filter((name) => !name.startsWith('.'))
    .toSorted();

function use(project, node) {
  const env = environment(node);
  const start = (...args) => run(node, args, { cwd: project, env });
  const expected = {
    stdout: 'arg 0: args_env\narg 1: one\nenv 0: KEY=value\n',
    stderr: '',
  };
  const runs = [
    ['commonjs.cjs'],
    ['module.mjs'],
    ['--require', 'wasi-rs/register', 'unchanged.cjs'],
    ['--import', 'wasi-rs/register', 'unchanged.mjs'],
  ];
  for (const args of runs) {
    assert.deepEqual(start(...args), expected, args.join(' '));
  }
  const command = join(project, 'node_modules/wasi-rs/bin/wasi-rs.js');
  assert.match(
    start(command, 'args_env.wasm', 'one').stdout,
    /^arg 0: .*\narg 1: one\n$/,
  );
}

function useOnEach(project, what) {
  for (const major of MAJORS) {
    use(project, nodePath(major));
    console.log(`${what}: works on Node ${major}`);
  }
}

/** A release with its binary. */
function testRelease(main, binary, platform) {
  const paths = [main, binary].map(({ path }) => path);
  const project = install('release', paths, { args: ['--offline'] });
  assert.deepEqual(installedIn(project), [main.name, binary.name].toSorted());
  const addon = join(
    project,
    `node_modules/wasi-rs-${platform}/wasi-rs.${platform}.node`,
  );
  assert.ok(existsSync(addon) && statSync(addon).isFile());
  checkStripped(addon);
  useOnEach(project, 'release');
}

/** Without a binary and without Rust, loading the package prints one sentence. */
function testWithout(main) {
  const project = install('without', [main.path], { args: ['--offline'] });
  assert.deepEqual(installedIn(project), [main.name]);
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(project, 'node_modules/wasi-rs/bin/wasi-rs.js'), 'args_env.wasm'],
    { encoding: 'utf8', cwd: project },
  );
  assert.match(stderr, /^wasi-rs: The(re is no)? binary of wasi-rs for .+\n$/);
  assert.equal(status, 125);
  console.log(`without a binary: ${stderr.trim()}`);
}

/** Makes the project one in Rust, with another default target. */
function writeRust(project) {
  writeFileSync(join(project, 'Cargo.toml'), '[workspace]\nmembers = []\n');
  mkdirSync(join(project, '.cargo'));
  writeFileSync(
    join(project, '.cargo/config.toml'),
    '[build]\ntarget = "wasm32-unknown-unknown"\n',
  );
}

/** Without a binary, but with Rust, the installation builds one. */
function testSources(main, platform) {
  const options = { hasRust: true, args: ['--offline'], prepare: writeRust };
  const project = install('sources', [main.path], options);
  assert.deepEqual(installedIn(project), [main.name]);
  const built = join(project, `node_modules/wasi-rs/wasi-rs.${platform}.node`);
  checkStripped(built);
  assert.ok(!existsSync(join(project, 'node_modules/wasi-rs/target')));
  useOnEach(project, 'sources');
}

/** A Git repository as the source. */
function testGit() {
  const source = `git+${pathToFileURL(ROOT.replace(/[\\/]$/, ''))}`;
  const project = install('git', [source], { hasRust: true });
  assert.deepEqual(installedIn(project), ['wasi-rs']);
  useOnEach(project, 'git');
}

try {
  const platform = builtPlatform();
  const manifest = prepareStage(platform);
  const [main, binary] = pack(platform, manifest);
  report(main);
  report(binary);
  checkContents(main, binary, platform);
  testRelease(main, binary, platform);
  testWithout(main);
  testSources(main, platform);
  testGit();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
