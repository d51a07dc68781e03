// Tests pipes between a guest and slow processes. Those are shells, as a guest blocks this
// process while it runs.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { startWasi } from './commands.mjs';

/** A script that writes its arguments, with a pause before each. */
const WRITER =
  'exec >"$0"; for piece; do sleep 0.1; printf "%s" "$piece"; done';
/** A script that reads 40 KiB five times, with a pause before each, and then the rest. */
const READER =
  'exec <"$0"; for _ in 1 2 3 4 5; do sleep 0.1; dd bs=4096 count=10; done; cat';

/** Some lines are split over several writes, some share one. */
const PIECES = ['al', 'pha\n', 'beta\ngam', '', 'ma\n\ndel', 'ta\n'];
const COUNT = 100_000;

/** A short form of the output: some runtimes exit before long output is printed. */
const summary = (text) => ({
  characters: text.length,
  hash: createHash('sha256').update(text).digest('hex'),
});

/** Starts a shell; resolves when it has ended. */
function beside(script, args, stdout) {
  const stdio = ['ignore', stdout, 'ignore'];
  const shell = spawn('sh', ['-c', script, ...args], { stdio });
  return new Promise((resolve, reject) => {
    shell.once('error', reject).once('close', resolve);
  });
}

async function between(directory, pieces, start) {
  const folder = mkdtempSync(join(directory, 'pipes-'));
  const [input, output, read, errors] = [
    'input',
    'output',
    'read',
    'errors',
  ].map((name) => join(folder, name));
  const made = spawnSync('mkfifo', [input, output]);
  if (made.error) throw made.error;

  const kept = openSync(read, 'w');
  const others = [
    beside(WRITER, [input, ...pieces], 'ignore'),
    beside(READER, [output], kept),
  ];
  const stdin = openSync(input, 'r');
  const stdout = openSync(output, 'w');
  const stderr = openSync(errors, 'w');
  const code = await start({ stdin, stdout, stderr });
  for (const fd of [stdin, stdout, stderr, kept]) closeSync(fd);
  await Promise.all(others);
  return {
    code,
    read: summary(readFileSync(read, 'utf8')),
    errors: readFileSync(errors, 'utf8'),
  };
}

/** The expected results, the same for the programs in each language. */
function expected() {
  const lines = PIECES.join('').trimEnd().split('\n');
  const numbered = lines.map((line, index) => `${index + 1} ${line}\n`);
  const own = Array.from({ length: COUNT }, (_, index) => `line ${index}\n`);
  return {
    slowWriter: {
      code: 0,
      read: summary(numbered.join('').toUpperCase()),
      errors: `${lines.length} lines\n`,
    },
    slowReader: {
      code: 0,
      read: summary(own.join('')),
      errors: `${COUNT} lines\n`,
    },
  };
}

/**
 * The exports of a case for a program that prints its input lines numbered and in capitals,
 * or, with an argument, so many lines of its own. `start` takes the program's arguments and
 * its three descriptors, and resolves to its exit code.
 */
export const pipesFor = (start) => ({
  expected,
  run: async (directory) => ({
    slowWriter: await between(directory, PIECES, (stdio) => start([], stdio)),
    slowReader: await between(directory, [], (stdio) =>
      start([`${COUNT}`], stdio),
    ),
  }),
});

/** The same for a guest in this process. */
export const pipesForWasi = (file, args = []) =>
  pipesFor((more, stdio) => startWasi(file, [...args, ...more], stdio));
