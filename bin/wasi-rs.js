#!/usr/bin/env node
'use strict';

const { main } = require('../lib/command/main');

const exit = (exitCode) => {
  process.exitCode = exitCode;
};

const exitCode = main(process.argv.slice(2));
if (typeof exitCode === 'number') exit(exitCode);
else exitCode.then(exit);
