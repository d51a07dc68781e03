// Two tools work in a directory that they cannot change: what they write stays in
// memory. Then the host sees what that was, and lays it somewhere else.
//
//   node examples/overlay.mjs

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MemoryFS, run } from 'wasi-rs';

const examples = fileURLToPath(new URL('.', import.meta.url));
const files = MemoryFS.overlay(examples);
const preopens = { '/': files };
const tool = (name) => join(examples, name);

await run(tool('csv2json.wasm'), {
  args: ['--types', '--lines', '-o', 'stock.jsonl', 'stock.csv'],
  preopens,
});
files.renameSync('/mdtoc.zig', '/contents.zig');
await run(tool('manifest.wasm'), { args: ['-o', 'SHA256SUMS'], preopens });

const changes = files.changes();
for (const { type, path, from } of changes) {
  console.log(type, from === undefined ? path : `${from} -> ${path}`);
}

// Nothing of that is on the disk, until the host wants it there.
const directory = mkdtempSync(join(tmpdir(), 'overlay-'));
try {
  files.applyTo(directory);
  const sums = readFileSync(join(directory, 'SHA256SUMS'), 'utf8');
  console.log(sums.trimEnd().split('\n').length, 'sums');
} finally {
  rmSync(directory, { recursive: true });
}
