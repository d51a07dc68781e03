'use strict';

const { parseArgs } = require('node:util');

const { refuse } = require('./error');

const DIRECTORY = 'directory';
const FILE = 'file';

/** Those that completions are made for. */
const SHELLS = ['bash', 'zsh', 'fish'];

// What reads values is loaded for the command lines that have some.
const value =
  (name) =>
  (...args) =>
    require('./values')[name](...args);
const directory =
  (name) =>
  (...args) =>
    require('./directories')[name](...args);

/** Here every unknown name is refused, so that a short one can be near, too. */
function nearestOption(name) {
  const { nearestOf } = require('../nearest');
  return nearestOf(Object.keys(OPTIONS), 1)(name);
}

/** Refuses what parseArgs lets pass when it is not strict. */
function checkOption({ name, rawName, value: given, inlineValue }) {
  const { type, short, mayHaveValue } = Object.hasOwn(OPTIONS, name)
    ? OPTIONS[name]
    : {};
  const isRight = rawName === `--${name}` || rawName === `-${short}`;
  if (type === undefined || !isRight) {
    const nearest = nearestOption(name);
    refuse(
      nearest === undefined
        ? `unknown option ${rawName}`
        : `unknown option ${rawName}, did you mean --${nearest}?`,
    );
  }
  if (type === 'boolean' && given !== undefined && !mayHaveValue) {
    refuse(`${rawName} takes no value`);
  }
  // What looks like the next option is one; `--dir=-x` still means `-x`.
  if (type !== 'string') return;
  if (!given) refuse(`${rawName} needs a value`);
  if (!inlineValue && given.startsWith('-')) {
    refuse(
      `${rawName} needs a value, and ${given} is an option unless it is written ${rawName}=${given}`,
    );
  }
}

/** What makes a value of an option part of the command; the last one counts. */
const set = (name, read) => (command, token) => {
  command[name] = read(token, command[name]);
};

/** The same for what the guest is given. */
const give = (name, read) => (command, token) => {
  command.options[name] = read(token, command.options[name]);
};

/** What adds to something that the guest is given. */
const add = (name, addTo) => (command, token) => {
  addTo((command.options[name] ??= { __proto__: null }), token);
};

function readShell({ rawName, value: shell }) {
  if (SHELLS.includes(shell)) return shell;
  return refuse(`${rawName} knows ${SHELLS.join(', ')}, and no ${shell}`);
}

const text = ({ value: whole }) => whole;
const yes = () => true;
const each =
  (read) =>
  (token, values = []) => [...values, read(token)];

/**
 * The options. Beside what `parseArgs()` knows: whether one `mayHaveValue`; what its
 * value is, for completions: a path, one of some words, or what these are called; and
 * how it is `applied` to a command. One that `stands` alone is all of the command.
 */
const OPTIONS = {
  argv0: { type: 'string', applied: set('argv0', text) },
  capability: {
    type: 'string',
    value: 'capabilities',
    applied: give('capabilities', each(text)),
  },
  clock: { type: 'string', applied: give('clock', value('readClock')) },
  completions: {
    type: 'string',
    value: SHELLS,
    applied: set('completions', readShell),
    stands: true,
  },
  'cpu-time': { type: 'string', applied: set('cpuTime', value('readTime')) },
  devices: { type: 'boolean', applied: give('devices', yes) },
  dir: {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', directory('addPreopen')),
  },
  env: { type: 'string', applied: add('env', value('addVariable')) },
  'env-inherit': { type: 'boolean', applied: set('inheritsEnv', yes) },
  help: {
    type: 'boolean',
    short: 'h',
    applied: set('help', yes),
    stands: true,
  },
  invoke: { type: 'string', applied: set('invoke', text) },
  limit: {
    type: 'string',
    value: 'limits',
    applied: add('limits', value('addLimit')),
  },
  listen: {
    type: 'string',
    applied: give('listeners', each(value('readListener'))),
  },
  'max-memory': {
    type: 'string',
    applied: set('maxMemory', value('readMaxMemory')),
  },
  mount: {
    type: 'string',
    value: FILE,
    applied: add('preopens', directory('addMount')),
  },
  overlay: {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', directory('addOverlay')),
  },
  'ro-dir': {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', directory('addReadOnlyPreopen')),
  },
  seed: { type: 'string', applied: give('random', value('readSeed')) },
  'stub-imports': { type: 'boolean', applied: set('stubsImports', yes) },
  threads: { type: 'string', applied: set('threads', value('readThreads')) },
  tmpfs: { type: 'string', applied: add('preopens', directory('addTmpfs')) },
  timeout: { type: 'string', applied: set('timeout', value('readTime')) },
  trace: {
    type: 'boolean',
    mayHaveValue: true,
    value: 'capabilities',
    applied: set('trace', value('readTrace')),
  },
  'trace-summary': { type: 'boolean', applied: set('hasSummary', yes) },
  version: {
    type: 'boolean',
    short: 'V',
    applied: set('version', yes),
    stands: true,
  },
  'write-back': {
    type: 'string',
    value: FILE,
    applied: set(
      'writeBack',
      each((token) => token),
    ),
  },
};

/** What can be said of a command only when all of its options are known. */
function completed({ inheritsEnv, writeBack = [], options, ...command }) {
  const { preopens, devices, listeners, env } = options;
  if (devices && '/dev' in preopens) {
    refuse('--devices gives the guest a second directory named /dev');
  }
  if (listeners !== undefined) env.LISTEN_FDS ??= String(listeners.length);
  // What is said of a variable holds, wherever it stands.
  if (inheritsEnv) options.env = { ...process.env, ...env };
  return {
    ...command,
    options,
    writeBack:
      writeBack.length === 0
        ? writeBack
        : directory('readWriteBacks')(preopens, writeBack),
  };
}

/**
 * Reads the command line.
 *
 * Options stand before FILE.wasm. What follows it belongs to the guest, even
 * where it looks like an option, so parsing must stop there: parseArgs cannot,
 * but tells where it found what.
 *
 * @param {string[]} argv what follows the command's name
 * @throws {CommandError}
 */
function readArguments(argv) {
  const { tokens } = parseArgs({
    args: argv,
    options: OPTIONS,
    strict: false,
    tokens: true,
  });
  // Without a prototype, so that no name is taken beforehand.
  const preopens = { __proto__: null };
  const env = { __proto__: null };
  const command = { options: { preopens, env } };
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const guestArgs = argv.slice(token.index + 1);
      return completed({ ...command, file: token.value, guestArgs });
    }
    if (token.kind === 'option-terminator') continue;
    checkOption(token);
    const { applied, stands } = OPTIONS[token.name];
    applied(command, token);
    if (stands) return command;
  }
  return refuse('no FILE.wasm given');
}

module.exports = { OPTIONS, readArguments };
