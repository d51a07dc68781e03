// A pipeline of two programs and a function between them: CSV becomes JSON, a
// heading for each row, and a table of contents. The streams are those of child
// processes, and a program that is slow keeps the ones before it waiting.
//
//   node examples/pipeline.mjs

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import { spawn } from 'wasi-rs';

const example = (name) => fileURLToPath(new URL(name, import.meta.url));

// A Markdown document of rows in JSON, one a line.
async function* documentOf(source) {
  for await (const line of createInterface({ input: source })) {
    const { name, price } = JSON.parse(line);
    yield `## ${name}\n\n${price} a bag.\n\n`;
  }
}

const rows = spawn(example('csv2json.wasm'), {
  args: ['--types', '--lines'],
  stdin: createReadStream(example('stock.csv')),
});
const contents = spawn(example('mdtoc.wasm'), { args: ['-'] });

await Promise.all([
  pipeline(rows.stdout, documentOf, contents.stdin),
  pipeline(contents.stdout, process.stdout, { end: false }),
]);
for (const child of [rows, contents]) {
  const { exitCode, reason } = await child.exited;
  if (exitCode !== 0) throw new Error(`${reason} ${exitCode}`);
}
