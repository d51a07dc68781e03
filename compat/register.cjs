'use strict';

// Deno takes files for CommonJS by this name, or inside of node_modules.
module.exports = require('../lib/register.js');
