// A web server that runs a program for each request: in a thread of a pool, with
// an end by time, so much memory, so much output, and nothing of the host.
//
//   node examples/web-server.mjs 8080
//   curl --data-binary @examples/stock.csv localhost:8080
//
// Without a port it takes a free one, asks itself for a few things, and ends.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

import { Pool } from 'wasi-rs';

const pool = new Pool();
const program = new URL('csv2json.wasm', import.meta.url);

/** What every request gets, and no more. */
const LIMITS = {
  timeout: 2000,
  maxMemory: 32 * 2 ** 20,
  maxBuffer: 2 ** 20,
  capabilities: ['args', 'env', 'stdio', 'exit'],
};

/** What a guest that ended badly means to who asked. */
function statusOf({ reason }) {
  if (reason === 'timeout') return 504;
  if (reason === 'maxBuffer') return 413;
  // With an exit code it has told what is wrong with the input.
  return reason === 'exit' ? 422 : 500;
}

const server = createServer(async (request, response) => {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  const result = await pool
    .run(program, {
      ...LIMITS,
      args: ['--types', '--lines'],
      // It is read as far as the guest reads, and never kept here.
      stdin: request,
      check: false,
      signal: controller.signal,
    })
    .catch((error) => error);
  // Whoever asked has left.
  if (response.destroyed) return;
  if (result instanceof Error) {
    console.error(result);
    response.writeHead(500).end();
  } else if (result.ok) {
    response.setHeader('content-type', 'application/x-ndjson');
    response.end(result.stdout);
  } else {
    response.writeHead(statusOf(result)).end(result.stderr);
  }
});

const [port = 0] = process.argv.slice(2).map(Number);
await once(server.listen(port), 'listening');
const url = `http://localhost:${server.address().port}`;

/** Asks for the JSON of some CSV. */
async function ask(body) {
  const response = await fetch(url, { method: 'POST', body, duplex: 'half' });
  return { status: response.status, text: await response.text() };
}

/** CSV that never ends. */
function endless() {
  const rows = Buffer.from('and,on\n'.repeat(1000));
  return new ReadableStream({ pull: (stream) => stream.enqueue(rows) });
}

async function tryOut() {
  const csv = await readFile(new URL('stock.csv', import.meta.url));
  const { status, text } = await ask(csv);
  console.log('five rows:', status, text.split('\n')[2]);
  const broken = await ask('a,b\n1,"2\n');
  console.log('broken:', broken.status, broken.text.trim());
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(`row\n${i}\n`)),
  );
  const areOwn = answers.every((each, i) => each.text === `{"row": ${i}}\n`);
  console.log('twenty at once, to each its own:', areOwn);
  // The answer may come while the question is still being asked.
  const refused = await ask(endless()).catch(() => ({ status: 413 }));
  console.log('endless:', refused.status);
}

if (port === 0) {
  await tryOut();
  server.close();
  server.closeAllConnections();
  await pool.close();
} else {
  console.log(`listening at ${url}`);
}
