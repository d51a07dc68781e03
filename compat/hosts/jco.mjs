// The official test suite on jco: a test is made a component with jco's preview1 adapter,
// and run like `jco run` does. See arguments.mjs.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { args, directories, env, program } from './arguments.mjs';

const COMMAND = fileURLToPath(import.meta.resolve('@bytecodealliance/jco'));
const JCO = join(COMMAND, '../jco.js');
const SHIM = '@bytecodealliance/preview2-shim';

const scratch = mkdtempSync(join(tmpdir(), 'wasi-rs-jco-'));
const component = join(scratch, 'component.wasm');
const setUp = join(scratch, 'set-up.mjs');

function jco(...words) {
  const { status } = spawnSync(process.execPath, [JCO, ...words], {
    stdio: 'inherit',
  });
  return status ?? 1;
}

try {
  writeFileSync(
    setUp,
    `import { _setEnv } from '${import.meta.resolve(`${SHIM}/cli`)}';
     import { _setPreopens, _addPreopen } from '${import.meta.resolve(`${SHIM}/filesystem`)}';
     _setEnv(${JSON.stringify(env)});
     _setPreopens({});
     for (const { name, path } of ${JSON.stringify(directories)}) _addPreopen(name, path);`,
  );
  process.exitCode =
    jco('new', '--wasi-command', program, '--output', component) ||
    jco('run', '--jco-import', setUp, component, ...args);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
