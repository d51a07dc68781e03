// Type-checks the crate for every target that packages are published for, with
// the standard libraries that rustup brings: `npm run check:targets`. Of some it
// checks the tests as well: one of each system, and of each processor.
// A target that rustup cannot bring fails the check, unless --available is given.

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

/** Lines of the crate that compile for a target without working on it. */
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

/** Why rustup cannot bring a target; none if it can. */
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
// All at once keeps every processor busy. What is left for each by itself is to say how it went.
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
