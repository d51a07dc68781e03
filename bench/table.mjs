const line = (cells) => `| ${cells.join(' | ')} |`;

/** Prints rows, which all have the same keys, as a table of Markdown. */
export function printMarkdown(rows) {
  const columns = Object.keys(rows[0]);
  console.log(line(columns));
  console.log(line(columns.map((_, index) => (index ? '--:' : '---'))));
  for (const row of rows) console.log(line(Object.values(row)));
}
