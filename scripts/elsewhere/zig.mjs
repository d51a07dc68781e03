// Zig as a linker for every Linux, from packages of PyPI.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './tools.mjs';

/** The cargo that uses Zig, where it finds that, and the pip that brought both. */
export function zigIn(directory) {
  const place = join(directory, 'zig');
  const [program, pip] = ['cargo-zigbuild', 'pip'].map((file) =>
    join(place, 'bin', file),
  );
  if (!existsSync(program)) {
    rmSync(place, { recursive: true, force: true });
    run('python3', ['-m', 'venv', place]);
    const packages = ['ziglang==0.17.1', 'cargo-zigbuild'];
    run(pip, ['install', '--quiet', ...packages]);
  }
  const path = `${join(place, 'bin')}:${process.env.PATH}`;
  return { program, pip, env: { PATH: path } };
}
