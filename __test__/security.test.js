'use strict';

// The table of attacks in SECURITY.md names tests that exist.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { ROOT } = require('./helpers/child');

const text = fs.readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
const rows = [...text.matchAll(/^\|.*\| `([^`]+\.(?:js|rs))`: (.+?) *\|$/gm)];

test('every attack of SECURITY.md names a test', (t) => {
  const [, table] = text.split('## Known attacks');
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  t.is(rows.length, lines.length - 2, 'rows without a test');
  t.true(rows.length > 50);
});

test('the tests that SECURITY.md names exist', (t) => {
  for (const [, file, name] of rows) {
    const folder = file.endsWith('.rs') ? 'tests' : '__test__';
    const source = fs.readFileSync(path.join(ROOT, folder, file), 'utf8');
    const found = file.endsWith('.rs')
      ? new RegExp(`#\\[test\\]\\s+fn ${name}\\(`).test(source)
      : source.includes(`'${name}'`);
    t.true(found, `${file}: ${name}`);
  }
});
