'use strict';

// Node's permission model: without --allow-wasi there is no WASI, whoever
// implements it.

const test = require('ava');

const { script } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');

const PERMISSION =
  NODE_MAJOR >= 22 ? '--permission' : '--experimental-permission';

/** What constructing each class comes to under the permission model. */
function construct(options, ...flags) {
  const { stdout, stderr } = script(
    `const result = (WASI) => {
       try {
         return new WASI(${options}) instanceof WASI;
       } catch (error) {
         const { name, message, stack } = error;
         return { name, message, header: stack.split('\\n')[0], ...error };
       }
     };
     console.log(JSON.stringify([
       result(require('wasi-rs').WASI),
       result(require('node:wasi').WASI),
     ]))`,
    {
      flags: [
        ...[PERMISSION, '--allow-addons', '--allow-fs-read=*', '--no-warnings'],
        ...flags,
      ],
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('refused without --allow-wasi', (t) => {
  const [ours, nodes] = construct(`{ version: 'preview1' }`);
  t.is(ours.code, 'ERR_ACCESS_DENIED');
  t.is(ours.permission, 'WASI');
  // Node 20 does not name the flag yet.
  if (NODE_MAJOR >= 22) t.deepEqual(ours, nodes);
  else t.true(ours.message.startsWith(nodes.message));
});

test('refused after the options have been checked', (t) => {
  const [ours, nodes] = construct(`{ version: 'preview1', stdin: -1 }`);
  t.is(ours.code, 'ERR_OUT_OF_RANGE');
  t.deepEqual(ours, nodes);
});

test('refused before anything is opened, and before returnOnExit', (t) => {
  for (const options of [
    `{ version: 'preview1', stdin: 54321 }`,
    `{ version: 'preview1', preopens: { '/': '/none' } }`,
    `{ version: 'preview1', returnOnExit: 1 }`,
  ]) {
    const [ours, nodes] = construct(options);
    t.is(ours.code, 'ERR_ACCESS_DENIED');
    t.is(nodes.code, 'ERR_ACCESS_DENIED');
  }
});

test('allowed with --allow-wasi', (t) => {
  t.deepEqual(construct(`{ version: 'preview1' }`, '--allow-wasi'), [
    true,
    true,
  ]);
});
