// SQLite reads and writes a file by position, and creates and removes a journal. A second
// run must find the data of the first.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { jobFor, tree } from '../commands.mjs';
import { sqlite } from '../programs.mjs';
import { SQLITE } from '../toolchains.mjs';

export const packages = [SQLITE];
export const does =
  "SQLite's own shell: a database of 20,000 rows, its journal, dumps and copies";

/** A copy in the middle of a transaction has the state after a crash. */
const MAKE = `
.bail on
PRAGMA journal_mode = wal;
CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, size INT, body BLOB);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO items SELECT i, 'item ' || i, i * 7919 % 1000, zeroblob(i % 97) FROM n;
COMMIT;
CREATE INDEX by_size ON items(size, name);
PRAGMA cache_size = 5;
BEGIN;
DELETE FROM items WHERE id % 2;
SELECT count(*), writefile('torn.db', readfile('shop.db')) > 0,
  writefile('torn.db-journal', readfile('shop.db-journal')) > 0 FROM items;
ROLLBACK;
SELECT count(*), sum(size), max(name) FROM items;
DELETE FROM items WHERE id % 3 = 0;
VACUUM;
PRAGMA integrity_check;
`;
const CHANGE = `
.bail on
.mode csv
.import more.csv items
.mode list
UPDATE items SET body = zeroblob(3) WHERE size BETWEEN 100 AND 200;
SELECT count(*), sum(length(body)), count(DISTINCT size) FROM items;
EXPLAIN QUERY PLAN SELECT name FROM items WHERE size = 7;
.output dump.sql
.dump
.output
.backup copy.db
.sha3sum
VACUUM INTO 'small.db';
.open again.db
.read dump.sql
.sha3sum
.open torn.db
SELECT count(*), sum(size), max(name) FROM items;
PRAGMA integrity_check;
`;

async function job(shell, root) {
  mkdirSync(root);
  writeFileSync(join(root, 'make.sql'), MAKE);
  writeFileSync(join(root, 'change.sql'), CHANGE);
  const more = Array.from(
    { length: 500 },
    (_, i) => `${30_000 + i},m${i},${i},b`,
  );
  writeFileSync(join(root, 'more.csv'), `${more.join('\n')}\n`);
  const runs = [
    await shell(['shop.db', '.read make.sql']),
    await shell(['shop.db'], 'change.sql'),
    await shell(['shop.db', 'SELECT price FROM nowhere']),
    await shell(['-readonly', 'shop.db', 'DELETE FROM items']),
    await shell(['missing/shop.db', 'CREATE TABLE t(a)']),
  ];
  return { runs, files: tree(root) };
}

export const { prepare, run, expected } = jobFor(sqlite, job);
