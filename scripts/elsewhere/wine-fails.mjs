// Tests that pass on Windows and fail under wine 10. They are run nevertheless, and
// test-wine.mjs fails if one of them passes.

const NO_LINKS =
  'wine makes no symbolic links: its CreateSymbolicLinkW does nothing';

// Tests of the official test suite, in tests/rust/testsuite/wasm32-wasip1.
const WITH_LINKS = [
  'dangling_symlink',
  'nofollow_errors',
  'path_exists',
  'path_link',
  'path_symlink_trailing_slashes',
  'readlink',
  'symlink_create',
  'symlink_filestat',
  'symlink_loop',
];

/** The reasons of tests that fail, by name. */
export const FAILS = {
  'wasi_rs: host::sys::tests::a_file_that_is_open_can_be_removed_and_replaced':
    'wine cannot replace an open file',
  'wasi_rs: host::sys::tests::links_are_links_whatever_they_lead_to': NO_LINKS,
  'syscalls: windows::a_link_of_either_kind_is_a_way_through_to_what_is_there':
    NO_LINKS,
  'syscalls: windows::links_are_counted_as_everywhere': NO_LINKS,
  'syscalls: windows::what_is_behind_the_target_of_a_link_makes_no_way_out':
    NO_LINKS,
  'js-file-systems › node:fs is one, or a directory in it': NO_LINKS,
  'limits › symlinkHops': NO_LINKS,
  'limits › with fewer symlinkHops, paths lead where they lead without':
    NO_LINKS,
  'mounts › a program finds what is mounted below a directory of the host':
    NO_LINKS,
  'options › preopens that cannot be opened': NO_LINKS,
  ...Object.fromEntries(
    WITH_LINKS.map((name) => [
      `suite: tests/rust/testsuite/wasm32-wasip1/${name}.wasm`,
      NO_LINKS,
    ]),
  ),
};

/**
 * The default test files in JavaScript: those that pass under wine, except for the tests
 * above. Others mostly need symbolic links, or npm packages for Windows, or have not been
 * tried. `files` has a test that takes minutes, as wine looks up a name by reading the
 * whole directory.
 */
export const FILES = [
  'adapter',
  'adoption',
  'attacks-descriptors',
  'attacks-host',
  'attacks-javascript',
  'attacks-memory',
  'attacks-stdio',
  'attacks-threads',
  'backtrace',
  'bytes',
  'capabilities',
  'class-streams',
  'collection',
  'command',
  'command-directories',
  'command-options',
  'command-programs',
  'declarations',
  'determinism',
  'devices',
  'docs',
  'documents',
  'exit',
  'garbage',
  'images',
  'install',
  'instance',
  'js-file-systems',
  'js-file-systems-attacks',
  'lifecycle',
  'lifetimes',
  'limits',
  'memory',
  'memory-fs',
  'misspelled',
  'mounts',
  'options',
  'over',
  'overlays',
  'package',
  'permission',
  'pool',
  'pthreads',
  'register',
  'run',
  'run-limits',
  'run-streams',
  'run-sync',
  'security',
  'shared-guests',
  'sockets',
  'spawn',
  'streams',
  'suspending',
  'termination',
  'threads',
  'timeout',
  'trace',
  'trees',
  'wasi-import',
  'worker',
];
