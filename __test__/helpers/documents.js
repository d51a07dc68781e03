'use strict';

// The documents of the project, and the blocks of code in them.
//
// The language of a block says how it is tested:
//
//   js          a program, which is run: its first line may give it a name
//   sh          commands, which are run by a shell, in a project with the package
//   text        the output of the block before it
//   json        the content of a file, named by a comment, that the block before it writes
//   javascript  a program that is not run, as it needs another package or a server
//   bash        commands that are not run, likewise
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
 * The code blocks of a document, each with its heading.
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

/** Blocks that are run, each with its expected output and files. */
function programsOf(document) {
  const programs = [];
  // The program to which the next block belongs, if it follows directly.
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

/** A document without its code blocks. */
function proseOf(document) {
  return read(document).replace(/^```[^]*?^```$/gm, '');
}

/** The file name in the first line of a program, or a default. */
function nameOf({ code }) {
  const [, name] = /^\/\/ (\S+)\n/.exec(code) ?? [];
  return name ?? (/^import /m.test(code) ? 'main.mjs' : 'main.cjs');
}

module.exports = { DOCUMENTS, blocksOf, nameOf, programsOf, proseOf, read };
