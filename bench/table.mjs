const line = (cells) => `| ${cells.join(' | ')} |`;

/** A Markdown table of rows, which must have the same keys. */
export function markdownOf(rows) {
  const columns = Object.keys(rows[0]);
  const rules = columns.map((_, index) => (index ? '--:' : '---'));
  const cells = rows.map((row) => Object.values(row));
  return [columns, rules, ...cells].map(line).join('\n');
}

/** Prints rows as a Markdown table. */
export function printMarkdown(rows) {
  console.log(markdownOf(rows));
}
