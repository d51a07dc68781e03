// Pipes between a program and others that take their time. Those are shells,
// since all that waits in this process waits for the program.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { startWasi } from './commands.mjs';

/** Writes its arguments, and pauses before each. */
const WRITER =
  'exec >"$0"; for piece; do sleep 0.1; printf "%s" "$piece"; done';
/** Reads 40 KiB at a time, and pauses before each; then the rest at once. */
const READER =
  'exec <"$0"; for _ in 1 2 3 4 5; do sleep 0.1; dd bs=4096 count=10; done; cat';

/** Some lines come in pieces, some together. */
const PIECES = ['al', 'pha\n', 'beta\ngam', '', 'ma\n\ndel', 'ta\n'];
const COUNT = 100_000;

/** Results are printed, and a runtime may exit before it has printed much. */
const summary = (text) => ({
  characters: text.length,
  hash: createHash('sha256').update(text).digest('hex'),
});

/** Starts a shell beside this process; resolves when it has ended. */
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

/** What the programs must do, of which each is in another language. */
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
 * What a case exports for a program that numbers lines in capitals, or prints
 * lines of its own if it is told how many. `start` takes the program's arguments
 * and its three descriptors, and resolves to its exit code.
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

/** The same for a module that is started in this process. */
export const pipesForWasi = (file, args = []) =>
  pipesFor((more, stdio) => startWasi(file, [...args, ...more], stdio));
