// What qemu cannot do, of the tests that are right on Linux. Each test that is named here
// is run all the same, and test-linux.mjs fails when one passes.

const NO_FILTERS = 'qemu installs no filters of system calls';

// Whatever they are linked with.
const ON_ARM64 = {
  'syscalls: portable::nothing_else_is_seen_where_calls_are_refused':
    NO_FILTERS,
  'syscalls: portable::paths_lead_to_the_same_places_without_openat2':
    NO_FILTERS,
  'syscalls: walk::holds_few_descriptors': NO_FILTERS,
};

/** Tests that fail, and why, by target. */
export const FAILS = {
  'x64-musl': {},
  'arm64-gnu': ON_ARM64,
  'arm64-musl': ON_ARM64,
};

/** Those that an emulator runs in minutes, too. */
const ON_ALL = [
  'class-streams',
  'exit',
  'instance',
  'memory-fs',
  'mounts',
  'run-sync',
];

/** The files of tests in JavaScript that are run by target: with musl enough to make every native call. */
export const FILES = {
  'x64-musl': [
    ...ON_ALL,
    'attacks-descriptors',
    'attacks-memory',
    'spawn',
    'wasi-import',
  ],
  'arm64-gnu': ON_ALL,
  'arm64-musl': ON_ALL,
};
