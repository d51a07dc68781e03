// The official test suite on wasmtime, from its PyPI package: see arguments.mjs.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WASMTIME, python } from '../toolchains.mjs';
import { args, argv0, directories, env, program } from './arguments.mjs';

const HOST = fileURLToPath(
  new URL('../sweep/wasmtime_host.py', import.meta.url),
);
const scratch = mkdtempSync(join(tmpdir(), 'wasi-rs-wasmtime-'));
try {
  const preopens = Object.fromEntries(
    directories.map(({ name, path }) => [name, path]),
  );
  const spec = {
    options: { args: [argv0, ...args], env, preopens },
    wasm: program,
    compiled: join(scratch, 'compiled'),
  };
  const { status } = spawnSync(python(WASMTIME), [HOST, JSON.stringify(spec)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 134;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
