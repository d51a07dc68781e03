// Reads and writes docs/speed.md, the page with the results, and its chart.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { svgOf } from './svg.mjs';
import { markdownOf } from './table.mjs';

const fileOf = (name) =>
  fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const PAGE = fileOf('speed.md');
const PICTURE = fileOf('bench.svg');
const BENCH = /(?<=<!-- bench -->\n)[^]*(?=<!-- end of bench -->)/;

/** Reads the rows of the page's table, and the note below it. */
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

/** The chart of the results on the page. */
export function pictureOfPage() {
  const { note, rows } = readPage();
  return svgOf(rows, note.split(', ', 1)[0]);
}

/** Writes results to the page, and its chart. */
export function writePage(rows, note) {
  const page = readFileSync(PAGE, 'utf8');
  const text = `\n${markdownOf(rows)}\n\n${note}\n\n`;
  writeFileSync(
    PAGE,
    page.replace(BENCH, () => text),
  );
  writeFileSync(PICTURE, pictureOfPage());
}
