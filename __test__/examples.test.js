'use strict';

// The hosts in examples/, run as their comments say.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { ROOT, node } = require('./helpers/child');

const EXAMPLES = path.join(ROOT, 'examples');

/** Whether the queue's example can start a server of its own. */
const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;

/** The output of an example, which must exit with 0. */
function run(t, ...args) {
  const { exitCode, stdout, stderr } = node(args);
  t.deepEqual([exitCode, stderr], [0, '']);
  return stdout.trimEnd().split('\n');
}

test('coming from node:wasi', (t) => {
  const example = 'examples/coming-from-node-wasi.mjs';
  const lines = run(t, '--import', 'wasi-rs/register', example);
  const rows = lines.map((line) => JSON.parse(line));
  t.is(rows.length, 5);
  t.like(rows[0], { sku: '0017', price: 14.5, organic: true });
  t.deepEqual(run(t, '--no-warnings', example), lines);
});

test('running untrusted code', (t) => {
  const [converts, row, ...refused] = run(t, 'examples/untrusted.mjs');
  t.is(converts, 'converts: exit code 0');
  t.is(JSON.parse(row).sku, '0017');
  t.deepEqual(refused, [
    'writes: exit code 3',
    'leaves: exit code 3',
    'runs on: out of time',
  ]);
  t.false(fs.existsSync(path.join(EXAMPLES, 'made.json')));
});

test('in workers', (t) => {
  t.deepEqual(run(t, 'examples/workers.mjs'), [
    'exit codes 0 0 0 0',
    'north 0',
    'south 1',
    'east 2',
    'west 3',
  ]);
});

test('a program with threads', (t) => {
  const counts = ['  17 main.rs', '   6 sha256.rs'];
  const lines = run(t, 'examples/threads.mjs');
  t.deepEqual(lines, ['threads: 1', ...counts, 'threads: 4', ...counts]);
});

test('on Bun and Deno', (t) => {
  const lines = run(t, 'examples/bun-and-deno.mjs');
  t.is(lines.at(-1), 'exit code 0');
  t.true(lines.some((line) => /^[0-9a-f]{64} {2}stock\.csv$/.test(line)));
});

test('an overlay', (t) => {
  const list = () =>
    fs.readdirSync(EXAMPLES, { recursive: true, withFileTypes: true });
  const files = list().filter((entry) => entry.isFile());
  const lines = run(t, 'examples/overlay.mjs');
  t.deepEqual(lines, [
    'created SHA256SUMS',
    'renamed mdtoc.zig -> contents.zig',
    'created stock.jsonl',
    `${files.length + 1} sums`,
  ]);
  t.deepEqual(
    list().filter((entry) => entry.isFile()),
    files,
  );
});

test('a pipeline', (t) => {
  const lines = run(t, 'examples/pipeline.mjs');
  t.is(lines.length, 5);
  t.true(lines[0].startsWith('  - [Darjeeling'), lines[0]);
  t.is(lines[2], '  - [Sencha](#sencha)');
});

(HAS_REDIS ? test : test.skip)('a job queue, in Redis', (t) => {
  t.deepEqual(run(t, 'examples/queue.mjs'), [
    'csv2json, tried 1: {"tea": "Sencha", "price": "12"}',
    'csv2json, tried 1: csv2json: standard input:1: a quoted field is not closed',
    'endless, tried 3: timeout',
  ]);
});

test('a web server', (t) => {
  const [rows, ...others] = run(t, 'examples/web-server.mjs');
  t.regex(rows, /^five rows: 200 \{"sku": "0021", /);
  t.deepEqual(others, [
    'broken: 422 csv2json: standard input:2: a quoted field is not closed',
    'twenty at once, to each its own: true',
    'endless: 413',
  ]);
});

test('Python code from requests, with an archive as its library', (t) => {
  t.deepEqual(run(t, 'examples/python.mjs'), [
    '200 {"median": 2}',
    '422 ZeroDivisionError: division by zero',
    "422 PermissionError: [Errno 76] Capabilities insufficient: '/app/out.txt'",
    '422 MemoryError',
    'endless: timeout',
  ]);
});

test('the progress of a guest', (t) => {
  const lines = run(t, 'examples/progress.mjs');
  t.is(lines[0], 'up to 1000: 168 primes');
  t.is(lines.at(-1), 'ended by kill');
});
