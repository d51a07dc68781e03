'use strict';

const { parseArgs } = require('node:util');

const { refuse } = require('./error');

const DIRECTORY = 'directory';
const FILE = 'file';

/** The shells that completions are made for. */
const SHELLS = ['bash', 'zsh', 'fish'];

// The readers of values are loaded on first use.
const value =
  (name) =>
  (...args) =>
    require('./values')[name](...args);
const directory =
  (name) =>
  (...args) =>
    require('./directories')[name](...args);

/** The option that a name may be a misspelling of; even a short one, as every unknown name is an error. */
function nearestOption(name) {
  const { nearestOf } = require('../nearest');
  return nearestOf(Object.keys(OPTIONS), 1)(name);
}

/** The checks that parseArgs makes only if it is strict. */
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
  // A separate value must not look like an option; `--dir=-x` has the value `-x`.
  if (type !== 'string') return;
  if (!given) refuse(`${rawName} needs a value`);
  if (!inlineValue && given.startsWith('-')) {
    refuse(
      `${rawName} needs a value, and ${given} is an option unless it is written ${rawName}=${given}`,
    );
  }
}

/** Applies an option by setting a property of the command; the last one counts. */
const set = (name, read) => (command, token) => {
  command[name] = read(token, command[name]);
};

/** Applies an option by setting an option of the guest. */
const give = (name, read) => (command, token) => {
  command.options[name] = read(token, command.options[name]);
};

/** Applies an option by adding to an object among the options of the guest. */
const add = (name, addTo) => (command, token) => {
  addTo((command.options[name] ??= { __proto__: null }), token);
};

function readShell({ rawName, value: shell }) {
  if (SHELLS.includes(shell)) return shell;
  return refuse(
    `${rawName} ${shell} is unknown: the shells are ${SHELLS.join(', ')}`,
  );
}

const text = ({ value: whole }) => whole;
const yes = () => true;
const each =
  (read) =>
  (token, values = []) => [...values, read(token)];

/**
 * The options, for `parseArgs()` and with further properties:
 *
 * - `mayHaveValue`: whether a boolean one may have a value
 * - `value`: for completions, the kind of its value: a path, a list of words, or the name
 *   of such a list
 * - `applied`: the function that applies it to a command
 * - `stands`: whether all other arguments are ignored after it, as after `--help`
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

/** Completes a command when all of its options are known. */
function completed({ inheritsEnv, writeBack = [], options, ...command }) {
  const { preopens, devices, listeners, env } = options;
  if (devices && '/dev' in preopens) {
    refuse('--devices gives the guest a second directory named /dev');
  }
  if (listeners !== undefined) env.LISTEN_FDS ??= String(listeners.length);
  // `--env` overrides an inherited variable, before or after `--env-inherit`.
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
 * Options come before FILE.wasm. All arguments after it are the guest's, even if they
 * look like options. `parseArgs()` cannot stop there, but its tokens have the index of
 * each argument.
 *
 * @param {string[]} argv the arguments after the command's name
 * @throws {CommandError}
 */
function readArguments(argv) {
  const { tokens } = parseArgs({
    args: argv,
    options: OPTIONS,
    strict: false,
    tokens: true,
  });
  // Without a prototype, as a name may be `__proto__`.
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
