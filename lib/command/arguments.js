'use strict';

const { resolve } = require('node:path');
const { parseArgs } = require('node:util');

const { CommandError } = require('./error');

// Most command lines set no limit, and have no mistake.
const knownLimits = () => require('../limits').LIMITS;
const rareValues = () => require('./values');

/** Those that completions are made for. */
const SHELLS = ['bash', 'zsh', 'fish'];

const DIRECTORY = 'directory';
const FILE = 'file';

/** Here every unknown name is refused, so that a short one can be near, too. */
function nearestOption(name) {
  const { nearestOf } = require('../nearest');
  return nearestOf(Object.keys(OPTIONS), 1)(name);
}

/** Splits at the first `separator`; the second part is undefined without one. */
function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at === -1
    ? [text]
    : [text.slice(0, at), text.slice(at + separator.length)];
}

function refuse(problem) {
  throw new CommandError(`${problem} (see wasi-rs --help)`);
}

/** Refuses what parseArgs lets pass when it is not strict. */
function checkOption({ name, rawName, value, inlineValue }) {
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
  if (type === 'boolean' && value !== undefined && !mayHaveValue) {
    refuse(`${rawName} takes no value`);
  }
  // What looks like the next option is one; `--dir=-x` still means `-x`.
  if (type === 'string' && (!value || (!inlineValue && value[0] === '-'))) {
    refuse(`${rawName} needs a value`);
  }
}

/** `HOST[::GUEST]`; a guest path names one directory only. */
function addPreopen(preopens, { rawName, value }, readOnly = false) {
  const [path, mappedPath = path] = splitOnce(value, '::');
  if (path === '' || mappedPath === '') {
    refuse(`${rawName} ${value} is not of the form HOST[::GUEST]`);
  }
  putPreopen(preopens, rawName, mappedPath, { path, readOnly });
}

const addReadOnlyPreopen = (preopens, token) =>
  addPreopen(preopens, token, true);

function putPreopen(preopens, rawName, mappedPath, preopen) {
  if (mappedPath in preopens) {
    refuse(`${rawName} gives the guest two directories named ${mappedPath}`);
  }
  preopens[mappedPath] = preopen;
}

const READ_ONLY = ':ro';

/** `SOURCE::GUEST[:ro]`; SOURCE is an archive or a directory. */
function addMount(preopens, { rawName, value }) {
  const [source, target = ''] = splitOnce(value, '::');
  const readOnly = target.endsWith(READ_ONLY);
  const mappedPath = readOnly ? target.slice(0, -READ_ONLY.length) : target;
  if (source === '' || mappedPath === '') {
    refuse(`${rawName} ${value} is not of the form SOURCE::GUEST[:ro]`);
  }
  putPreopen(preopens, rawName, mappedPath, { source, readOnly });
}

/** `DIR::GUEST` */
function addOverlay(preopens, { rawName, value }) {
  const [below, mappedPath] = splitOnce(value, '::');
  if (below === '' || !mappedPath) {
    refuse(`${rawName} ${value} is not of the form DIR::GUEST`);
  }
  putPreopen(preopens, rawName, mappedPath, { below });
}

/** What is in memory, whose changes can be written. */
function isInMemory({ memory, source, below, readOnly }) {
  return (
    memory !== undefined ||
    below !== undefined ||
    (source !== undefined && !readOnly)
  );
}

/** `TAR[::GUEST]`; GUEST may be left out where there is one that it can be. */
function readWriteBack(preopens, { rawName, value }) {
  const [to, given] = splitOnce(value, '::');
  if (to === '' || given === '') {
    refuse(`${rawName} ${value} is not of the form TAR[::GUEST]`);
  }
  const possible = Object.keys(preopens).filter((name) =>
    isInMemory(preopens[name]),
  );
  if (given === undefined && possible.length > 1) {
    refuse(`${rawName} ${value} does not say which: ${possible.join(', ')}`);
  }
  const from = given ?? possible[0];
  if (!possible.includes(from)) {
    refuse(
      given === undefined
        ? `${rawName} ${value} has no directory in memory to write`
        : `${rawName} ${value} names no directory in memory`,
    );
  }
  return { to, from };
}

