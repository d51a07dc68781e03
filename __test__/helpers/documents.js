'use strict';

// The documents of the project, and the blocks of code in them.
//
// A block has a language, which says what is done with it:
//
//   js          a program, which is run: its first line may give it a name
//   sh          commands, which are run by a shell, in a project with the package
//   text        what the block before it prints
//   json        what the block before it leaves in a file that a comment names
//   javascript  a program that needs what is not here: another package, a server
//   bash        commands that need what is not here
//   c, go, rust, zig, …  part of a source file that a comment names

const fs = require('node:fs');
const path = require('node:path');

const { ROOT } = require('./child');

/** All of them, by their paths from the root. */
const DOCUMENTS = [
  ...fs.readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  'compat/README.md',
  'examples/README.md',
].toSorted();

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

const BLOCK =
  /^(?:#+ (?<heading>.+)|(?:<!-- (?<mark>file|from): (?<name>.+) -->\n\n)?```(?<language>\w*)\n(?<code>[^]*?)^```)$/gm;

/**
 * The blocks of a document, each with the heading that it stands below.
 *
 * @returns {{ section: string, language: string, code: string, file?: string, from?: string }[]}
 */
function blocksOf(document) {
  const blocks = [];
  let section = '';
  for (const { groups } of read(document).matchAll(BLOCK)) {
    const { heading, mark, name, language, code } = groups;
    if (heading !== undefined) section = heading;
    else
      blocks.push({ section, language, code, ...(mark && { [mark]: name }) });
  }
  return blocks;
}

/** Those that are run, each with what it prints and the files that it leaves. */
function programsOf(document) {
  const programs = [];
  // The program that what comes belongs to, if it comes directly behind it.
  let last;
  for (const { file, ...block } of blocksOf(document)) {
    if (block.language === 'js' || block.language === 'sh') {
      last = { ...block, stdout: '', files: {} };
      programs.push(last);
    } else if (last && file) last.files[file] = block.code;
    else if (last && block.language === 'text') last.stdout = block.code;
    else last = undefined;
    if (block.language === 'text') last = undefined;
  }
  return programs;
}

/** A document without its blocks of code. */
function proseOf(document) {
  return read(document).replace(/^```[^]*?^```$/gm, '');
}

/** The name that the first line of a program gives it, or one that fits it. */
function nameOf({ code }) {
  const [, name] = /^\/\/ (\S+)\n/.exec(code) ?? [];
  return name ?? (/^import /m.test(code) ? 'main.mjs' : 'main.cjs');
}

module.exports = { DOCUMENTS, blocksOf, nameOf, programsOf, proseOf, read };
