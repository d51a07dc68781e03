// A pipeline of two guests, a native process and a function: CSV becomes JSON, is
// sorted backwards, becomes a heading for each row, and a table of contents. The
// streams of a guest are those of a child process, so either can be connected to the
// other, and one that is slow keeps the ones before it waiting.
//
//   node examples/pipeline.mjs

import { spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
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
const backwards = process.platform === 'win32' ? '/R' : '-r';
const sort = spawnProcess('sort', [backwards], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const contents = spawn(example('mdtoc.wasm'), { args: ['-'] });

const [[sorted]] = await Promise.all([
  once(sort, 'close'),
  pipeline(rows.stdout, sort.stdin),
  pipeline(sort.stdout, documentOf, contents.stdin),
  pipeline(contents.stdout, process.stdout, { end: false }),
]);
if (sorted !== 0) throw new Error(`sort: exit code ${sorted}`);
for (const child of [rows, contents]) {
  const { exitCode, reason } = await child.exited;
  if (exitCode !== 0) throw new Error(`${reason} ${exitCode}`);
}
