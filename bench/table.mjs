const line = (cells) => `| ${cells.join(' | ')} |`;

/** Rows, which all have the same keys, as a table of Markdown. */
export function markdownOf(rows) {
  const columns = Object.keys(rows[0]);
  const rules = columns.map((_, index) => (index ? '--:' : '---'));
  const cells = rows.map((row) => Object.values(row));
  return [columns, rules, ...cells].map(line).join('\n');
}

/** Prints them. */
export function printMarkdown(rows) {
  console.log(markdownOf(rows));
}
