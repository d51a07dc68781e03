// Bundles a program with each bundler as described in docs/bundlers.md, and runs the bundle
// in an empty folder: `npm run test:bundlers`. Options and commands are read from the page.
//
//   NAME...     only the setups whose names start with NAME, such as `esbuild`
//   --times N   how often each bundle is run; 1 by default
//   --node N    a major version of Node.js, can be repeated; by default the running one
//
// npm installs the bundlers, in the versions of bundlers/package.json.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { nodePath } from '../scripts/nodes.mjs';
import { positive } from '../scripts/positive.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HERE = join(ROOT, 'compat/bundlers');
const PAGE = readFileSync(join(ROOT, 'docs/bundlers.md'), 'utf8');
/** The timeout of a command in milliseconds, so that a hanging guest is a failure. */
const TIMEOUT = 180_000;

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '1' },
    node: { type: 'string', multiple: true },
  },
});
const times = positive(
  flags.times,
  'npm run test:bundlers -- [NAME]... [--times N] [--node N]...',
);

const directory = mkdtempSync(join(tmpdir(), 'wasi-rs-bundlers-'));
const project = join(directory, 'project');
const isWindows = process.platform === 'win32';

/** The output of app.mjs. */
const EXPECTED = {
  class: 'hello\n',
  runSync: 'hello\n',
  cpuTime: 'hello\n',
  run: 'hello\n',
  spawn: 'arg 0: args_env.wasm\narg 1: spawn\n',
  pool: ['a', 'b', 'c']
    .map((arg) => `arg 0: args_env.wasm\narg 1: ${arg}\n`)
    .join(''),
  threads: '6\n',
  threadsSync: '6\n',
  files: 'b',
};

function start(program, args, options) {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIMEOUT,
    ...options,
  });
  if (error) throw error;
  const message = `${program} ${args.join(' ')}\n${stdout}${stderr}`;
  assert.equal(signal ?? status, 0, message);
  return stdout;
}

/** Runs a shell command in the project, with its node_modules/.bin on the PATH. */
function inProject(line) {
  const bin = join(project, 'node_modules/.bin');
  const PATH = [bin, process.env.PATH].join(delimiter);
  start(line, [], {
    cwd: project,
    shell: true,
    env: { ...process.env, PATH },
  });
}

/** Checks that the page names the tested versions. It does not mention webpack-cli. */
function checkVersions() {
  const { devDependencies } = JSON.parse(
    readFileSync(join(HERE, 'package.json'), 'utf8'),
  );
  for (const [name, version] of Object.entries(devDependencies)) {
    if (name === 'webpack-cli') continue;
    assert.ok(PAGE.includes(`${name} ${version}`), `${name} ${version}`);
  }
}

const npm = (args, cwd) =>
  start('npm', [...args, '--ignore-scripts'], { cwd, shell: isWindows });

/**
 * Makes the project: the program, the bundlers, and the packed package, with the binary for
 * this platform.
 */
function prepare() {
  cpSync(HERE, project, { recursive: true });
  const packed = npm(['pack', '--json', '--pack-destination', directory], ROOT);
  const [{ filename }] = Object.values(JSON.parse(packed));
  npm(
    ['install', '--no-audit', '--no-fund', join(directory, filename)],
    project,
  );
}

