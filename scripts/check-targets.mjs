// Type-checks the crate for every target that packages are published for, with
// the standard libraries that rustup brings: `npm run check:targets`.
// A target that rustup cannot bring fails the check, unless --available is given.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

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

const words = (target) =>
  `check --quiet --locked --lib --target ${target}`.split(' ');

function check(target) {
  const added = run('rustup', ['target', 'add', target]);
  if (!added.succeeded) return { result: 'unavailable', detail: added.stderr };
  const { succeeded, stderr } = run('cargo', words(target));
  const result = succeeded ? 'ok' : 'failed';
  return { result, detail: stderr };
}

const mayLack = process.argv.includes('--available');
const good = mayLack ? ['ok', 'unavailable'] : ['ok'];

for (const target of napi.targets) {
  const { result, detail } = check(target);
  console.log(`${target.padEnd(30)} ${result}`);
  if (result !== 'ok') console.error(detail);
  if (!good.includes(result)) process.exitCode = 1;
}

const found = placeholders();
if (found.length > 0) {
  console.error(`Not implemented:\n${found.join('\n')}`);
  process.exitCode = 1;
}
