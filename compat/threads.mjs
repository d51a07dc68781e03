// Bundles a project with rspack in WebAssembly, whose threads share one memory, as
// often as one likes: `node compat/threads.mjs --times 200`. First under node:wasi,
// then under wasi-rs; prints for each how many bundles were right, and what came of
// the others.

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runInThisContext } from 'node:vm';

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '200' },
    modules: { type: 'string', default: '200' },
    // What a child is started with.
    project: { type: 'string' },
  },
});
const times = Number(values.times);
const modules = Number(values.modules);

/** A project of so many modules that import each other, and its sum. */
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

/** Bundles the project once; what is wrong with that, or nothing. */
function bundle(rspack, context, output) {
  return new Promise((resolve) => {
    const compiler = rspack({
      context,
      entry: './src/index.js',
      mode: 'production',
      output: { path: output },
    });
    compiler.run((error, stats) => {
      const problem = error
        ? String(error.message ?? error)
        : stats.hasErrors() && stats.toString({ all: false, errors: true });
      compiler.close(() => resolve(problem || ''));
    });
  });
}

async function bundleAll(project) {
  const { rspack } = require('@rspack/core');
  const wrong = {};
  let right = 0;
  for (let i = 0; i < times; i++) {
    const output = join(project, `dist${i}`);
    let problem = await bundle(rspack, project, output);
    if (problem === '') {
      globalThis.sum = undefined;
      runInThisContext(readFileSync(join(output, 'main.js'), 'utf8'));
      const expected = (modules * (modules - 1)) / 2;
      if (globalThis.sum !== expected) problem = `sum ${globalThis.sum}`;
    }
    rmSync(output, { recursive: true, force: true });
    if (problem === '') right++;
    else {
      const line = problem.split('\n').find((each) => each.trim() !== '');
      wrong[line] = (wrong[line] ?? 0) + 1;
    }
  }
  console.log(JSON.stringify({ right, wrong }));
  // Bindings with threads keep the process alive.
  process.exit(0);
}

function runUnder(name, flags) {
  const project = mkdtempSync(join(tmpdir(), 'wasi-rs-compat-'));
  writeProject(project);
  const start = Date.now();
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--no-warnings',
      ...flags,
      fileURLToPath(import.meta.url),
      `--times=${times}`,
      `--modules=${modules}`,
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
  const last = stdout.trim().split('\n').at(-1);
  const ended =
    status === 0 ? last : `ended with ${status ?? signal}: ${stderr.trim()}`;
  console.log(`${name}: ${ended} (${times} times, ${seconds} s)`);
}

if (values.project !== undefined) await bundleAll(values.project);
else {
  runUnder('node:wasi', []);
  runUnder('wasi-rs', [
    '--require',
    fileURLToPath(new URL('../lib/register.js', import.meta.url)),
  ]);
}