/** The code in the page's table for a bundler, joined by commas. */
function cell(bundler) {
  const row = new RegExp(`^\\| ${bundler}[^|]*\\| (.+) \\|$`, 'm').exec(PAGE);
  assert.ok(row, `docs/bundlers.md has no row for ${bundler}`);
  const code = Array.from(row[1].matchAll(/`([^`]+)`/g), ([, text]) => text);
  return code.join(', ');
}

/** The commands in the page's code blocks, each joined to one line. */
const commands = Array.from(
  PAGE.matchAll(/^```bash\n([^]*?)^```/gm),
  ([, block]) => block.replaceAll('\\\n', ''),
)
  .join('')
  .split('\n')
  .filter(Boolean);

/** The command of the page that matches; it must be the only one. */
function command(pattern) {
  const found = commands.filter((each) => pattern.test(each));
  assert.equal(found.length, 1, `docs/bundlers.md: ${pattern}`);
  return found[0];
}

function configure(file, config) {
  writeFileSync(join(project, file), config);
}

/** The binary in the installed package. */
function binary() {
  const installed = join(project, 'node_modules/wasi-rs');
  const name = readdirSync(installed).find((file) => file.endsWith('.node'));
  return { name, path: join(installed, name) };
}

/**
 * The setups of the page: `make` bundles to `dist`; `hasPackage` and `hasBinary` tell
 * whether the package or the binary is copied beside it; `environment` has variables for
 * the program.
 */
const SETUPS = {
  'esbuild, beside it': {
    make: () =>
      inProject(
        `esbuild app.mjs --bundle ${cell('esbuild')} --outfile=dist/app.js`,
      ),
    hasPackage: true,
  },
  'webpack, beside it': {
    make() {
      configure(
        'webpack.config.cjs',
        `module.exports = { mode: 'production', entry: './app.mjs',
           output: { path: __dirname + '/dist', filename: 'app.js' }, ${cell('webpack')} };`,
      );
      inProject('webpack --config webpack.config.cjs');
    },
    hasPackage: true,
  },
  'rollup, beside it': {
    make() {
      configure(
        'rollup.config.mjs',
        `export default { input: 'app.mjs', output: { file: 'dist/app.mjs' }, ${cell('rollup')} };`,
      );
      inProject('rollup --config rollup.config.mjs');
    },
    hasPackage: true,
  },
  'vite, beside it': {
    make() {
      configure(
        'vite.config.mjs',
        `export default { build: { ssr: 'app.mjs' }, ${cell('vite')} };`,
      );
      inProject('vite build');
    },
    hasPackage: true,
  },
  'esbuild, all of it': {
    make: () => inProject(command(/^esbuild .*--loader:\.node=copy/)),
  },
  'esbuild, with the binary elsewhere': {
    make: () => inProject(command(/^esbuild .*--external:\*\.node/)),
    hasBinary: true,
    environment() {
      const [, path] = /^WASI_RS_BINARY=(\S+) node dist\/app\.js$/.exec(
        command(/^WASI_RS_BINARY=/),
      );
      return {
        WASI_RS_BINARY: path.replace(/wasi-rs\..+\.node/, binary().name),
      };
    },
  },
};

/** Makes a folder with a bundle, the guests, and only the files that the setup needs. */
function makeFolder(number, { make, hasPackage, hasBinary }) {
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  make();
  const folder = join(directory, `setup-${number}`);
  mkdirSync(join(folder, 'guests'), { recursive: true });
  for (const guest of ['hello', 'args_env', 'threads']) {
    const file = `${guest}.wasm`;
    const source = join(ROOT, '__test__/guests', file);
    cpSync(source, join(folder, 'guests', file));
  }
  cpSync(join(project, 'dist'), join(folder, 'dist'), { recursive: true });
  if (hasPackage) {
    const installed = 'node_modules/wasi-rs';
    cpSync(join(project, installed), join(folder, installed), {
      recursive: true,
    });
  }
  if (hasBinary) cpSync(binary().path, join(folder, binary().name));
  return folder;
}

/** Runs a bundle as often as wanted, and checks its output. */
function tryOut(name, folder, node, { environment }) {
  const { NODE_OPTIONS: _, NODE_PATH: __, ...env } = process.env;
  const files = readdirSync(join(folder, 'dist'));
  const app = files.find((file) => /^app\.m?js$/.test(file));
  for (let time = 0; time < times; time++) {
    const printed = start(node, [join('dist', app)], {
      cwd: folder,
      env: { ...env, ...environment?.() },
    });
    assert.deepEqual(JSON.parse(printed), EXPECTED, name);
  }
}

try {
  checkVersions();
  prepare();
  const nodes = flags.node?.map(nodePath) ?? [process.execPath];
  const isWanted = ([name]) =>
    names.length === 0 || names.some((wanted) => name.startsWith(wanted));
  const wanted = Object.entries(SETUPS).filter(isWanted);
  assert.ok(
    wanted.length > 0,
    `NAME must be one of: ${Object.keys(SETUPS).join('; ')}`,
  );
  for (const [number, [name, setup]] of wanted.entries()) {
    const folder = makeFolder(number, setup);
    for (const node of nodes) {
      tryOut(name, folder, node, setup);
      const version = start(node, ['--version']).trim();
      console.log(`${name}: works on Node ${version}, ${times} times`);
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
