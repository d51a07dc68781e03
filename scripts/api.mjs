// Generates docs/api.md from index.d.ts: `npm run docs:api`.
//
// Each export has a heading, its declaration, and the text of its doc comment. With
// --check nothing is written; it fails if docs/api.md is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { parse as parseComment } from 'comment-parser';
import { parseSync } from 'oxc-parser';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const SOURCE = at('index.d.ts');
const PAGE = at('docs/api.md');

const HEAD = `# API

All exports of \`wasi-rs\` and their types, generated from [index.d.ts](../index.d.ts) by \`npm run docs:api\`. [options.md](options.md) and [runs.md](runs.md) have the options in tables.
`;

const CLASS = 'ClassDeclaration';
const FUNCTION = 'TSDeclareFunction';
const INTERFACE = 'TSInterfaceDeclaration';
const TYPE = 'TSTypeAliasDeclaration';
const VALUE = 'VariableDeclaration';

const SECTIONS = [
  ['Classes', [CLASS]],
  ['Functions and constants', [FUNCTION, VALUE]],
  ['Types', [INTERFACE, TYPE]],
];

/** The titles of tags. */
const TAGS = { returns: 'Returns', see: 'See', throws: 'Throws' };

const text = readFileSync(SOURCE, 'utf8');
const { program, comments, errors } = parseSync(SOURCE, text);
if (errors.length > 0) throw new Error(errors[0].message);

const sourceOf = ({ start, end }) => text.slice(start, end);

/** The parsed doc comment directly before a node. */
function commentOn({ start }) {
  const found = comments.findLast(({ end }) => end <= start);
  if (!found?.value.startsWith('*')) return undefined;
  if (text.slice(found.end, start).trim() !== '') return undefined;
  return parseComment(sourceOf(found), { spacing: 'preserve' })[0];
}

const exported = program.body
  .filter(({ type }) => type === 'ExportNamedDeclaration')
  .map((node) => {
    const { declaration } = node;
    const { id } = declaration.declarations?.[0] ?? declaration;
    return { node, declaration, name: id.name, type: declaration.type };
  });

const names = new Set(exported.map(({ name }) => name));

/** The names of the members of each class, which have their own headings. */
const members = new Map(
  exported
    .filter(({ type }) => type === CLASS)
    .map(({ name, declaration }) => [
      name,
      new Set(declaration.body.body.map(nameOf)),
    ]),
);

function nameOf({ key, kind }) {
  return kind === 'constructor' ? 'constructor' : key ? sourceOf(key) : '';
}

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

/** Makes Markdown links of `{@link Name}`; Name may be a member of the owner. */
function linked(words, owner) {
  return words.replace(/\{@link ([^}]+)\}/g, (_, target) => {
    const [first, member] = target.split('.');
    if (members.get(first)?.has(member)) {
      return `[\`${target}\`](#${anchorOf(target)})`;
    }
    if (members.get(owner)?.has(first)) {
      return `[\`${first}\`](#${anchorOf(`${owner}.${first}`)})`;
    }
    if (names.has(first)) return `[\`${target}\`](#${anchorOf(first)})`;
    return `\`${target}\``;
  });
}

/** Joins wrapped lines: one line for each paragraph or list item. */
function unbroken(words) {
  return words
    .trim()
    .replace(/[ \t]+$/gm, '')
    .replace(/\n(?=\S)(?!- )/g, (lineEnd, offset, all) =>
      all[offset - 1] === '\n' ? lineEnd : ' ',
    )
    .replace(/\n {2,}(?=\S)/g, ' ');
}

/** The text of a tag, in one paragraph. */
function textOf({ tag, type, name, description, optional }, owner) {
  const words = unbroken(
    tag === 'param' ? description : `${name} ${description}`,
  );
  const result = linked(words.trim(), owner);
  if (tag === 'param')
    return `\`${name}\`${optional ? ' (optional)' : ''}: ${result}`;
  return type ? `\`${type}\`: ${result}` : result;
}