const UNITS = { __proto__: null, '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `NUMBER[K|M|G]`, in bytes; undefined if it is something else. */
function bytesOf(text) {
  const [, number, unit] = /^([0-9]+)([KMG]?)$/i.exec(text) ?? [];
  const bytes = number * UNITS[unit?.toUpperCase()];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `GUEST[:SIZE]`; SIZE counts bytes, or with a letter behind it 2^10, 2^20, 2^30 of them. */
function addTmpfs(preopens, { rawName, value }) {
  const [mappedPath, size] = splitOnce(value, ':');
  const maxBytes = size === undefined ? undefined : bytesOf(size);
  const isWrong = size !== undefined && maxBytes === undefined;
  if (mappedPath === '' || isWrong) {
    refuse(
      `${rawName} ${value} is not of the form GUEST[:SIZE], with a SIZE such as 64M`,
    );
  }
  putPreopen(preopens, rawName, mappedPath, { memory: { maxBytes } });
}

/** `NUMBER[K|M|G]` */
function readMaxMemory({ rawName, value }) {
  const bytes = bytesOf(value);
  if (bytes === undefined) {
    refuse(`${rawName} ${value} is no SIZE such as 64M`);
  }
  return bytes;
}

/** Milliseconds. */
const TIMES = { __proto__: null, ms: 1, '': 1000, s: 1000, m: 60e3, h: 3600e3 };

/** The most milliseconds that a timer counts to. */
const MAX_TIMEOUT = 2 ** 32 - 1;

/** `NUMBER[ms|s|m|h]`, in milliseconds; undefined for 0, which is no limit, as with timeout(1). */
function readTime({ rawName, value }) {
  const [, number, unit] = /^(\d+|\d*\.\d+)(ms|[smh]?)$/.exec(value) ?? [];
  const time = Math.ceil(number * TIMES[unit]);
  if (!(time >= 0 && time <= MAX_TIMEOUT)) {
    refuse(`${rawName} ${value} is no TIME such as 1.5s, of up to 49 days`);
  }
  return time || undefined;
}

/** `[SCOPE,…]`, which add up; all calls without. */
function readTrace({ rawName, value }, scopes = []) {
  if (value === undefined) return scopes;
  const more = value.split(',');
  if (more.includes('')) refuse(`${rawName} needs names of calls`);
  return [...scopes, ...more];
}

function readShell({ rawName, value }) {
  if (SHELLS.includes(value)) return value;
  return refuse(`${rawName} knows ${SHELLS.join(', ')}, and no ${value}`);
}

function readClock({ rawName, value }) {
  const realtime = rareValues().timeOf(value);
  if (realtime === undefined) {
    refuse(
      `${rawName} ${value} is no time from 1970 to 2554 such as 2030-01-31 or 2030-01-31T12:00:00Z`,
    );
  }
  return { realtime };
}

const MAX_SEED = 2n ** 64n - 1n;

function readSeed({ rawName, value }) {
  const seed = /^(\d+|0x[0-9a-f]+)$/i.test(value) ? BigInt(value) : -1n;
  if (seed < 0n || seed > MAX_SEED) {
    refuse(`${rawName} ${value} is no number from 0 to ${MAX_SEED}`);
  }
  return { seed };
}

/** The most threads that a guest can be allowed. */
const MAX_THREADS = 2 ** 12;

/** `NUMBER` */
function readThreads({ rawName, value }) {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (!(number <= MAX_THREADS)) {
    refuse(
      `${rawName} ${value} is no number of threads, which goes from 0 to ${MAX_THREADS}`,
    );
  }
  return number;
}

/** `NAME[=VALUE]`; a bare NAME that the host does not have stays unset. */
function addVariable(env, { value }) {
  const [name, text = process.env[name]] = splitOnce(value, '=');
  if (name === '') refuse(`--env ${value} is not of the form NAME[=VALUE]`);
  env[name] = text;
}

/** `[HOST:]PORT`, an IPv6 address in brackets; or `unix:PATH`. */
function readListener({ rawName, value }) {
  return (
    rareValues().listenerOf(value) ??
    refuse(`${rawName} ${value} is not of the form [HOST:]PORT or unix:PATH`)
  );
}

/** `NAME=NUMBER`; the last one of a name counts. */
function addLimit(limits, { value }) {
  const [name, text = ''] = splitOnce(value, '=');
  if (!/^\d+$/.test(text)) {
    refuse(`--limit ${value} is not of the form NAME=NUMBER`);
  }
  const known = knownLimits();
  if (!(name in known)) {
    const names = Object.keys(known).join(', ');
    refuse(`--limit knows no ${name || 'such name'}, but ${names}`);
  }
  const [least, most] = known[name];
  const number = Number(text);
  if (number < least || number > most) {
    refuse(`--limit ${name} goes from ${least} to ${most}`);
  }
  limits[name] = number;
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

const text = ({ value }) => value;
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
  clock: { type: 'string', applied: give('clock', readClock) },
  completions: {
    type: 'string',
    value: SHELLS,
    applied: set('completions', readShell),
    stands: true,
  },
  'cpu-time': { type: 'string', applied: set('cpuTime', readTime) },
  devices: { type: 'boolean', applied: give('devices', yes) },
  dir: {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', addPreopen),
  },
  env: { type: 'string', applied: add('env', addVariable) },
  'env-inherit': { type: 'boolean', applied: set('inheritsEnv', yes) },
  help: {
    type: 'boolean',
    short: 'h',
    applied: set('help', yes),
    stands: true,
  },
  invoke: { type: 'string', applied: set('invoke', text) },
  limit: { type: 'string', value: 'limits', applied: add('limits', addLimit) },
  listen: { type: 'string', applied: give('listeners', each(readListener)) },
  'max-memory': { type: 'string', applied: set('maxMemory', readMaxMemory) },
  mount: { type: 'string', value: FILE, applied: add('preopens', addMount) },
  overlay: {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', addOverlay),
  },
  'ro-dir': {
    type: 'string',
    value: DIRECTORY,
    applied: add('preopens', addReadOnlyPreopen),
  },
  seed: { type: 'string', applied: give('random', readSeed) },
  'stub-imports': { type: 'boolean', applied: set('stubsImports', yes) },
  threads: { type: 'string', applied: set('threads', readThreads) },
  tmpfs: { type: 'string', applied: add('preopens', addTmpfs) },
  timeout: { type: 'string', applied: set('timeout', readTime) },
  trace: {
    type: 'boolean',
    mayHaveValue: true,
    value: 'capabilities',
    applied: set('trace', readTrace),
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

/** Refuses to write to one file twice, which would keep the last directory alone. */
function checkPlaces(written) {
  const places = written.map(({ to }) => resolve(to));
  written.forEach(({ to }, index) => {
    if (places.indexOf(places[index]) !== index) {
      refuse(`--write-back writes to ${to} twice`);
    }
  });
  return written;
}

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
    // The directories may come behind.
    writeBack: checkPlaces(
      writeBack.map((token) => readWriteBack(preopens, token)),
    ),
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
