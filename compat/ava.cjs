'use strict';

// Loaded before ava, for the one thing that it asks of its runtime and neither
// Bun nor Deno has: to write down which lines were covered, which nobody wants.

const { syncBuiltinESMExports } = require('node:module');

require('node:v8').takeCoverage = () => {};
syncBuiltinESMExports();
