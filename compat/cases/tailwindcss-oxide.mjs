// Walks directories and applies .gitignore, in threads with a shared memory.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const packages = [
  '@tailwindcss/oxide',
  '@tailwindcss/oxide-wasm32-wasi',
];
export const does = 'scans a tree of 60 templates for class names';
export const env = { NAPI_RS_FORCE_WASI: 'error' };

function writeTemplates(directory) {
  writeFileSync(join(directory, '.gitignore'), 'ignored/\n');
  mkdirSync(join(directory, '.git'));
  for (const folder of ['pages', 'parts', 'ignored']) {
    mkdirSync(join(directory, folder));
    for (let index = 0; index < 20; index++) {
      writeFileSync(
        join(directory, folder, `${index}.html`),
        `<div class="p-${index} ${folder}-only md:hover:bg-red-${index}00/50"></div>\n`,
      );
    }
  }
}

export async function run(directory) {
  const { Scanner } = await import('@tailwindcss/oxide');
  writeTemplates(directory);
  const sources = [{ base: directory, pattern: '**/*', negated: false }];
  const scanner = new Scanner({ sources });
  return {
    candidates: scanner.scan().toSorted(),
    files: scanner.files.map((file) => relative(directory, file)).toSorted(),
    positions: scanner.getCandidatesWithPositions({
      content: '<p class="flex underline">',
      extension: 'html',
    }),
  };
}
