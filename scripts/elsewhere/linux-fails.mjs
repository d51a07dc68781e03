// Tests that pass on Linux and fail under qemu. They are run nevertheless, and
// test-linux.mjs fails if one of them passes.

const NO_FILTERS = 'qemu does not support seccomp filters';

// With glibc and with musl.
const ON_ARM64 = {
  'syscalls: portable::nothing_else_is_seen_where_calls_are_refused':
    NO_FILTERS,
  'syscalls: portable::paths_lead_to_the_same_places_without_openat2':
    NO_FILTERS,
  'syscalls: walk::holds_few_descriptors': NO_FILTERS,
};

/** The reasons of tests that fail, by target and name. */
export const FAILS = {
  'x64-musl': {},
  'arm64-gnu': ON_ARM64,
  'arm64-musl': ON_ARM64,
};

/** Files that take minutes at most under qemu. */
const ON_ALL = [
  'class-streams',
  'exit',
  'instance',
  'memory-fs',
  'mounts',
  'run-sync',
];

/** The default test files by target. For x64-musl they make every native call. */
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
