// The page that has the figures, docs/speed.md, and the picture of them beside it.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { svgOf } from './svg.mjs';
import { markdownOf } from './table.mjs';

const fileOf = (name) =>
  fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const PAGE = fileOf('speed.md');
const PICTURE = fileOf('bench.svg');
const BENCH = /(?<=<!-- bench -->\n)[^]*(?=<!-- end of bench -->)/;

/** The rows of the page, and the line below them. */
function readPage() {
  const [table] = BENCH.exec(readFileSync(PAGE, 'utf8'));
  const [heads, , ...rows] = [...table.matchAll(/^\| (.*) \|$/gm)].map(
    ([, cells]) => cells.split(' | '),
  );
  const [note] = /^Node .*$/m.exec(table);
  return {
    note,
    rows: rows.map((row) =>
      Object.fromEntries(row.map((cell, index) => [heads[index], cell])),
    ),
  };
}

/** What the picture is to be, by the figures of the page. */
export function pictureOfPage() {
  const { note, rows } = readPage();
  return svgOf(rows, note.split(', ', 1)[0]);
}

/** Puts what was measured onto the page, and into the picture. */
export function writePage(rows, note) {
  const page = readFileSync(PAGE, 'utf8');
  const text = `\n${markdownOf(rows)}\n\n${note}\n\n`;
  writeFileSync(
    PAGE,
    page.replace(BENCH, () => text),
  );
  writeFileSync(PICTURE, pictureOfPage());
}
