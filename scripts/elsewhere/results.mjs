// Parses the output of the test runners, and reports the results against a list of known
// failures.

/**
 * @typedef {object} Results
 * @property {string[]} passed The names of the tests that passed.
 * @property {string[]} failed The names of the others, and of runs that did not complete.
 */

/** Parses the output of a test program in Rust. @returns {Results} */
export function ofRust(program, output) {
  const lines = [
    ...output.matchAll(/^test (\S+)(?: - .+)? \.\.\. (ok|FAILED)$/gm),
  ];
  const named = (result) =>
    lines
      .filter(([, , found]) => found === result)
      .map(([, name]) => `${program}: ${name}`);
  const ended = /^test result: /m.test(output)
    ? []
    : [`${program}: no summary`];
  return { passed: named('ok'), failed: [...named('FAILED'), ...ended] };
}

/**
 * Parses the output of `ava --tap`. If ava runs a single file, the names of the tests have
 * no file name before them, so it is added.
 *
 * @returns {Results}
 */
export function ofAva(output, files) {
  const prefix = files.length === 1 ? `${files[0]} › ` : '';
  const named = (pattern) =>
    [...output.matchAll(pattern)].map(([, name]) => `${prefix}${name}`);
  const ended = /^1\.\.\d+$/m.test(output) ? [] : ['ava: no summary'];
  return {
    passed: named(/^ok \d+ - ((?!.* # (?:SKIP|TODO)).+)$/gm),
    failed: [...named(/^not ok \d+ - ((?!.* # TODO).+)$/gm), ...ended],
  };
}

/** Parses the output of `conformance.mjs --all`. The name of the run is put before each test. @returns {Results} */
export function ofSuite(run, output) {
  const named = (result) =>
    [...output.matchAll(new RegExp(`^${result}: (.+)$`, 'gm'))].map(
      ([, name]) => `${run}: ${name.replaceAll('\\', '/')}`,
    );
  const ended = /^\d+ of \d+ passed$/m.test(output)
    ? []
    : [`${run}: no summary`];
  return { passed: named('passed'), failed: [...named('failed'), ...ended] };
}

/**
 * Prints the unexpected results: tests that fail, and known failures that pass. Then the
 * known failures with their reasons, and the number of tests that passed. Sets the exit
 * code.
 *
 * @param {Results[]} runs
 * @param {Record<string, string>} known The reasons of known failures, by test.
 */
export function report(runs, known) {
  const passed = runs.flatMap((run) => run.passed);
  const failed = runs.flatMap((run) => run.failed);
  const isKnown = (name) => Object.hasOwn(known, name);
  const wrong = [
    ...failed.filter((name) => !isKnown(name)),
    ...passed
      .filter(isKnown)
      .map((name) => `${name}: a known failure, but it passes`),
  ];
  for (const line of wrong) console.log(`failed: ${line}`);
  for (const name of failed.filter(isKnown)) {
    console.log(`known failure: ${name}: ${known[name]}`);
  }
  const good = passed.filter((name) => !isKnown(name)).length;
  console.log(`${good} of ${good + wrong.length} passed`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
