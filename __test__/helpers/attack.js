'use strict';

// For the tests of attacks: a directory with a preopen and files outside of it, and child
// processes in which guests attack it, so that a crash or a hang is a result.

const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { threadId } = require('node:worker_threads');

const { HANGS, ROOT } = require('./child');
const { scratch } = require('./guest');

const SECCOMP = path.join(ROOT, 'tests/seccomp');

/** The content of files outside, which no guest may see. */
const SECRET = 'SECRET';

/**
 * How paths are resolved: by the kernel in one call, or by a walk, if a filter refuses
 * `openat2`: profiles of tests/seccomp.
 */
const RESOLVERS = ['openat2', 'linux-4.4', 'docker-19.03'];

let launcher;

/** The program that filters system calls; `reason` if it is not available. */
function findLauncher() {
  if (process.platform !== 'linux') return { reason: 'openat2 is of Linux' };
  const file = path.join(ROOT, 'target', 'seccomp-launcher');
  const sources = ['launcher.rs', 'filter.rs'].map((name) =>
    path.join(SECCOMP, name),
  );
  const age = (name) => fs.statSync(name, { throwIfNoEntry: false })?.mtimeMs;
  if (!(age(file) > Math.max(...sources.map(age)))) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Several test files may do this at the same time.
    const built = `${file}.${process.pid}.${threadId}`;
    const args = ['--edition', '2024', '-O', '-o', built, sources[0]];
    const { status, stderr } = spawnSync('rustc', args, { encoding: 'utf8' });
    if (status !== 0) return { reason: `rustc: ${stderr ?? 'not installed'}` };
    fs.renameSync(built, file);
  }
  return { file };
}

/**
 * Runs `body` in a child and returns its result. The child has the exports of
 * `attacker.js`, `data`, a time limit and, optionally, limits of the shell's `ulimit`.
 */
async function attack(body, data, options = {}) {
  const { resolver = 'openat2', ulimit, flags = [], limit = HANGS } = options;
  const attacker = JSON.stringify(path.join(__dirname, 'attacker.js'));
  const script = `
    const tools = require(${attacker});
    (async () => (${body})(tools, ${JSON.stringify(data ?? null)}))().then(
      (result) => tools.report({ result }),
      (error) => tools.report({ error: String(error?.stack ?? error) }),
    );`;
  const prefix = [
    ...(ulimit ? ['sh', '-c', `ulimit ${ulimit}; exec "$@"`, 'sh'] : []),
    ...(resolver === 'openat2' ? [] : [launcher.file, resolver]),
  ];
  const node = [process.execPath, ...flags, '--no-warnings', '--expose-gc'];
  const [command, ...args] = [...prefix, ...node, '--eval', script];
  const { exitCode, stdout, stderr } = await run(command, args, limit);
  const [, report] = /^REPORT (.*)$/m.exec(stdout ?? '') ?? [];
  if (exitCode !== 0 || report === undefined) {
    throw new Error(`the child ended with ${exitCode}\n${stdout}\n${stderr}`);
  }
  const { error, result } = JSON.parse(report);
  if (error) throw new Error(error);
  return result;
}

/** Runs a program until it ends, or its timeout. */
function run(command, args, limit) {
  return new Promise((resolve) => {
    const options = {
      cwd: ROOT,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
      timeout: limit,
    };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const exitCode = child.exitCode ?? child.signalCode ?? String(error);
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin.end();
  });
}

/** Runs a test for each way to resolve paths; skips those that are not available. */
function forEachResolver(test, title, body) {
  for (const resolver of RESOLVERS) {
    const name = `${title} (${resolver === 'openat2' ? 'openat2' : `without openat2: ${resolver}`})`;
    if (resolver !== 'openat2') launcher ??= findLauncher();
    if (resolver === 'openat2' || launcher.file) {
      test.serial(name, (t) => body(t, resolver));
    } else {
      test.serial.skip(name, (t) => t.fail(launcher.reason));
    }
  }
}

/** Makes files below a directory: text, `{ link: target }`, or `{ dir: true }`. */
function plant(root, files) {
  for (const [name, what] of Object.entries(files)) {
    const file = path.join(root, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    if (typeof what === 'string') fs.writeFileSync(file, what);
    else if (what.link) fs.symlinkSync(what.link.replace('@', root), file);
    else if (what.hard) fs.linkSync(path.join(root, what.hard), file);
    else fs.mkdirSync(file, { recursive: true });
  }
}

const OUTSIDE = {
  'outside/secret': `${SECRET}\n`.repeat(600),
  [`outside/dir/${SECRET}`]: SECRET,
  'outside/link': { link: SECRET },
  'outside/empty': { dir: true },
};

const INSIDE = {
  'inside/file': 'inside\n',
  'inside/dir/nested': 'nested\n',
  'inside/dir/sub': { dir: true },
};

/** A directory of which a guest gets `inside`; other files can be added. */
function arena(t, files = {}) {
  const root = fs.realpathSync(scratch(t));
  plant(root, { ...OUTSIDE, ...INSIDE, ...files });
  const at = (name) => path.join(root, name);
  return {
    root,
    inside: at('inside'),
    outside: at('outside'),
    at,
    before: tree(at('outside')),
  };
}

/** Asserts that nothing outside has changed since the arena was made. */
function untouched(t, { outside, before }, message) {
  t.deepEqual(tree(outside), before, message);
}

/** Everything that calls could change of the files below a directory. */
function tree(root) {
  const below = fs.readdirSync(root, { recursive: true }).toSorted();
  return [root, ...below].map((name) => {
    const file = path.resolve(root, name);
    const stat = fs.lstatSync(file, { bigint: true });
    const { ino, mode, nlink, size, mtimeNs, ctimeNs } = stat;
    const text = stat.isFile()
      ? fs.readFileSync(file, 'latin1')
      : stat.isSymbolicLink() && fs.readlinkSync(file);
    const numbers = [ino, mode, nlink, size, mtimeNs, ctimeNs].map(String);
    return [file, text, numbers];
  });
}

/** A test for some systems only, with the reason. */
function testOn(test, condition) {
  return condition ? test.serial : test.serial.skip;
}

module.exports = {
  RESOLVERS,
  SECRET,
  arena,
  attack,
  forEachResolver,
  plant,
  testOn,
  tree,
  untouched,
};
