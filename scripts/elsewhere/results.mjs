// What test runners say of each test, in one form, and what is made of it beside
// a list of those that are known to fail.

/**
 * @typedef {object} Results
 * @property {string[]} passed The names of the tests that passed.
 * @property {string[]} failed Of those that did not, and of what else went wrong.
 */

/** What a test program of Rust says. @returns {Results} */
export function ofRust(program, output) {
  const said = [
    ...output.matchAll(/^test (\S+)(?: - .+)? \.\.\. (ok|FAILED)$/gm),
  ];
  const named = (result) =>
    said
      .filter(([, , found]) => found === result)
      .map(([, name]) => `${program}: ${name}`);
  const ended = /^test result: /m.test(output) ? [] : [`${program}: its end`];
  return { passed: named('ok'), failed: [...named('FAILED'), ...ended] };
}

/**
 * What ava says with `--tap` of files of tests. Where it runs one alone, it does not put
 * its name before those of the tests.
 *
 * @returns {Results}
 */
export function ofAva(output, files) {
  const prefix = files.length === 1 ? `${files[0]} › ` : '';
  const named = (pattern) =>
    [...output.matchAll(pattern)].map(([, name]) => `${prefix}${name}`);
  const ended = /^1\.\.\d+$/m.test(output) ? [] : ['ava: its end'];
  return {
    passed: named(/^ok \d+ - ((?!.* # (?:SKIP|TODO)).+)$/gm),
    failed: [...named(/^not ok \d+ - ((?!.* # TODO).+)$/gm), ...ended],
  };
}

/** What conformance.mjs says with `--all`; the name of a run is put before each test. @returns {Results} */
export function ofSuite(run, output) {
  const named = (result) =>
    [...output.matchAll(new RegExp(`^${result}: (.+)$`, 'gm'))].map(
      ([, name]) => `${run}: ${name.replaceAll('\\', '/')}`,
    );
  const ended = /^\d+ of \d+ passed$/m.test(output) ? [] : [`${run}: its end`];
  return { passed: named('passed'), failed: [...named('failed'), ...ended] };
}

/**
 * Prints what came of several runs beside what is known to fail, a reason by name: a
 * line for each test that fails and is not known to, and for each that is and passes;
 * then how many of how many passed. Sets the exit code.
 */
export function report(runs, known) {
  const passed = runs.flatMap((run) => run.passed);
  const failed = runs.flatMap((run) => run.failed);
  const isKnown = (name) => Object.hasOwn(known, name);
  const wrong = [
    ...failed.filter((name) => !isKnown(name)),
    ...passed
      .filter(isKnown)
      .map((name) => `${name}: it is known to fail, and passes`),
  ];
  for (const line of wrong) console.log(`failed: ${line}`);
  for (const name of failed.filter(isKnown)) {
    console.log(`known to fail: ${name}: ${known[name]}`);
  }
  const good = passed.filter((name) => !isKnown(name)).length;
  console.log(`${good} of ${good + wrong.length} passed`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
