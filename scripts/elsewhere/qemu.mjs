// Qemu, which runs programs for Linux on arm64 on this machine, from packages of Debian
// 13: that of Debian 12 has no openat2(2).

import { join } from 'node:path';

import { layOut } from './tools.mjs';

// Of the packages for this machine: what runs programs, and what those are linked with
// that have glibc.
const PACKAGES = 'qemu-user,libstdc++6-arm64-cross';
const EMULATOR = 'usr/bin/qemu-aarch64';
const GLIBC = 'usr/aarch64-linux-gnu';
// The most memory of its own that an emulated process may have.
const BYTES = 8 * 2 ** 30;

// What begins a program for Linux on arm64, and which bits of that count.
const MAGIC =
  '\\x7fELF\\x02\\x01\\x01' + '\\x00'.repeat(9) + '\\x02\\x00\\xb7\\x00';
const MASK =
  '\\xff'.repeat(7) + '\\x00' + '\\xff'.repeat(8) + '\\xfe\\xff\\xff\\xff';

/**
 * Brings qemu. Returns `before`, words before a command that have the kernel give
 * programs for arm64 to qemu, those that programs start as well; and `variables` for it. The
 * kernel does so for this command alone, which has a user namespace: that takes Linux 6.7.
 *
 * @param {string} [libraries] The directory in which programs find what they are linked
 *   with; of those with glibc, if there is none.
 */
export function qemuIn(directory, libraries) {
  const root = join(directory, 'qemu');
  layOut(root, EMULATOR, ['--variant=extract', `--include=${PACKAGES}`]);
  const rule = `:wasi-rs:M::${MAGIC}:${MASK}:${join(root, EMULATOR)}:`;
  const place = '/proc/sys/fs/binfmt_misc';
  const script = `mount -t binfmt_misc none ${place} && printf %s "$1" >${place}/register && shift && exec "$@"`;
  const namespaces = ['--user', '--map-root-user', '--mount'];
  const shell = ['sh', '-c', script, 'sh', rule];
  const limit = ['prlimit', `--data=${BYTES}`];
  return {
    before: ['unshare', ...namespaces, ...shell, ...limit],
    variables: { QEMU_LD_PREFIX: libraries ?? join(root, GLIBC) },
  };
}
