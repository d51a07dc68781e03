// Go sets its standard streams not to wait, and takes EAGAIN for a failure where
// the flags that it reads back are wrong.

import { pipesForWasi } from '../pipes.mjs';
import { goLines } from '../programs.mjs';
import { GO } from '../toolchains.mjs';

export const packages = [GO];
export const does = 'a program in Go between a slow writer and a slow reader';

export const prepare = () => goLines.build();
export const { expected, run } = pipesForWasi(goLines.wasi);
