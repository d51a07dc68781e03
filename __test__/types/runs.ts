// Checked by `npm run test:types`, never run: programs that use run(), spawn(),
// runSync() and Pool.

import { createReadStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import {
  type Child,
  Pool,
  run,
  runSync,
  spawn,
  type WASIReason,
  type WASIResult,
  type WASIRunError,
  type WASIRunOptions,
} from 'wasi-rs';

async function runs(): Promise<void> {
  const bytes: WASIResult = await run('app.wasm');
  const buffer: Buffer | null = bytes.stdout;
  console.log(bytes.refused.includes('fd_read'));
  const text: string | null = (await run('app.wasm', { encoding: 'utf8' }))
    .stdout;
  const either: WASIResult<string | Buffer> = await run('app.wasm', {
    encoding: 'utf8' as 'utf8' | 'buffer',
  });
  await run(new URL('file:///app.wasm'), { encoding: null });
  await run(fetch('https://example.org/app.wasm'));
  await run(new Uint8Array(1), { args: ['a'], argv0: 'b', env: { C: '1' } });
  await run(WebAssembly.compile(new Uint8Array(1)));
  await run('app.wasm', { trace: true });
  await run('app.wasm', { trace: process.stderr });
  await run('app.wasm', {
    trace: {
      to: (call) => console.error(String(call), call.args?.fd, call.result),
      calls: ['fs:read', 'fd_prestat'],
      failed: true,
      strings: 64,
    },
  });
  // @ts-expect-error: no such scope
  await run('app.wasm', { trace: { calls: ['filesystem'] } });
  await run('app.wasm', {
    preopens: { '/data': { path: '.', readOnly: true } },
    capabilities: ['stdio'],
    limits: { descriptors: 8 },
    devices: true,
    threads: { max: 4, warm: 1 },
    timeout: 1000,
    maxMemory: 2 ** 26,
    maxBuffer: Infinity,
    check: false,
    signal: AbortSignal.timeout(1000),
    stdin: createReadStream('in.txt'),
    stdout: process.stdout,
    stderr: (chunk) => void chunk.length,
  });
  await run('app.wasm', {
    stdin: new Blob(['a']).stream(),
    stdout: new WritableStream(),
    stderr: async (chunk) => void chunk,
  });
  await run('app.wasm', {
    stdin: (async function* () {
      yield 'a';
    })(),
  });
  const code: number | null = bytes.exitCode;
  const reason: WASIReason = bytes.reason;
  const time: number = bytes.usage.wallTime;
  void [buffer, text, either, code, reason, time, bytes.text().length];
}

function resultOf(error: unknown): WASIResult<string | Buffer> | undefined {
  const failed = error as WASIRunError;
  return failed.code === 'ERR_WASI_RUN' ? failed.result : undefined;
}

const options: WASIRunOptions = { args: [], stdin: 'inherit', stdout: 1 };
void run('app.wasm', options);

const written: string | null = runSync('app.wasm', {
  encoding: 'latin1',
  imports: { env: { log: (value: number) => void value } },
}).stdout;

function children(): void {
  const child = spawn('app.wasm', { args: ['a'] });
  const stdin: Writable = child.stdin;
  const stdout: Readable = child.stdout;
  child.on('exit', (exitCode: number | null, reason: WASIReason) => [
    exitCode,
    reason,
  ]);
  child.once('error', (error: Error) => error.message);
  const killed: boolean = child.kill(new Error('why'));
  const other: Child = spawn('app.wasm', { stdout: 'inherit' });
  const mayBe: Readable | null = other.stdout;
  void [stdin, stdout, killed, mayBe, other.ref().unref()];
}

async function pools(): Promise<void> {
  await using pool = new Pool({ size: 2, idle: Infinity, maxRuns: 10 });
  const text: string = (await pool.run('app.wasm')).text();
  const child: Child = pool.spawn('app.wasm');
  await run('app.wasm', { pool });
  await using over = child;
  void [text, over];
}

// Mistakes that must not compile.
// @ts-expect-error a program is no number
void run(7);
// @ts-expect-error functions cannot follow a guest into its thread
void run('app.wasm', { imports: {} });
// @ts-expect-error no such option
void run('app.wasm', { cwd: '/' });
// @ts-expect-error output of a child is not kept
spawn('app.wasm', { maxBuffer: 1 });
// @ts-expect-error this thread serves no stream while it waits
runSync('app.wasm', { stdout: process.stdout });
// @ts-expect-error no such word
void run('app.wasm', { stdout: 'overlapped' });
// @ts-expect-error no such option
new Pool({ warm: 1 });

export { children, pools, resultOf, runs, written };
