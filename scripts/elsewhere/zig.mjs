// Installs Zig from PyPI, as a linker for every Linux target.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './tools.mjs';

/**
 * Installs Zig and cargo-zigbuild into a virtual environment.
 *
 * @returns `program`, the path of cargo-zigbuild; `pip`; and `env`, in which it finds Zig.
 */
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
