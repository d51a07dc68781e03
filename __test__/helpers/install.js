'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { ROOT } = require('./child');

/** The files of the package, besides the binaries. */
const PARTS = ['bin', 'binding.js', 'index.js', 'lib', 'package.json'];

/** The binary of this clone, which `npm install` has built. */
function binary() {
  const name = fs.readdirSync(ROOT).find((file) => file.endsWith('.node'));
  return path.join(ROOT, name);
}

/** Puts a copy of the package into a directory, with a binary or without. */
function copyPackage(directory, { withBinary = true } = {}) {
  const names = withBinary ? [...PARTS, path.basename(binary())] : PARTS;
  for (const name of names) {
    fs.cpSync(path.join(ROOT, name), path.join(directory, name), {
      recursive: true,
    });
  }
}

/** Puts a copy into node_modules of a project, as npm does. */
function installPackage(project, options) {
  copyPackage(path.join(project, 'node_modules/wasi-rs'), options);
}

module.exports = { binary, copyPackage, installPackage };
