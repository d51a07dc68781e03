// npm run bench:sockets -- [--connections N] [--seconds N] [--rounds N]
//
// Measures the requests per second of an HTTP server in Go as a guest, of the same program
// built for this machine, and of node:http, in turn. Installs Go with pip.

import { spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { go, goForHost } from '../../compat/toolchains.mjs';
import wasiRs from '../../index.js';

const { values: flags } = parseArgs({
  options: {
    connections: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
  },
});
const [CONNECTIONS, ROUNDS, SECONDS] = [
  flags.connections,
  flags.rounds,
  flags.seconds,
].map(Number);

const SOURCE = fileURLToPath(new URL('server.go', import.meta.url));
const NODE = `
  const http = require('node:http');
  const server = http.createServer(({ url }, response) =>
    response.end(\`Hello, \${url}\\n\`));
  const [, port] = process.argv;
  server.listen(port, '127.0.0.1', () => console.log('ready'));`;

const host = '127.0.0.1';

async function freePort() {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server in a child process; resolves when it listens. */
async function processOf(file, args) {
  const port = await freePort();
  const child = spawnProcess(file, args(port), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { port, end: () => child.kill() };
}

async function guestOf(file) {
  const child = wasiRs.spawn(file, { listeners: [{ host, port: 0 }] });
  await once(child.stdout, 'data');
  const { port } = child.sockets[0].address();
  return { port, end: () => child.kill() };
}

function get(port, agent) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path: '/x', agent }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () =>
        body === 'Hello, /x\n' ? resolve() : reject(new Error(body)),
      );
    });
    request.on('error', reject);
  });
}

/** Requests per second. Each connection makes one request after the other. */
async function rateOf({ port }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const start = performance.now();
  const end = start + SECONDS * 1000;
  let count = 0;
  const connection = async () => {
    for (; performance.now() < end; count++) await get(port, agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  agent.destroy();
  return (count * 1000) / (performance.now() - start);
}

const scratch = mkdtempSync(join(os.tmpdir(), 'wasi-rs-sockets-'));
const [wasm, native] = ['server.wasm', 'server'].map((name) =>
  join(scratch, name),
);
go(['build', '-o', wasm, SOURCE]);
goForHost(['build', '-o', native, SOURCE]);

const servers = {
  'Go net/http, a guest': await guestOf(wasm),
  'Go net/http, native': await processOf(native, (port) => [`${host}:${port}`]),
  'node:http': await processOf(process.execPath, (port) => [
    '-e',
    NODE,
    `${port}`,
  ]),
};
const best = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, server] of Object.entries(servers)) {
    best[name] = Math.max(best[name] ?? 0, await rateOf(server));
  }
}
console.table(
  Object.entries(best).map(([server, rate]) => ({
    server,
    'requests a second': Math.round(rate),
  })),
);
console.log(
  `Node ${process.versions.node}, ${CONNECTIONS} connections, best of ${ROUNDS} rounds in turn`,
);
for (const { end } of Object.values(servers)) end();
rmSync(scratch, { recursive: true });
