'use strict';

// Preloaded before ava, which calls v8.takeCoverage(). Bun and Deno do not have it, and no
// coverage is wanted here.

const { syncBuiltinESMExports } = require('node:module');

require('node:v8').takeCoverage = () => {};
syncBuiltinESMExports();
