// The package has its own WASI implementation. Its module, 58 MB of Haskell, is run here as
// a reactor, with files on disk instead of in memory.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageFile } from '../packages.mjs';

export const packages = ['pandoc-wasm'];
export const does = 'converts Markdown to HTML, LaTeX, and Word and back';

const DOCUMENT = `---
title: A *title*
---

# Heading {#one}

Text with [a link](https://example.org), \`code\`, a note[^1] and $x^2$.

[^1]: The note.

| a | b |
|---|--:|
| 1 | 2 |
`;

export async function run(directory) {
  const { WASI } = await import('node:wasi');
  const root = join(directory, 'root');
  mkdirSync(root);
  const args = ['pandoc.wasm', '+RTS', '-H64m', '-RTS'];
  const wasi = new WASI({
    version: 'preview1',
    args,
    env: { LANG: 'C.UTF-8' },
    preopens: { '/': root },
  });
  const { instance } = await WebAssembly.instantiate(
    readFileSync(packageFile('pandoc-wasm/src/pandoc.wasm')),
    wasi.getImportObject(),
  );
  // Left out: `_start`, which it exports too, and which a reactor must not have.
  const { memory, _initialize } = instance.exports;
  wasi.initialize({ exports: { memory, _initialize } });
  const { __wasm_call_ctors, convert, hs_init_with_rtsopts, malloc } =
    instance.exports;
  __wasm_call_ctors();

  const place = (bytes) => {
    const address = malloc(bytes.length);
    new Uint8Array(memory.buffer).set(bytes, address);
    return address;
  };
  const words = (...values) =>
    place(new Uint8Array(Uint32Array.from(values).buffer));
  const argv = words(...args.map((arg) => place(Buffer.from(`${arg}\0`))), 0);
  hs_init_with_rtsopts(words(args.length), words(argv));

  const pandoc = (options, input) => {
    for (const name of ['stdin', 'stdout', 'stderr', 'warnings']) {
      writeFileSync(join(root, name), name === 'stdin' ? input : '');
    }
    const text = Buffer.from(JSON.stringify(options));
    convert(place(text), text.length);
    const [stdout, stderr] = ['stdout', 'stderr'].map((name) =>
      readFileSync(join(root, name), 'utf8'),
    );
    return { stdout, stderr };
  };
  const html = pandoc(
    { from: 'markdown', to: 'html', standalone: true },
    DOCUMENT,
  );
  const latex = pandoc({ from: 'markdown', to: 'latex' }, DOCUMENT);
  const word = pandoc(
    { from: 'markdown', to: 'docx', 'output-file': 'made.docx' },
    DOCUMENT,
  );
  const back = pandoc(
    { from: 'docx', to: 'markdown', 'input-files': ['made.docx'] },
    '',
  );
  return {
    html: createHash('sha256').update(html.stdout).digest('hex'),
    heading: html.stdout.includes('<h1 id="one">Heading</h1>'),
    latex: latex.stdout,
    back: back.stdout,
    errors: [html, latex, word, back].map(({ stderr }) => stderr),
  };
}
