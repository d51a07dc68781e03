// The binding for wasm32 makes threads with a shared memory.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { packageFile } from '../packages.mjs';

export const packages = ['oxc-parser', '@oxc-parser/binding-wasm32-wasi'];
export const does =
  'parses the sources of three packages, at once and in its threads';
export const env = { NAPI_RS_FORCE_WASI: 'error' };

const FILES = [
  '@extism/extism/dist/esm/mod.js',
  '@ruby/wasm-wasi/dist/esm/vm.js',
  'ripgrep/lib/_wasi.mjs',
];

const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);

function summary({ program, comments, errors, module }) {
  const ast = JSON.stringify(program, plain);
  return {
    ast: createHash('sha256').update(ast).digest('hex'),
    statements: program.body.length,
    comments: comments.length,
    errors: errors.length,
    imports: module.staticImports.length,
  };
}

export async function run() {
  const { parse, parseSync } = await import('oxc-parser');
  const sources = FILES.map((file) => [
    basename(file),
    readFileSync(packageFile(file), 'utf8'),
  ]);
  const sync = sources.map(([name, text]) => summary(parseSync(name, text)));
  const threaded = await Promise.all(
    sources.map(async ([name, text]) => summary(await parse(name, text))),
  );
  const broken = parseSync('broken.js', 'let = = 1').errors[0].message;
  return { sync, threaded, broken };
}
