// Bundles a project many times with bundlers in WebAssembly, whose threads share one
// memory: `node compat/threads.mjs --times 200 --at-once 4`. Runs rspack and rolldown, each
// under node:wasi and under wasi-rs, and prints the number of correct bundles, and the
// errors of the others.

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runInNewContext } from 'node:vm';

import { positive } from '../scripts/positive.mjs';

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '4' },
    modules: { type: 'string', default: '200' },
    bundler: { type: 'string', multiple: true },
    // Only for child processes.
    project: { type: 'string' },
  },
});
const USAGE =
  'node compat/threads.mjs [--times N] [--at-once N] [--modules N] [--bundler NAME]...';
const [times, atOnce, modules] = [
  values.times,
  values['at-once'],
  values.modules,
].map((text) => positive(text, USAGE));

/** Writes a project of `modules` modules, whose entry adds up their exports. */
function writeProject(directory) {
  mkdirSync(join(directory, 'src'));
  const names = Array.from({ length: modules }, (_, i) => `part${i}`);
  for (const [i, name] of names.entries()) {
    const text = `export const ${name} = ${i};\nexport const unused${i} = 'shaken off';\n`;
    writeFileSync(join(directory, `src/${name}.js`), text);
  }
  const imports = names.map(
    (name) => `import { ${name} } from './${name}.js';`,
  );
  const sum = `globalThis.sum = ${names.join(' + ')};`;
  writeFileSync(join(directory, 'src/index.js'), [...imports, sum].join('\n'));
}

/**
 * Loads rspack with its binding for WASI. Its loader prefers a native binary and has no
 * option against that, so the binding is put into the module cache.
 */
function rspackInWasm() {
  const core = createRequire(require.resolve('@rspack/core'));
  const filename = core.resolve('@rspack/binding');
  const exports = require('@rspack/binding-wasm32-wasi');
  require.cache[filename] = { id: filename, filename, loaded: true, exports };
  const { rspack } = require('@rspack/core');
  return (context, output) =>
    new Promise((resolve, reject) => {
      const compiler = rspack({
        context,
        entry: './src/index.js',
        mode: 'production',
        output: { path: output },
      });
      compiler.run((error, stats) => {
        const failed = stats?.hasErrors();
        const problem = failed && stats.toString({ all: false, errors: true });
        compiler.close(() => {
          if (error || failed) reject(error ?? new Error(problem));
          else resolve();
        });
      });
    });
}

async function rolldownInWasm() {
  const { rolldown } = await import('rolldown');
  return async (cwd, output) => {
    const bundle = await rolldown({ cwd, input: 'src/index.js' });
    await bundle.write({
      dir: output,
      minify: true,
      entryFileNames: 'main.js',
    });
    await bundle.close();
  };
}

/** Functions that return one that bundles a project into a directory. */
const BUNDLERS = { rspack: rspackInWasm, rolldown: rolldownInWasm };

/** Bundles the project once; resolves to the error, or an empty string. */
async function problemOf(bundle, project, output) {
  try {
    await bundle(project, output);
    const context = {};
    runInNewContext(readFileSync(join(output, 'main.js'), 'utf8'), context);
    return context.sum === (modules * (modules - 1)) / 2
      ? ''
      : `sum ${context.sum}`;
  } catch (error) {
    const lines = String(error?.message ?? error).split('\n');
    return lines.find((each) => each.trim() !== '') ?? 'an error';
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/** Counts the instances of WASI that this thread makes. */
function countInstances() {
  const wasi = require('node:wasi');
  const counted = { ours: wasi.WASI === require('../index.js').WASI, used: 0 };
  wasi.WASI = class WASI extends wasi.WASI {
    constructor(options) {
      super(options);
      counted.used++;
    }
  };
  syncBuiltinESMExports();
  return counted;
}

async function bundleAll(name, project) {
  const counted = countInstances();
  const bundle = await BUNDLERS[name]();
  const wrong = {};
  let [begun, right] = [0, 0];
  const bundleSome = async () => {
    while (begun < times) {
      const output = join(project, `dist${begun++}`);
      const problem = await problemOf(bundle, project, output);
      if (problem === '') right++;
      else wrong[problem] = (wrong[problem] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, bundleSome));
  console.log(JSON.stringify({ right, wrong, ...counted }));
  // Bindings with threads keep the process alive.
  process.exit(0);
}

function runUnder(wasi, bundler, flags) {
  const project = mkdtempSync(join(tmpdir(), 'wasi-rs-compat-'));
  writeProject(project);
  const start = Date.now();
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--no-warnings',
      ...flags,
      fileURLToPath(import.meta.url),
      ...process.argv.slice(2),
      `--bundler=${bundler}`,
      `--project=${project}`,
    ],
    {
      encoding: 'utf8',
      env: { ...process.env, NAPI_RS_FORCE_WASI: 'error' },
      timeout: 60_000 + 20_000 * times,
    },
  );
  rmSync(project, { recursive: true, force: true });
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  const what = `${bundler} under ${wasi}, ${seconds} s`;
  if (status !== 0) {
    console.log(`${what}: exited with ${status ?? signal}: ${stderr.trim()}`);
    process.exitCode = 1;
    return;
  }
  const { right, wrong, ours, used } = JSON.parse(
    stdout.trim().split('\n').at(-1),
  );
  const isMeant = ours === (wasi === 'wasi-rs') && used > 0;
  if (!isMeant || (ours && right !== times)) process.exitCode = 1;
  console.log(
    isMeant
      ? `${what}: ${right} of ${times} correct ${JSON.stringify(wrong)}`
      : `${what}: did not use ${wasi}`,
  );
}

const REGISTER = fileURLToPath(new URL('../lib/register.js', import.meta.url));
const wanted = values.bundler ?? Object.keys(BUNDLERS);
if (values.project !== undefined) {
  await bundleAll(wanted.at(-1), values.project);
} else {
  for (const bundler of wanted) {
    runUnder('node:wasi', bundler, []);
    runUnder('wasi-rs', bundler, ['--require', REGISTER]);
  }
}
