'use strict';

// Results of node:wasi on Node, recorded for the same tests on a runtime with another
// node:wasi, in the directory that compat/suite.mjs sets in WASI_RS_ANSWERS.

const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');

const { meta } = require('ava');

/** Whether node:wasi is Node's. */
const ON_NODE = !process.versions.bun && !process.versions.deno;

const directory = process.env.WASI_RS_ANSWERS;
/** How many results each test has used so far. */
const counts = new Map();
let kept;

function file() {
  return path.join(directory, `${path.basename(meta.file)}.jsonl`);
}

function nextKey(t) {
  const count = (counts.get(t.title) ?? 0) + 1;
  counts.set(t.title, count);
  return `${count} ${t.title}`;
}

/**
 * A result as text that is the same in two runs and on all engines, without the names of
 * temporary directories, and without stacks.
 */
function textOf({ own: _, stackHeader: __, ...answer }) {
  const text = inspect(answer, { depth: Infinity, sorted: true });
  return text.replaceAll(/wasi-rs-test-\w{6}/g, 'wasi-rs-test');
}

/** Records a result of Node's, if results are recorded. */
function keepAnswer(t, answer) {
  if (directory === undefined) return;
  const line = JSON.stringify([nextKey(t), textOf(answer)]);
  fs.appendFileSync(file(), `${line}\n`);
}

/** Asserts that a result is the one that was recorded on Node. */
function sameAsKept(t, answer, message) {
  kept ??= new Map(
    fs
      .readFileSync(file(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  t.is(textOf(answer), kept.get(nextKey(t)), message);
}

module.exports = { ON_NODE, keepAnswer, sameAsKept };
