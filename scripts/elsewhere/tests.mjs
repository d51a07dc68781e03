// Runs the tests on another system. `execute` runs a program there, in a directory and
// with arguments, and returns its exit code and output.

import { ofAva, ofRust, ofSuite } from './results.mjs';
import { ROOT, avaOn, shown, step } from './tools.mjs';

// The options of the official test suite: with the host's files, and with files in memory.
const SUITES = { suite: [], 'suite over memory': ['--over', 'memory'] };

/** Runs test programs in Rust. They read files of the repository at its path here. */
export function testRust(execute, tests) {
  return tests.map(({ name, executable }) => {
    step(`tests in Rust: ${name}`);
    return ofRust(name, shown(execute(ROOT, executable, [])));
  });
}

/**
 * Runs the tests that need Node.js.
 *
 * @param {string} copy A copy of the repository, with an addon for this Node.js.
 * @param {number} major Its major version, for the log.
 * @param {Set<string>} parts Which tests: `js`, `suite`.
 * @param {string[]} files The names of test files in JavaScript.
 * @param {string} [suite] The checkout of the official test suite, as a path there.
 */
export function testNode(execute, { copy, node, major, parts, files, suite }) {
  const runs = [];
  if (parts.has('js')) {
    step(`tests in JavaScript on Node.js ${major}`);
    runs.push(ofAva(shown(execute(copy, node, avaOn(files))), files));
  }
  if (parts.has('suite') && suite !== undefined) {
    const variables = { WASI_TESTSUITE: suite };
    for (const [name, options] of Object.entries(SUITES)) {
      step(`official test ${name} on Node.js ${major}`);
      const args = ['scripts/conformance.mjs', '--all', ...options];
      const ended = execute(copy, node, args, { variables });
      runs.push(ofSuite(name, shown(ended)));
    }
  }
  return runs;
}
