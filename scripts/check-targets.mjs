// Type-checks the crate for every published target: `npm run check:targets`. Rustup
// installs the standard libraries. For one target of each system and processor, the tests
// are checked, too. A target that rustup cannot install fails the check, unless
// --available is given.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const TESTED = new Set([
  'aarch64-apple-darwin',
  'aarch64-unknown-linux-gnu',
  'x86_64-pc-windows-msvc',
]);

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (error) throw error;
  return { succeeded: status === 0, stderr };
}

/** The places of `unimplemented!` and `todo!`, which compile but do not work. */
function placeholders() {
  return readdirSync(join(ROOT, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.rs'))
    .flatMap((file) =>
      readFileSync(join(ROOT, 'src', file), 'utf8')
        .split('\n')
        .map((line, index) => ({ line, place: `src/${file}:${index + 1}` })),
    )
    .filter(({ line }) => /\b(unimplemented|todo)!/.test(line))
    .map(({ place }) => place);
}

/** Installs a target; returns rustup's error, or undefined if it is installed. */
function unavailable(target) {
  const { succeeded, stderr } = run('rustup', ['target', 'add', target]);
  return succeeded ? undefined : stderr;
}

const partsOf = (target) =>
  TESTED.has(target) ? ['--lib', '--tests'] : ['--lib'];

function check(targets, parts) {
  const words = ['check', '--quiet', '--locked', '--keep-going', ...parts];
  const named = targets.map((target) => `--target=${target}`);
  const { succeeded, stderr } = run('cargo', [...words, ...named]);
  return { result: succeeded ? 'ok' : 'failed', detail: stderr };
}

const mayLack = process.argv.includes('--available');
const good = mayLack ? ['ok', 'unavailable'] : ['ok'];

const reasons = new Map(
  napi.targets.map((target) => [target, unavailable(target)]),
);
// All targets in one run of cargo keep every processor busy. The checks of single targets
// below then only report their results.
const available = napi.targets.filter(
  (target) => reasons.get(target) === undefined,
);
check(available, ['--lib']);
check(
  available.filter((target) => TESTED.has(target)),
  ['--tests'],
);

for (const [target, reason] of reasons) {
  const { result, detail } =
    reason === undefined
      ? check([target], partsOf(target))
      : { result: 'unavailable', detail: reason };
  console.log(`${target.padEnd(30)} ${result}`);
  if (result !== 'ok') console.error(detail);
  if (!good.includes(result)) process.exitCode = 1;
}

const found = placeholders();
if (found.length > 0) {
  console.error(`Not implemented:\n${found.join('\n')}`);
  process.exitCode = 1;
}
