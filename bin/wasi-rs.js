#!/usr/bin/env node
'use strict';

const { main } = require('../lib/command/main');

process.exitCode = main(process.argv.slice(2));
