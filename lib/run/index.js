'use strict';

const { spawn, spawnIn } = require('./child');
const { closePool, openPool } = require('./pool');
const { run, runIn } = require('./run');
const { runSync } = require('./sync');

module.exports = {
  closePool,
  openPool,
  run,
  runIn,
  runSync,
  spawn,
  spawnIn,
};
