// The official test suite on @wasmer/sdk: see arguments.mjs.

import { writeSync } from 'node:fs';

import { Wasmer } from '@wasmer/sdk/node';

import { argsOfOne, bytes, env, filesOfOne } from './arguments.mjs';

const wasmer = new Wasmer({ cache: false });
const program = await wasmer.packages.create({
  modules: { app: new Uint8Array(bytes) },
  commands: { app: { module: 'app' } },
  files: Object.fromEntries(
    [...filesOfOne()]
      .filter(({ content }) => content)
      .map(({ path, content }) => [path, content]),
  ),
});
const sandbox = await wasmer.sandboxes.create({ packages: [program], env });
const { exitCode, stdout, stderr } = await sandbox
  .command(program, argsOfOne('/'), { cwd: '/' })
  .run({ check: false });
for (const [index, { bytes: written }] of [stdout, stderr].entries()) {
  if (written.length > 0) writeSync(index + 1, written);
}
process.exit(exitCode);