/** The source text after a tag, without the stars of the comment. */
function rawOf({ source }) {
  return source
    .map(({ source: line }) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replace(/^@\w+/, '')
    .replace(/\s*\*?\/$/, '')
    .trim();
}

/** The value of a `@default`, as code; or its text, if it is a sentence. */
function defaultOf(tag, owner) {
  const value = unbroken(rawOf(tag));
  return /^(true|false|\S*[^\sa-z]\S*)$/.test(value)
    ? `\`${value}\``
    : linked(value, owner);
}

/** The text of a comment, as paragraphs of Markdown. */
function described(comment, owner) {
  if (comment === undefined) return [];
  const { description, tags } = comment;
  const parts = [linked(unbroken(description), owner)];
  const of = (wanted) => tags.filter(({ tag }) => tag === wanted);
  const params = of('param').map((tag) => `- ${textOf(tag, owner)}`);
  if (params.length > 0) parts.push(params.join('\n'));
  for (const tag of of('default'))
    parts.push(`Default: ${defaultOf(tag, owner)}`);
  for (const [tag, title] of Object.entries(TAGS)) {
    const found = of(tag).map((each) => textOf(each, owner));
    if (found.length === 1) parts.push(`${title} ${found[0]}`);
    if (found.length > 1) {
      parts.push(`${title}`, found.map((each) => `- ${each}`).join('\n'));
    }
  }
  for (const tag of of('example')) {
    parts.push(`\`\`\`javascript\n${rawOf(tag)}\n\`\`\``);
  }
  return parts.filter((part) => part !== '');
}

const code = (lines) => `\`\`\`ts\n${lines}\n\`\`\``;

/** A declaration without comments and `export`. */
function bare({ start, end }) {
  let result = '';
  let from = start;
  for (const comment of comments) {
    if (comment.start < start || comment.end > end) continue;
    result += text.slice(from, comment.start);
    from = comment.end;
  }
  return (result + text.slice(from, end))
    .replace(/^[ \t]*\n/gm, '')
    .replace(/^export /, '')
    .trim();
}

/** A class, with a heading for each member. Overloads share one. */
function classLines({ name, declaration, node }) {
  const body = declaration.body.body;
  const parts = [`### ${name}`, ...described(commentOn(node), name)];
  const seen = new Set();
  for (const member of body) {
    const memberName = nameOf(member);
    if (member.accessibility === 'private' || seen.has(memberName)) continue;
    seen.add(memberName);
    const all = body.filter((each) => nameOf(each) === memberName);
    const isComputed = memberName.startsWith('Symbol');
    const title =
      memberName === 'constructor'
        ? `new ${name}`
        : isComputed
          ? `${name}[${memberName}]`
          : `${name}.${memberName}`;
    parts.push(
      `#### ${title}`,
      code(all.map(bare).join('\n')),
      ...described(commentOn(member), name),
    );
  }
  return parts;
}

/** The properties of an interface, as list items. */
function propertyLines(body, owner) {
  return body.flatMap((member) => {
    const comment = commentOn(member);
    if (comment === undefined) return [];
    const [first, ...rest] = described(comment, owner);
    const parts = [`\`${nameOf(member)}\`: ${first ?? ''}`, ...rest];
    return [
      parts
        .join('\n\n')
        .split('\n')
        .map((line, index) => line && (index ? '  ' : '- ') + line)
        .join('\n'),
    ];
  });
}

function typeLines({ name, declaration, node, type }) {
  const properties =
    type === INTERFACE ? propertyLines(declaration.body.body, name) : [];
  return [
    `### ${name}`,
    code(bare(declaration)),
    ...described(commentOn(node), name),
    ...(properties.length > 0 ? [properties.join('\n\n')] : []),
  ];
}

/** A function or constant. One of several overloads has the doc comment. */
function otherLines({ name, type }) {
  const all = exported.filter(
    (each) => each.name === name && each.type === type,
  );
  const { node } = all.find((each) => commentOn(each.node)) ?? all[0];
  return [
    `### ${name}`,
    code(all.map(({ declaration }) => bare(declaration)).join('\n')),
    ...described(commentOn(node), name),
  ];
}

function linesOf(each) {
  if (each.type === CLASS) return classLines(each);
  if (each.type === INTERFACE || each.type === TYPE) return typeLines(each);
  return otherLines(each);
}

function makePage() {
  const parts = [HEAD.trim()];
  for (const [title, types] of SECTIONS) {
    const wanted = exported.filter(
      ({ type, name, declaration }, index) =>
        types.includes(type) &&
        // An empty interface beside a class only adds base types to that class.
        !(
          type === INTERFACE &&
          members.has(name) &&
          declaration.body.body.length === 0
        ) &&
        exported.findIndex(
          (each) => each.name === name && each.type === type,
        ) === index,
    );
    const list = wanted.map(({ name }) => `[\`${name}\`](#${anchorOf(name)})`);
    parts.push(`## ${title}`, list.join(', '), ...wanted.flatMap(linesOf));
  }
  return `${parts.join('\n\n')}\n`;
}

const page = makePage();
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error('docs/api.md is out of date; run: npm run docs:api');
  process.exitCode = 1;
}
