'use strict';

// Tests, files and dependencies that documents and lists of exceptions name exist,
// and none is missing where all are promised.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const manifest = require('../package.json');
const { ROOT } = require('./helpers/child');

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

/** All files below a directory, by their paths from the root. */
function filesBelow(directory) {
  return fs
    .readdirSync(path.join(ROOT, directory), { withFileTypes: true })
    .flatMap((entry) => {
      const file = `${directory}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(file) : [file];
    });
}

/** The text from the opening brace behind `start` to where it is closed. */
function braced(text, start) {
  let depth = 0;
  for (let at = text.indexOf('{', start); at < text.length; at++) {
    if (text[at] === '{') depth++;
    if (text[at] === '}' && --depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
}

/** Whether a Rust file, or a module in one, has this name and the test. */
function hasRustTest(name) {
  const [module, test] = name.split('::');
  return [...filesBelow('tests'), ...filesBelow('src')]
    .filter((file) => file.endsWith('.rs'))
    .some((file) => {
      const text = read(file);
      const at = text.search(new RegExp(`\\bmod ${module} \\{`));
      const place = at === -1 ? text : braced(text, at);
      return (
        (at !== -1 || path.basename(file, '.rs') === module) &&
        new RegExp(`#\\[test\\]\\s+(pub )?fn ${test}\\(`).test(place)
      );
    });
}

/** The titles in a file of ava's; `…` stands for a substitution. */
const titlesOf = (file) =>
  Array.from(
    read(`__test__/${file}`).matchAll(
      /^\s*[\w.]+\(\s*(?:test,\s*)?(['"`])(.*?)\1,/gm,
    ),
    ([, , title]) => title.replace(/\$\{[^}]*\}/g, '…'),
  );

function hasAvaTest(name) {
  const [, file, title] = /^(\S+): (.+)$/.exec(name);
  return titlesOf(file).includes(title);
}

/** Whether a text has all parts, one after the other. */
function hasParts(text, parts) {
  let at = 0;
  return parts.every((part) => {
    const found = text.indexOf(part, at);
    at = found + part.length;
    return found !== -1;
  });
}

/** Whether a title, with its substitutions made, is that of a test in a file of ava's. */
const isOfTest = (file, title) =>
  read(`__test__/${file}`).includes(title) ||
  titlesOf(file).some(
    (each) => each.includes('…') && hasParts(title, each.split('…')),
  );

const quoted = (text) =>
  Array.from(text.matchAll(/`([^`]+)`/g), ([, name]) => name);

const hasTest = (name) =>
  /^\S+\.test\.m?js: /.test(name) ? hasAvaTest(name) : hasRustTest(name);

test('the tests that RATIONALE.md names exist', (t) => {
  const lists = [...read('RATIONALE.md').matchAll(/^Tests: (.+)$/gm)];
  const names = lists.flatMap(([, list]) => quoted(list));
  t.true(names.length > 50);
  for (const name of names) t.true(hasTest(name), name);
});

test('the tests that docs/platforms.md names exist', (t) => {
  const names = quoted(read('docs/platforms.md')).filter((name) =>
    /^\w+::\w+$|^\S+\.test\.m?js: /.test(name),
  );
  t.true(names.length > 5);
  for (const name of names) t.true(hasTest(name), name);
});

test('the tests that compat/exceptions.mjs leaves out exist', async (t) => {
  const { EXCEPTIONS } = await import('../compat/exceptions.mjs');
  for (const [file, titles] of Object.values(EXCEPTIONS).flatMap(
    Object.entries,
  )) {
    for (const title of Object.keys(titles)) {
      const parts = title.split('*');
      t.true(
        parts.length > 1
          ? hasParts(read(`__test__/${file}`), parts)
          : isOfTest(file, title),
        `${file}: ${title}`,
      );
    }
  }
});

test('the tests that are known to fail elsewhere exist', async (t) => {
  const linux = await import('../scripts/elsewhere/linux-fails.mjs');
  const wine = await import('../scripts/elsewhere/wine-fails.mjs');
  const all = [...Object.values(linux.FAILS), wine.FAILS];
  for (const name of all.flatMap(Object.keys)) {
    const [, file, title] = /^(\S+) › (.+)$/.exec(name) ?? [];
    const [rust] = /\w+::\w+$/.exec(name) ?? [];
    if (file !== undefined) t.true(isOfTest(`${file}.test.js`, title), name);
    else if (rust !== undefined) t.true(hasRustTest(rust), name);
    else t.regex(name, /^suite: /);
  }
});

test('every difference in RATIONALE.md names a test', (t) => {
  const [, differences] = /^## Differences.*\n([^]*?)^## /m.exec(
    read('RATIONALE.md'),
  );
  for (const section of differences.split(/^### /m).slice(1)) {
    t.regex(section, /^Tests: `/m, section.split('\n')[0]);
  }
});

/** The paths in the map of ARCHITECTURE.md, where indentation nests. */
function mappedFiles() {
  const [, map] = /^## Map\n\n```\n([^]*?)^```/m.exec(read('ARCHITECTURE.md'));
  const parents = [];
  const files = [];
  for (const line of map.trimEnd().split('\n')) {
    const [, indent, name] = /^( *)(\S+)/.exec(line);
    parents.length = indent.length / 2;
    if (name.endsWith('/')) parents.push(name);
    else files.push(parents.join('') + name);
  }
  return files;
}

test('the map in ARCHITECTURE.md has every file, and no other', (t) => {
  const mapped = mappedFiles();
  const unix = 'src/host/sys/unix';
  // The two systems have the same names, and the map lists them once.
  const twice = (file) =>
    fs.existsSync(
      path.join(ROOT, file.replace('src/host/sys/windows', unix)),
    ) && file.startsWith('src/host/sys/windows');
  const files = ['src', 'lib', 'bin'].flatMap(filesBelow);
  for (const file of files.filter((candidate) => !twice(candidate))) {
    t.true(mapped.includes(file), `${file} is missing`);
  }
  for (const file of mapped) {
    t.true(fs.existsSync(path.join(ROOT, file)), `${file} does not exist`);
  }
});

test('RATIONALE.md has a word on every dependency', (t) => {
  const text = read('RATIONALE.md').split(/^## Dependencies$/m)[1];
  const crates = read('Cargo.toml')
    .split(/^\[/m)
    .filter((table) => /^[^\]]*dependencies\]/.test(table))
    .flatMap((table) => table.match(/^[\w-]+(?= = )/gm) ?? []);
  t.true(crates.length > 10);
  for (const name of [...crates, ...Object.keys(manifest.devDependencies)]) {
    const listed = new RegExp(`^\\|[^|]*(?<![\\w/-])${name}(?![\\w/-])`, 'm');
    t.regex(text, listed, name);
  }
});
