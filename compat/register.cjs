'use strict';

// Deno treats files as CommonJS only by the extension .cjs, or in node_modules.
module.exports = require('../lib/register.js');
