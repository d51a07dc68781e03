'use strict';

// docs/troubleshooting.md has every message of the sources that users can see.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');
const { parseSync, Visitor } = require('oxc-parser');

const { ROOT } = require('./helpers/child');
const { read } = require('./helpers/documents');

const TEXT = read('docs/troubleshooting.md');

/** Texts that are not messages, or are parts of a message with a row of its own. */
const NO_MESSAGE = [
  // Expected and received values in "must be …".
  /^(an?|one of|of type|true,|'pipe',|bytes,) /,
  /^(function|type) (…|[a-z]+ \()/,
  /^, a Response$/,
  // Tags of objects, and directives.
  /^\[object /,
  /^use strict$/,
  // The shell, and output that is not an error.
  /compgen|_arguments|complete -c|^#compdef|^\s*'1:|^-s …$|_wasi_rs|^Usage: /,
  /^wasi-rs: listening at/,
  /^nread nwritten/,
  // Names of the arguments that messages are about.
  /^The "…" argument$/,
];

/** Literals and templates with more than one word. */
function textsOf(source) {
  const texts = [];
  const add = (text) => {
    if (/[\p{L}…'"\])] [\p{L}…]/u.test(text)) texts.push(text.trim());
  };
  new Visitor({
    Literal({ value }) {
      if (typeof value === 'string') add(value);
    },
    TemplateLiteral({ quasis }) {
      add(quasis.map(({ value }) => value.cooked).join('…'));
    },
  }).visit(parseSync('source.js', source).program);
  return texts;
}

/** The files with messages for users, by their paths. */
const SOURCES = fs
  .readdirSync(path.join(ROOT, 'lib'), { recursive: true })
  .map((file) => `lib/${file.replaceAll(path.sep, '/')}`)
  .filter((file) => file.endsWith('.js') && !file.endsWith('completions.js'))
  .concat('index.js');

const messages = SOURCES.flatMap((file) =>
  textsOf(read(file)).map((text) => ({ file, text })),
).filter(({ text }) => !NO_MESSAGE.some((pattern) => pattern.test(text)));

/** A message as the page writes it: each variable part is one `…`. */
const plain = (text) =>
  text
    .replace(/(….)?…(\s*…)*/g, '…')
    .replace(/\s+/g, ' ')
    .trim();

test('docs/troubleshooting.md has every message of the sources', (t) => {
  t.true(messages.length > 100);
  const page = plain(TEXT);
  for (const { file, text } of messages) {
    t.true(page.includes(plain(text)), `${file}: ${text}`);
  }
});

test('docs/troubleshooting.md has every error code', (t) => {
  const codes = new Set(
    [...SOURCES, 'src/binding/error.rs', 'src/binding/glue.js']
      .flatMap((file) => read(file).match(/ERR_WASI_[A-Z_]+/g) ?? [])
      .toSorted(),
  );
  t.true(codes.size > 8);
  for (const code of codes) t.true(TEXT.includes(code), code);
});

test('docs/troubleshooting.md has every message of the native side', (t) => {
  const texts = ['src/binding/error.rs', 'src/module/mod.rs']
    .flatMap((file) => read(file).match(/"[^"\\\n]*"/g) ?? [])
    .map((text) => text.slice(1, -1).replace(/\{[^}]*\}/g, '…'))
    .filter((text) => /[a-z]+ [a-z]+ [a-z]+/i.test(text));
  t.true(texts.length > 5);
  for (const text of texts) t.true(plain(TEXT).includes(plain(text)), text);
});

/** The first column of the tables of our own messages. */
function listed() {
  const own = TEXT.split('\n## What a guest itself says')[0];
  const cells = Array.from(
    own.matchAll(/^\| (`.*?`+) ?\|/gm),
    ([, cell]) => cell,
  );
  return cells.flatMap((cell) =>
    Array.from(cell.matchAll(/(`+) ?(.+?) ?\1(?!`)/g), ([, , text]) => text),
  );
}

test('docs/troubleshooting.md has only messages of the sources, or of Node', (t) => {
  const known = [
    ...SOURCES.flatMap((file) => textsOf(read(file))),
    ...['src/binding/error.rs', 'src/binding/glue.js', 'src/module/mod.rs'].map(
      read,
    ),
    ...['scripts/install.js', 'lib/formats.js', 'lib/run/program.js'].map(read),
    // The parts of these have rows, and Node's words are Node's.
    'loading addons is disabled',
    'ENOENT: no such file or directory, open … and its like',
    'must be a WebAssembly.Memory',
  ].map(plain);
  const texts = listed();
  t.true(texts.length > 150);
  for (const text of texts) {
    const source = plain(
      text
        .replace(/^wasi-rs: |UVWASI_\w+/, '…')
        .replace(/^The "instance.*/, '. Received …'),
    );
    // The longest constant part.
    const [part] = source
      .split(/…|'|: $/)
      .toSorted((a, b) => b.length - a.length);
    t.true(
      known.some((each) => each.includes(part.trim())),
      text,
    );
  }
});
