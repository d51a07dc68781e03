// The package falls back to its own WASI implementation if the constructor throws, so its
// options must be accepted.

import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const packages = ['ripgrep'];
export const does = 'searches a tree of 300 files, output to descriptors';

function writeTree(directory) {
  for (let folder = 0; folder < 10; folder++) {
    mkdirSync(join(directory, `tree/${folder}`), { recursive: true });
    for (let file = 0; file < 30; file++) {
      writeFileSync(
        join(directory, `tree/${folder}/${file}.txt`),
        `line one\nneedle ${folder * file}\nline three\n`,
      );
    }
  }
  writeFileSync(join(directory, 'tree/.ignore'), '3/\n');
}

export async function run(directory) {
  const { ripgrep } = await import('ripgrep');
  writeTree(directory);
  const search = async (...args) => {
    const name = join(
      directory,
      `output ${args.join(' ')}`.replaceAll('/', '_'),
    );
    const stream = { fd: openSync(name, 'w'), write() {} };
    const { code } = await ripgrep(args, {
      nodeWasi: true,
      env: {},
      preopens: { '.': join(directory, 'tree') },
      stdout: stream,
      stderr: stream,
    });
    return { code, output: readFileSync(name, 'utf8') };
  };
  // The package preopens every argument that is not a flag.
  return [
    await search('--sort=path', '--line-number', '--regexp=needle [1-4]2$'),
    await search(
      '--count-matches',
      '--sort=path',
      '--regexp=line',
      '--glob=7/*',
    ),
    await search('--files', '--sort=path', '--glob=*7.txt'),
    await search('--regexp=absent'),
    await search('--regexp=(unclosed'),
  ];
}
