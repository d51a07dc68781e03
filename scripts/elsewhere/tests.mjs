// The tests, run on another system. What runs a program there is a function: in a directory
// and with arguments, it returns the exit code and all that was written.

import { ofAva, ofRust, ofSuite } from './results.mjs';
import { ROOT, avaOn, shown, step } from './tools.mjs';

// The official test suite, over the host's files and over such as are not.
const SUITES = { suite: [], 'suite over memory': ['--over', 'memory'] };

/** Runs test programs of Rust, which look for files of the repository where it is here. */
export function testRust(execute, tests) {
  return tests.map(({ name, executable }) => {
    step(`tests in Rust: ${name}`);
    return ofRust(name, shown(execute(ROOT, executable, [])));
  });
}

/**
 * Runs what a Node.js is to run, of a major version.
 *
 * @param {string} copy Where the repository is, with an addon that this Node.js loads.
 * @param {Set<string>} parts What of it: `js`, `suite`.
 * @param {string[]} files Names of files of tests in JavaScript.
 * @param {string} [suite] Where the program finds a checkout of the official test suite.
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
