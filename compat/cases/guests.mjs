// Small guests that every runtime must run: arguments, files, standard streams, exit codes
// and exceptions, and the errors of the class.

import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packages = ['wasi-rs'];
export const does =
  'guests with files, streams, exit codes, exceptions; refusals';
/** Imports the class from wasi-rs. */
export const direct = true;

const { WASI } = createRequire(import.meta.url)('../../index.js');
const GUESTS = fileURLToPath(
  new URL('../../__test__/guests/', import.meta.url),
);

async function start(name, options) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const { instance } = await WebAssembly.instantiate(
    readFileSync(join(GUESTS, `${name}.wasm`)),
    wasi.getImportObject(),
  );
  return wasi.start(instance);
}

function refusal(options) {
  try {
    return new WASI(options);
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
}

const CHECKS = {
  async 'arguments and environment'(directory) {
    const file = join(directory, 'stdout');
    const stdout = openSync(file, 'w');
    const args = ['args_env', 'ü', 'two words'];
    assert.equal(await start('args_env', { args, env: { A: 'b' }, stdout }), 0);
    const printed = 'arg 0: args_env\narg 1: ü\narg 2: two words\nenv 0: A=b\n';
    assert.equal(readFileSync(file, 'utf8'), printed);
  },
  async 'standard input to standard output'(directory) {
    writeFileSync(join(directory, 'input'), 'x'.repeat(200_000));
    const stdin = openSync(join(directory, 'input'), 'r');
    const stdout = openSync(join(directory, 'copy'), 'w');
    assert.equal(await start('cat', { args: ['cat'], stdin, stdout }), 0);
    assert.equal(readFileSync(join(directory, 'copy'), 'utf8').length, 200_000);
  },
  async files(directory) {
    const stdout = openSync(join(directory, 'log'), 'w');
    const operations =
      'mkdir /d , create /d/a , write /d/a text , append /d/a ed , symlink a /d/l , read /d/l , rename /d/a /d/b , ls /d , stat /d/b , read ../out';
    const args = ['files', ...operations.split(' ')];
    const preopens = { '/': mkdtempSync(join(directory, 'root')) };
    assert.equal(await start('files', { args, preopens, stdout }), 1);
    const printed = readFileSync(join(directory, 'log'), 'utf8');
    assert.match(printed, /read \/d\/l: texted\n/);
    assert.match(printed, /ls \/d: b l@\n/);
    assert.match(printed, /stat \/d\/b: type=file size=6 nlink=1\n/);
    assert.match(printed, /read \.\.\/out: errno 44\n$/);
  },
  async 'exit codes'() {
    for (const code of [0, 1, 42, 255]) {
      assert.equal(await start('exit', { args: ['exit', `${code}`] }), code);
    }
  },
  async 'an exit that the guest tries to catch'() {
    assert.equal(await start('exit_caught', {}), 7);
  },
  async 'a trap is an exception'() {
    await assert.rejects(start('trap', {}), WebAssembly.RuntimeError);
  },
  async refusals() {
    assert.equal(refusal({}).code, 'ERR_INVALID_ARG_TYPE');
    assert.equal(refusal({ version: 'x' }).code, 'ERR_INVALID_ARG_VALUE');
    const preopens = { '/': '/does/not/exist' };
    assert.deepEqual(refusal({ version: 'preview1', preopens }), {
      name: 'Error',
      code: 'UVWASI_ENOENT',
      message: 'UVWASI_ENOENT, uvwasi_init',
    });
  },
};

export async function run(directory) {
  const outcomes = {};
  for (const [name, check] of Object.entries(CHECKS)) {
    outcomes[name] = await check(directory).then(
      () => 'ok',
      (error) => error.message,
    );
  }
  return outcomes;
}
