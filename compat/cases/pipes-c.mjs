// wasi-libc repeats partial reads and writes.

import { pipesForWasi } from '../pipes.mjs';
import { cLines } from '../programs.mjs';
import { ZIG } from '../toolchains.mjs';

export const packages = [ZIG];
export const does = 'a program in C between a slow writer and a slow reader';

export const prepare = () => cLines.build();
export const { expected, run } = pipesForWasi(cLines.wasi);
