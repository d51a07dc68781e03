// Writes the tables of README.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const README = fileURLToPath(new URL('README.md', import.meta.url));

const line = (cells) => `| ${cells.join(' | ')} |`;

/** A Markdown table; the first row is the header. */
export function markdown([heads, ...rows]) {
  return [heads, heads.map(() => '---'), ...rows].map(line).join('\n');
}

/** Replaces the text between the comments `name` and `end of name` in README.md. */
export function write(name, text) {
  const [before, , after] = readFileSync(README, 'utf8').split(
    new RegExp(`(?<=<!-- ${name} -->\\n)([^]*)(?=<!-- end of ${name} -->)`),
  );
  writeFileSync(README, `${before}\n${text}\n\n${after}`);
}
