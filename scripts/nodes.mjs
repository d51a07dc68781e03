// The supported versions of Node.js, which npx downloads as needed.

import { spawnSync } from 'node:child_process';

export const MAJORS = [20, 22, 24, 26];

/** The path of the newest Node.js of a major version. */
export function nodePath(major) {
  const { status, stdout, stderr } = spawnSync(
    'npx',
    ['--yes', `--package=node@${major}`, 'node', '-p', 'process.execPath'],
    { encoding: 'utf8', shell: process.platform === 'win32' },
  );
  if (status !== 0) throw new Error(`no Node ${major}: ${stderr}`);
  return stdout.trim();
}
