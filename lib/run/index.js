'use strict';

const { spawn } = require('./child');
const { closePool, openPool } = require('./pool');
const { run } = require('./run');
const { runSync } = require('./sync');

module.exports = { closePool, openPool, run, runSync, spawn };
