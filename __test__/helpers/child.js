'use strict';

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');

/**
 * Milliseconds after which a child counts as hanging. No child takes nearly as long, even
 * on a slow and busy machine.
 */
const HANGS = 10 * 60_000;

/** Runs Node with `args` and returns its exit code and output. */
function node(args, options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: HANGS,
    ...options,
  });
  return { exitCode: status ?? signal, stdout, stderr };
}

/** Runs a script that can load the package by `require('wasi-rs')`. */
function script(source, { flags = [], ...options } = {}) {
  return node([...flags, '--eval', source], options);
}

/** Runs the command. */
function command(args, options = {}) {
  return node([path.join(ROOT, 'bin/wasi-rs.js'), ...args], options);
}

module.exports = { HANGS, ROOT, command, node, script };
