// Reads and writes files from several threads with a shared memory. Its only preopen is the
// root of the host.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const packages = ['rolldown', '@rolldown/binding-wasm32-wasi'];
export const does = 'bundles a project of 40 modules into chunks on disk';
export const env = { NAPI_RS_FORCE_WASI: 'error' };

function writeProject(directory) {
  mkdirSync(join(directory, 'src/parts'), { recursive: true });
  const parts = Array.from({ length: 38 }, (_, index) => `part${index}`);
  for (const [index, part] of parts.entries()) {
    writeFileSync(
      join(directory, `src/parts/${part}.ts`),
      `export const ${part}: number = ${index};\nexport const unused${index} = 'shaken off';\n`,
    );
  }
  writeFileSync(join(directory, 'src/data.json'), '{ "name": "data" }');
  writeFileSync(
    join(directory, 'src/main.ts'),
    [
      ...parts.map((part) => `import { ${part} } from './parts/${part}';`),
      `import { name } from './data.json';`,
      `export const sum = [${parts.join(', ')}].reduce((a, b) => a + b);`,
      `export const lazy = () => import('./lazy');`,
      `export { name };`,
    ].join('\n'),
  );
  writeFileSync(
    join(directory, 'src/lazy.ts'),
    `import { part7 } from './parts/part7';\nexport default part7 * 6;\n`,
  );
}

export async function run(directory) {
  const { rolldown } = await import('rolldown');
  writeProject(directory);
  const bundle = await rolldown({ cwd: directory, input: 'src/main.ts' });
  await bundle.write({
    dir: join(directory, 'dist'),
    minify: true,
    sourcemap: true,
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
  });
  await bundle.close();
  const files = readdirSync(join(directory, 'dist')).toSorted();
  const { sum, name, lazy } = await import(join(directory, 'dist/main.mjs'));
  return {
    files: files.map((file) => [
      file,
      readFileSync(join(directory, 'dist', file), 'utf8'),
    ]),
    sum,
    name,
    lazy: (await lazy()).default,
  };
}
