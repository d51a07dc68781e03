'use strict';

// Everything that the documents name exists: links and anchors, files, scripts, options,
// exports, error codes. And code blocks that are not run can be parsed.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');
const { parseSync } = require('oxc-parser');

const manifest = require('../package.json');
const { OPTIONS } = require('../lib/command/arguments');
const { ROOT } = require('./helpers/child');
const { DOCUMENTS, blocksOf, proseOf, read } = require('./helpers/documents');

/** The anchor that GitHub makes of a heading. */
function anchorOf(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** The anchors of a document; that of a second equal heading ends with `-1`. */
function anchorsOf(document) {
  const seen = new Map();
  return new Set(
    Array.from(proseOf(document).matchAll(/^#+ (.+)$/gm), ([, heading]) => {
      const anchor = anchorOf(heading);
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

for (const document of DOCUMENTS) {
  test(`${document}: its links lead to existing files and headings`, (t) => {
    for (const [, target] of proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const to =
        file === '' ? document : path.posix.join(path.dirname(document), file);
      t.true(fs.existsSync(path.join(ROOT, to)), target);
      if (anchor !== undefined && DOCUMENTS.includes(to)) {
        t.true(anchorsOf(to).has(anchor), target);
      }
    }
    t.pass();
  });
}

test('docs/README.md lists every page', (t) => {
  const index = read('docs/README.md');
  for (const document of DOCUMENTS.filter((each) => each.startsWith('docs/'))) {
    if (document === 'docs/README.md') continue;
    t.true(index.includes(`](${document.slice('docs/'.length)})`), document);
  }
});

/** The code in the text of a document. */
const typedIn = (document) =>
  [
    ...blocksOf(document)
      .filter(({ language }) => language === 'sh' || language === 'bash')
      .map(({ code }) => code),
    ...Array.from(
      proseOf(document).matchAll(/`([^`\n]+)`/g),
      ([, code]) => code,
    ),
  ].join('\n');

test('scripts of npm that documents name exist', (t) => {
  for (const document of DOCUMENTS) {
    for (const [, name] of typedIn(document).matchAll(/npm run ([\w:]+)/g)) {
      t.true(name in manifest.scripts, `${document}: npm run ${name}`);
    }
  }
});

test('options of the command that documents name exist', (t) => {
  let count = 0;
  for (const document of DOCUMENTS) {
    const commands = typedIn(document).matchAll(
      /\bwasi-rs((?: +(?:\\\n +)?(?:-[^\s`]+|(?<=-\S* +)[^\s`-]\S*))+)/g,
    );
    for (const [, words] of commands) {
      for (const [, name] of words.matchAll(/(?<=\s)--([a-z-]+)/g)) {
        count++;
        t.true(Object.hasOwn(OPTIONS, name), `${document}: --${name}`);
      }
    }
  }
  t.true(count > 20);
});

test('docs/command.md has every option of the command', (t) => {
  const text = read('docs/command.md');
  for (const name of Object.keys(OPTIONS)) {
    t.regex(text, new RegExp(`--${name}\\b`), name);
  }
});

// The exports of the package that a program uses.
function* importsIn(code) {
  const all = code.matchAll(
    /(?:import|const) \{([^}]*)\} (?:from|= require\() ?'wasi-rs'/g,
  );
  for (const [, names] of all)
    yield* names.split(',').map((name) => name.trim());
}

test('programs that are not run can be parsed, and their imports exist', (t) => {
  const exports = Object.keys(require('..'));
  for (const document of DOCUMENTS) {
    for (const { language, code } of blocksOf(document)) {
      if (language === 'javascript') {
        const { errors } = parseSync('block.mjs', code);
        t.deepEqual(errors, [], `${document}:\n${code}`);
      }
      if (language === 'javascript' || language === 'js') {
        for (const name of importsIn(code)) {
          t.true(name === '' || exports.includes(name), `${document}: ${name}`);
        }
      }
      if (language === 'ts') {
        const { errors } = parseSync('block.d.ts', code);
        // Members of a class stand alone.
        const inClass = parseSync('block.d.ts', `declare class C {${code}}`);
        t.true(errors.length === 0 || inClass.errors.length === 0, code);
      }
    }
  }
});

(process.platform === 'win32' ? test.skip : test)(
  'commands that are not run can be parsed',
  (t) => {
    for (const document of DOCUMENTS) {
      for (const { language, code } of blocksOf(document)) {
        if (language !== 'bash') continue;
        const { status, stderr } = spawnSync('bash', ['-n'], {
          input: code,
          encoding: 'utf8',
        });
        t.is(status, 0, `${document}: ${stderr}`);
      }
    }
  },
);

test('every code block has a language that says how it is tested', (t) => {
  const known = new Set('bash javascript js json sh text ts'.split(' '));
  for (const document of DOCUMENTS) {
    for (const { language, code, from } of blocksOf(document)) {
      if (from !== undefined || known.has(language)) continue;
      // The map of the source is checked on its own.
      t.true(document === 'ARCHITECTURE.md' && language === '', code);
    }
  }
});

test('code blocks that quote a file match it', (t) => {
  let count = 0;
  for (const document of DOCUMENTS) {
    for (const { from, code } of blocksOf(document)) {
      if (from === undefined) continue;
      const lines = new Set(
        read(from)
          .split('\n')
          .map((line) => line.trim()),
      );
      for (const line of code.split('\n').map((each) => each.trim())) {
        count++;
        t.true(line === '' || lines.has(line), `${document}: ${from}: ${line}`);
      }
    }
  }
  t.true(count > 0);
});

/** The names of the members of an interface of index.d.ts. */
function membersOf(name) {
  const text = read('index.d.ts');
  const { program } = parseSync('index.d.ts', text);
  const { declaration } = program.body.find(
    (node) => node.declaration?.id?.name === name,
  );
  return declaration.body.body.map(({ key }) => key.name);
}

/** The names in the first column of the tables of a document. */
const listedIn = (text) =>
  Array.from(text.matchAll(/^\| (`[^|]*`) \|/gm), ([, cell]) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name),
  ).flat();

test('docs/options.md lists the options that index.d.ts has, and no other', (t) => {
  const [first, , , ...rest] = read('docs/options.md').split(/^## /m);
  t.regex(first, /^# Options/);
  const tables = Object.fromEntries(
    [...read('docs/options.md').split(/^## /m)].map((section) => [
      section.split('\n', 1)[0],
      listedIn(section),
    ]),
  );
  t.deepEqual(
    [...tables['As in node:wasi'], ...tables['Only here']].toSorted(),
    membersOf('WASIOptions').toSorted(),
  );
  t.deepEqual(tables.Limits.toSorted(), membersOf('WASILimits').toSorted());
  t.true(rest.length > 0);
});

test('docs/api.md is generated from index.d.ts', (t) => {
  const script = path.join(ROOT, 'scripts/api.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
});

test('docs/bench.svg shows the figures of docs/speed.md', async (t) => {
  const { pictureOfPage } = await import('../bench/page.mjs');
  t.is(read('docs/bench.svg'), pictureOfPage());
});
