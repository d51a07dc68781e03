// Extism passes an object of its own as the instance, and descriptors that it opened.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import loadWabt from 'wabt';

export const packages = ['@extism/extism'];
export const does =
  'calls a plugin that uses WASI, in the main thread and in a worker';

/** `run` creates the file `made` in its directory, and returns two bytes. */
const PLUGIN = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "made")
  (data (i32.const 16) "from the plugin")
  (data (i32.const 32) "\\10\\00\\00\\00\\0f\\00\\00\\00")
  (global $initialized (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $initialized (i32.const 7)))
  (func (export "run") (result i32) (local $out i64)
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 64)))
    (drop (call $fd_write (i32.load (i32.const 64)) (i32.const 32) (i32.const 1) (i32.const 68)))
    (drop (call $fd_close (i32.load (i32.const 64))))
    (local.set $out (call $alloc (i64.const 2)))
    (call $store_u8 (local.get $out) (i32.load (i32.const 68)))
    (call $store_u8 (i64.add (local.get $out) (i64.const 1)) (global.get $initialized))
    (call $output_set (local.get $out) (i64.const 2))
    (i32.const 0)))`;

export async function run(directory) {
  const { createPlugin } = await import('@extism/extism');
  const wabt = await loadWabt();
  const data = wabt.parseWat('plugin.wat', PLUGIN).toBinary({}).buffer;
  const results = [];
  for (const runInWorker of [false, true]) {
    const plugin = await createPlugin(
      { wasm: [{ data }] },
      { useWasi: true, runInWorker, allowedPaths: { '/': directory } },
    );
    const output = await plugin.call('run', '');
    const made = readFileSync(join(directory, 'made'), 'utf8');
    writeFileSync(join(directory, 'made'), '');
    results.push({ runInWorker, output: [...output.bytes()], made });
    await plugin.close();
  }
  return results;
}
