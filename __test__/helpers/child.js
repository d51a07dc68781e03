'use strict';

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');

/**
 * Milliseconds after which a child is taken to hang. No child takes nearly as
 * long, on however slow and busy a machine.
 */
const HANGS = 10 * 60_000;

/** Runs Node on `args` and returns its exit code and what it wrote. */
function node(args, options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: HANGS,
    ...options,
  });
  return { exitCode: status ?? signal, stdout, stderr };
}

/** Runs a script that finds the package as `require('wasi-rs')` does. */
function script(source, { flags = [], ...options } = {}) {
  return node([...flags, '--eval', source], options);
}

/** Runs the command. */
function command(args, options = {}) {
  return node([path.join(ROOT, 'bin/wasi-rs.js'), ...args], options);
}

module.exports = { HANGS, ROOT, command, node, script };
