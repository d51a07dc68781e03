// Installs qemu, which runs programs for Linux on arm64, from Debian 13: that of Debian 12
// has no openat2(2).

import { join } from 'node:path';

import { layOut } from './tools.mjs';

// The emulator, and glibc and libstdc++ for arm64.
const PACKAGES = 'qemu-user,libstdc++6-arm64-cross';
const EMULATOR = 'usr/bin/qemu-aarch64';
const GLIBC = 'usr/aarch64-linux-gnu';
// The limit of private memory of an emulated process.
const BYTES = 8 * 2 ** 30;

// The start of an ELF executable for arm64, and the mask of the bits that count: see
// binfmt_misc.
const MAGIC =
  '\\x7fELF\\x02\\x01\\x01' + '\\x00'.repeat(9) + '\\x02\\x00\\xb7\\x00';
const MASK =
  '\\xff'.repeat(7) + '\\x00' + '\\xff'.repeat(8) + '\\xfe\\xff\\xff\\xff';

/**
 * Installs qemu.
 *
 * @param {string} [libraries] The directory of the libraries for arm64; by default, that
 *   of glibc.
 * @returns `before`, a command prefix that registers qemu with binfmt_misc, so that child
 *   processes for arm64 run under it, too; and `variables` for its environment. The
 *   registration is in a user namespace and so does not affect the rest of the system,
 *   which needs Linux 6.7.
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
