// Counts the system calls and userspace instructions of each call, which do not depend on
// the load of the machine. `calls.rs` makes the calls of a case without JavaScript.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COUNTS = fileURLToPath(new URL('counts.json', import.meta.url));

/** The factor by which instructions may grow, as compilers differ from release to release. */
const TOLERANCE = 1.1;

const run = (command, args) =>
  execFileSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

function build() {
  const lines = run('cargo', [
    'build',
    '--release',
    '--example',
    'calls',
    '--message-format=json',
  ]);
  const artifacts = lines
    .split('\n')
    .filter((line) => line.includes('"executable":"'));
  return JSON.parse(artifacts.at(-1)).executable;
}

/** The count for one call: the difference between n and 2n calls, divided by n. */
function perCall(count, times) {
  const [once, twice] = [times, 2 * times].map(count);
  return (twice - once) / times;
}

function systemCalls(program, name) {
  const summary = path.join(os.tmpdir(), `wasi-rs-strace-${process.pid}`);
  const count = (times) => {
    run('strace', ['-f', '-c', '-o', summary, program, name, String(times)]);
    const total = fs.readFileSync(summary, 'utf8').trimEnd().split('\n').at(-1);
    return Number(total.trim().split(/\s+/)[3] ?? NaN);
  };
  try {
    return Math.round(perCall(count, 200) * 100) / 100;
  } finally {
    fs.rmSync(summary, { force: true });
  }
}

/** Valgrind has no openat2, so the fallback would be counted, and no vDSO. */
const NOT_UNDER_VALGRIND = new Set([
  'clock_time_get',
  'path_filestat_get_3',
  'path_open_1',
  'path_open_3',
  'poll_oneoff',
]);

function instructions(program, name) {
  if (NOT_UNDER_VALGRIND.has(name)) return null;
  const report = path.join(os.tmpdir(), `wasi-rs-callgrind-${process.pid}`);
  const count = (times) => {
    const option = `--callgrind-out-file=${report}`;
    run('valgrind', ['--tool=callgrind', option, program, name, `${times}`]);
    const text = fs.readFileSync(report, 'utf8');
    return Number(/^(?:summary|totals): (\d+)/m.exec(text)[1]);
  };
  try {
    return Math.round(perCall(count, 1000));
  } finally {
    fs.rmSync(report, { force: true });
  }
}

/**
 * Compares the counts with counts.json, or writes it.
 *
 * @returns {number} the exit code: 1 if a count has grown
 */
export function check({ write = false }) {
  const program = build();
  const names = run(program, []).trim().split('\n');
  const counts = Object.fromEntries(
    names.map((name) => [
      name,
      {
        systemCalls: systemCalls(program, name),
        instructions: instructions(program, name),
      },
    ]),
  );
  if (write) {
    fs.writeFileSync(COUNTS, `${JSON.stringify(counts, null, 2)}\n`);
    return 0;
  }
  const committed = JSON.parse(fs.readFileSync(COUNTS, 'utf8'));
  let failed = 0;
  for (const [name, found] of Object.entries(counts)) {
    const known = committed[name];
    const worse =
      !known ||
      found.systemCalls > known.systemCalls ||
      found.instructions > known.instructions * TOLERANCE;
    failed += worse;
    console.log(
      `${worse ? 'FAIL' : 'pass'} ${name}: ${found.systemCalls} system calls (${known?.systemCalls}), ${found.instructions ?? '-'} instructions (${known?.instructions ?? '-'})`,
    );
  }
  console.log(`${names.length - failed} passed, ${failed} failed`);
  return failed ? 1 : 0;
}
