'use strict';

// Finds what instances leave behind, in a process with `--expose-gc`.

const fs = require('node:fs');
const v8 = require('node:v8');

/** Collects garbage, and lets finalizers run. */
async function collect(turns = 10) {
  for (let turn = 0; turn < turns; turn++) {
    globalThis.gc();
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}

/**
 * Collects garbage until `done`. When a finalizer runs depends on the engine and the load
 * of the machine; after so many turns anything left is a leak.
 */
async function collectUntil(done) {
  for (let turn = 0; turn < 1000 && !done(); turn++) await collect(1);
}

/**
 * The number of descriptors of this process, without sockets: nothing that is tested with
 * this opens any, and Deno opens and closes some of its own.
 */
function descriptors() {
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // Without the one that lists them.
      return true;
    }
  }).length;
}

/**
 * The anonymous memory of this process in bytes, resident or swapped out. Mapped files are
 * not counted, as the system drops and reloads their pages.
 */
function filledMemory() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const [anonymous, swapped] = ['RssAnon', 'VmSwap'].map((name) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)[1]),
  );
  return (anonymous + swapped) * 1024;
}

/**
 * The same without the young generation, which the engine enlarges to tens of megabytes
 * when many new objects are in use.
 */
function keptMemory() {
  const { physical_space_size: young } = v8
    .getHeapSpaceStatistics()
    .find(({ space_name }) => space_name === 'new_space');
  return filledMemory() - young;
}

module.exports = {
  collect,
  collectUntil,
  descriptors,
  filledMemory,
  keptMemory,
};
