'use strict';

// What node:wasi answers on Node, kept for the same tests on a runtime that has
// another node:wasi. compat/suite.mjs says where, in WASI_RS_ANSWERS.

const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');

const { meta } = require('ava');

/** Whether node:wasi is Node's. */
const ON_NODE = !process.versions.bun && !process.versions.deno;

const directory = process.env.WASI_RS_ANSWERS;
/** How many answers each test has asked for so far. */
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
 * An answer as text that is the same in two runs and on all engines: scratch
 * directories have new names, and each engine has its own of a stack.
 */
function textOf({ own: _, stackHeader: __, ...answer }) {
  const text = inspect(answer, { depth: Infinity, sorted: true });
  return text.replaceAll(/wasi-rs-test-\w{6}/g, 'wasi-rs-test');
}

/** Keeps what Node answered, where that is wanted. */
function keepAnswer(t, answer) {
  if (directory === undefined) return;
  const line = JSON.stringify([nextKey(t), textOf(answer)]);
  fs.appendFileSync(file(), `${line}\n`);
}

/** Asserts that an answer is the one that Node gave to the same question. */
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
