#!/usr/bin/env node
'use strict';

const { main } = require('../lib/command/main');

/** Milliseconds in which the threads of a guest end that has ended. */
const PATIENCE = 1000;

const exit = (exitCode) => {
  process.exitCode = exitCode;
  // Bun does not end a worker that computes, and would wait for it.
  if (process.versions.bun) setTimeout(process.exit, PATIENCE).unref();
};

const exitCode = main(process.argv.slice(2));
if (typeof exitCode === 'number') exit(exitCode);
else exitCode.then(exit);
