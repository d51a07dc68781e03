// The tables of README.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const README = fileURLToPath(new URL('README.md', import.meta.url));

const line = (cells) => `| ${cells.join(' | ')} |`;

/** Rows of cells, the first of them the heads of the columns, as Markdown. */
export function markdown([heads, ...rows]) {
  return [heads, heads.map(() => '---'), ...rows].map(line).join('\n');
}

/** Puts a text into README.md, between the lines that say where. */
export function write(name, text) {
  const [before, , after] = readFileSync(README, 'utf8').split(
    new RegExp(`(?<=<!-- ${name} -->\\n)([^]*)(?=<!-- end of ${name} -->)`),
  );
  writeFileSync(README, `${before}\n${text}\n\n${after}`);
}
