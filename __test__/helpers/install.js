'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { ROOT } = require('./child');

/** What the package is made of, beside a binary for each platform. */
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

/** Puts one where the programs of a project find it, as npm does. */
function installPackage(project, options) {
  copyPackage(path.join(project, 'node_modules/wasi-rs'), options);
}

module.exports = { binary, copyPackage, installPackage };
