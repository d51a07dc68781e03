'use strict';

// A thread of the host replaces a directory by a link that leads out while a guest
// uses paths through it: see guests/race.c. The races in Rust try every call.

const test = require('ava');

const {
  SECRET,
  arena,
  attack,
  forEachResolver,
  untouched,
} = require('./helpers/attack');
const { HANGS } = require('./helpers/child');

const MILLISECONDS = Number(process.env.RACES_SECONDS ?? 0.3) * 1000;

const FILES = {
  'inside/swap/secret': 'inside\n',
  'inside/out': { link: '../outside/' },
};

forEachResolver(
  test,
  'no guest gets out when a directory is replaced by a link at the wrong moment',
  async (t, resolver) => {
    for (const [op, path] of [
      ['read', 'swap/secret'],
      ['create', 'swap/new'],
      ['readdir', 'swap'],
      ['mkdir', 'swap/made'],
    ]) {
      const place = arena(t, FILES);
      const { printed, swaps } = await attack(
        async ({ runGuest }, { op, path, root, inside, milliseconds }) => {
          const { Worker } = require('node:worker_threads');
          const stop = new Int32Array(new SharedArrayBuffer(8));
          const worker = new Worker(
            `const { renameSync } = require('node:fs');
             const { workerData: { inside, stop }, parentPort } = require('node:worker_threads');
             // Windows does not rename a directory while the guest has something open in it.
             const inUse = process.platform === 'win32' ? ['EACCES', 'EBUSY', 'EPERM'] : [];
             const [swap, out, between] = ['swap', 'out', 'between'].map((name) => inside + '/' + name);
             const running = () => Atomics.load(stop, 0) === 0;
             const move = (from, to) => {
               while (running()) {
                 try { return renameSync(from, to); }
                 catch (error) { if (!inUse.includes(error.code)) throw error; }
               }
             };
             while (running()) {
               move(swap, between);
               move(out, swap);
               move(swap, out);
               move(between, swap);
               if (Atomics.add(stop, 1, 1) === 0) parentPort.postMessage('running');
             }`,
            { eval: true, workerData: { inside, stop } },
          );
          await new Promise((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          });
          const { printed } = runGuest('race', {
            args: [op, path, String(milliseconds)],
            directory: root,
            preopens: { '/': inside },
          });
          Atomics.store(stop, 0, 1);
          await new Promise((resolve) => {
            worker.once('exit', resolve);
          });
          return { printed, swaps: stop[1] };
        },
        {
          op,
          path,
          root: place.root,
          inside: place.inside,
          milliseconds: Math.round(MILLISECONDS),
        },
        { resolver, limit: HANGS + MILLISECONDS },
      );
      const [, tries, ok, outside] = /tries=(\d+) ok=(\d+) outside=(\d+)/.exec(
        printed,
      );
      t.log(`race node-${op}: swaps=${swaps} calls=${tries} succeeded=${ok}`);
      t.is(outside, '0', `${op}: ${SECRET} was seen`);
      t.true(swaps > 0 && Number(tries) > 0);
      untouched(t, place, op);
    }
  },
);
