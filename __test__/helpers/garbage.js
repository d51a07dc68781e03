'use strict';

// What instances leave behind in a process that is run with `--expose-gc`.

const fs = require('node:fs');
const v8 = require('node:v8');

/** Collects garbage, and lets run what is to run after that. */
async function collect(turns = 10) {
  for (let turn = 0; turn < turns; turn++) {
    globalThis.gc();
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}

/**
 * Collects garbage until `done`. When a finalizer runs is up to the engine and
 * to the load of the machine; after so many turns only a leak can be left.
 */
async function collectUntil(done) {
  for (let turn = 0; turn < 1000 && !done(); turn++) await collect(1);
}

/**
 * How many descriptors this process has. Sockets do not count: nothing that this
 * is asked about opens any, and Deno has some of its own that come and go.
 */
function descriptors() {
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The one that listed them.
      return true;
    }
  }).length;
}

/**
 * The bytes of memory that this process has filled, in core or swapped out. What
 * it has mapped of files comes and goes with the needs of other processes.
 */
function filledMemory() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const [anonymous, swapped] = ['RssAnon', 'VmSwap'].map((name) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)[1]),
  );
  return (anonymous + swapped) * 1024;
}

/**
 * The same without the engine's space for new objects, which it makes larger, to
 * tens of megabytes, the more of them are in use at once: whatever is in it.
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
