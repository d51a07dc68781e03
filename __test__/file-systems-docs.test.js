'use strict';

// The programs in docs/file-systems.md, run as they stand, each in a project that
// has the package installed and the examples. What one prints is the text block
// behind it. Blocks of `javascript` take what a project does not have by that:
// packages of others, directories of a host.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { ROOT, node } = require('./helpers/child');
const { scratch } = require('./helpers/guest');

const TEXT = fs.readFileSync(path.join(ROOT, 'docs/file-systems.md'), 'utf8');
const BLOCK =
  /^(?:#+ (?<heading>.+)|```(?<language>\w+)\n(?<code>[^]*?)^```)$/gm;

/** The programs, each with what it should print. */
function readPrograms() {
  const programs = [];
  let section;
  for (const { groups } of TEXT.matchAll(BLOCK)) {
    const { heading, language, code } = groups;
    if (heading) section = heading;
    else if (language === 'js') programs.push({ section, code, stdout: '' });
    else if (language === 'text') programs.at(-1).stdout = code;
  }
  return programs;
}

for (const [index, { section, code, stdout }] of readPrograms().entries()) {
  test(`${index + 1}: ${section}`, (t) => {
    const project = scratch(t);
    const file = (name) => path.join(project, name);
    fs.mkdirSync(file('node_modules'));
    fs.symlinkSync(ROOT, file('node_modules/wasi-rs'), 'junction');
    fs.cpSync(path.join(ROOT, 'examples'), file('examples'), {
      recursive: true,
    });
    const program = /^import /m.test(code) ? 'main.mjs' : 'main.cjs';
    fs.writeFileSync(file(program), code);
    t.deepEqual(node(['--no-warnings', program], { cwd: project }), {
      exitCode: 0,
      stdout,
      stderr: '',
    });
  });
}
