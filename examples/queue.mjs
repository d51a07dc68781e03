// A worker of a job queue that runs untrusted jobs, each with limits. The queue is
// BullMQ's, in Redis: as many of these processes as one likes, on as many machines, take
// jobs from it. A job that is ended is retried, and fails for good when it has been
// ended often enough; one whose worker dies is given to another.
//
//   node examples/queue.mjs             starts a Redis of its own (redis-server)
//   REDIS_URL=redis://… node examples/queue.mjs

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { Pool } from 'wasi-rs';

const NAME = 'guests';

/** What a job may name: it brings its input, and no program. */
const PROGRAMS = {
  csv2json: fileURLToPath(new URL('csv2json.wasm', import.meta.url)),
  // (module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))
  endless: Buffer.from(
    'AGFzbQEAAAABBAFgAAADAgEABQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAAKCQEHAANADAALCw==',
    'base64',
  ),
};

/** A Redis that listens on a socket in a directory of its own; it ends with `end()`. */
async function startRedis() {
  const directory = mkdtempSync(join(tmpdir(), 'queue-'));
  const path = join(directory, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', path, '--save', ''];
  const server = spawn('redis-server', [...options, '--dir', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  const ready = new Promise((resolve) => {
    server.stdout.on('data', (log) => {
      if (/ready to accept connections/i.test(log)) resolve();
    });
  });
  const remove = () => rmSync(directory, { recursive: true });
  try {
    const ended = exited.then(([code]) => `it ended with ${code}`);
    const reason = await Promise.race([ready, ended]);
    if (reason !== undefined) throw new Error(reason);
  } catch (cause) {
    remove();
    throw new Error('no redis-server, and no REDIS_URL of one', { cause });
  }
  const end = async () => {
    server.kill();
    await exited;
    remove();
  };
  return { connection: { path }, end };
}

/** What a worker does with a job: runs it in the pool, and tells the queue how it ended. */
function runsIn(pool) {
  return async ({ data: { program, args, input } }, token, signal) => {
    const { ok, reason, stdout, stderr } = await pool.run(PROGRAMS[program], {
      args,
      input,
      encoding: 'utf8',
      timeout: 300,
      maxMemory: 64 << 20,
      maxBuffer: 1 << 20,
      check: false,
      signal,
    });
    if (ok) return stdout;
    // What the guest itself says is wrong will be wrong the next time.
    if (reason === 'exit') throw new UnrecoverableError(stderr.trim());
    throw new Error(reason);
  };
}

const JOBS = [
  { program: 'csv2json', args: ['--lines'], input: 'tea,price\nSencha,12\n' },
  { program: 'csv2json', args: [], input: '"tea' },
  { program: 'endless' },
];

const { connection, end } = process.env.REDIS_URL
  ? { connection: { url: process.env.REDIS_URL }, end() {} }
  : await startRedis();
const queue = new Queue(NAME, {
  connection,
  defaultJobOptions: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 100 },
  },
});
const events = new QueueEvents(NAME, { connection });
const pool = new Pool({ size: 2 });
const worker = new Worker(NAME, runsIn(pool), { connection, concurrency: 4 });

await events.waitUntilReady();
for (const job of JOBS) {
  const added = await queue.add(job.program, job);
  const result = await added
    .waitUntilFinished(events)
    .then((stdout) => stdout.trim())
    .catch((error) => error.message);
  const { attemptsMade } = await queue.getJob(added.id);
  console.log(`${job.program}, tried ${attemptsMade}: ${result}`);
}

await worker.close();
await pool.close();
await events.close();
await queue.obliterate({ force: true });
await queue.close();
await end();
