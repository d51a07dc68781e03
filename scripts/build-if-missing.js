'use strict';

// Builds the addon in a clone where no binary loads: after `npm install`, and
// before the tests. It is not published, so that installing the package from a
// registry never compiles anything.

const { spawnSync } = require('node:child_process');

/** In a process of its own, since what fails to load here would stay cached. */
function tryToLoad() {
  const entry = JSON.stringify(require.resolve('../index.js'));
  return spawnSync(process.execPath, ['--eval', `require(${entry})`], {
    encoding: 'utf8',
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function build() {
  if (spawnSync('cargo', ['--version']).status !== 0) {
    fail('Building wasi-rs needs Rust: https://rustup.rs');
  }
  console.error('Building the addon; this takes a few minutes.');
  const { status } = spawnSync('npm run build', {
    shell: true,
    stdio: 'inherit',
  });
  if (status !== 0) fail('The addon could not be built.');
}

if (tryToLoad().status !== 0) {
  build();
  const { status, stderr } = tryToLoad();
  if (status !== 0) fail(stderr);
}
