'use strict';

// Completion scripts for shells, made from the table of options. FILE.wasm and all that
// follows it are completed as files.

const { LIMITS } = require('../limits');
const { capabilityNames } = require('../names');
const { OPTIONS } = require('./arguments');

const NAME = 'wasi-rs';

/** The lists of words that are named in the table of options. */
const WORDS = {
  __proto__: null,
  capabilities: () => capabilityNames(),
  limits: () => Object.keys(LIMITS),
};

/** The words of a value; undefined for a path, and for a value without completion. */
function wordsOf({ value }) {
  return Array.isArray(value) ? value : WORDS[value]?.();
}

const all = () =>
  Object.entries(OPTIONS).map(([name, option]) => ({
    name,
    flag: `--${name}`,
    short: option.short && `-${option.short}`,
    takesValue: option.type === 'string',
    mayHaveValue: option.mayHaveValue === true,
    isPath: ['file', 'directory'].includes(option.value),
    isDirectory: option.value === 'directory',
    words: wordsOf(option),
  }));

const flagsOf = (options) =>
  options.flatMap(({ flag, short }) => [flag, ...(short ? [short] : [])]);

function bash() {
  const options = all();
  const valued = options.filter(({ takesValue }) => takesValue);
  const cases = valued.map(({ flag, words, isDirectory, isPath }) => {
    let reply = 'COMPREPLY=()';
    if (words)
      reply = `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur"))`;
    else if (isDirectory) reply = 'COMPREPLY=($(compgen -d -- "$cur"))';
    else if (isPath) reply = 'COMPREPLY=($(compgen -f -- "$cur"))';
    return `    ${flag}) ${reply}; return ;;`;
  });
  return `_wasi_rs() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
    ${valued.map(({ flag }) => flag).join('|')}) ((i++)) ;;
    -*) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    esac
  done
  case $prev in
${cases.join('\n')}
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W '${flagsOf(options).join(' ')}' -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -F _wasi_rs ${NAME}
`;
}

const zshValue = ({ name, words, isDirectory, isPath }) => {
  // In the specification of an option a colon ends a part.
  if (words)
    return `:${name}:(${words.map((word) => word.replace(/:/g, '\\:')).join(' ')})`;
  if (isDirectory) return `:${name}:_files -/`;
  return isPath ? `:${name}:_files` : `:${name}: `;
};

function zsh() {
  const specs = all().flatMap((option) => {
    const { flag, short, takesValue, mayHaveValue } = option;
    const names = [flag, ...(short ? [short] : [])];
    return names.map((name) => {
      if (takesValue) return `  '*${name}=${zshValue(option)}' \\`;
      return mayHaveValue
        ? `  '*${name}=-:${zshValue(option)}' \\`
        : `  '*${name}' \\`;
    });
  });
  return `#compdef ${NAME}
_arguments -S -A '-*' \\
${specs.join('\n')}
  '1:program:_files' \\
  '*:argument:_files'
`;
}

function fish() {
  const lines = all().map(({ name, short, takesValue, words, isPath }) => {
    const parts = [`complete -c ${NAME} -l ${name}`];
    if (short) parts.push(`-s ${short.slice(1)}`);
    if (words) parts.push(`${takesValue ? '-x ' : ''}-a '${words.join(' ')}'`);
    else if (takesValue) parts.push(isPath ? '-r' : '-x');
    // Without -r or -x the words are arguments of the command itself.
    return words && !takesValue
      ? parts.slice(0, -1).join(' ')
      : parts.join(' ');
  });
  return `${lines.join('\n')}\n`;
}

const SCRIPTS = { __proto__: null, bash, zsh, fish };

/** @param {'bash' | 'zsh' | 'fish'} shell */
function completionsFor(shell) {
  return SCRIPTS[shell]();
}

module.exports = { completionsFor };
