// Go makes its standard streams nonblocking. If the host then reports wrong flags, it
// treats EAGAIN as an error.

import { pipesForWasi } from '../pipes.mjs';
import { goLines } from '../programs.mjs';
import { GO } from '../toolchains.mjs';

export const packages = [GO];
export const does = 'a program in Go between a slow writer and a slow reader';

export const prepare = () => goLines.build();
export const { expected, run } = pipesForWasi(goLines.wasi);
