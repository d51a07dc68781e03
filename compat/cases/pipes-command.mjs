// The command passes its standard streams to the guest.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { pipesFor } from '../pipes.mjs';
import { goLines } from '../programs.mjs';

export const packages = ['wasi-rs'];
export const does =
  'the command, with a program in Go, between a slow writer and a slow reader';
/** Uses the command of wasi-rs. */
export const direct = true;

const COMMAND = fileURLToPath(new URL('../../bin/wasi-rs.js', import.meta.url));

export const prepare = () => goLines.build();
export const { expected, run } = pipesFor((args, stdio) => {
  const { stdin, stdout, stderr } = stdio;
  const child = spawn(process.execPath, [COMMAND, goLines.wasi, ...args], {
    stdio: [stdin, stdout, stderr],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
});
