'use strict';

/** Node's own module, without the warning that it prints when first loaded. */
function nodeWasi() {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return require('node:wasi');
  } finally {
    process.emitWarning = emitWarning;
  }
}

module.exports = { nodeWasi };
