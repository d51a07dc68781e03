// What wine 10 cannot do, of the tests that are right on Windows. Each test that is
// named here is run all the same, and test-wine.mjs fails when one passes.

const NO_LINKS =
  'wine makes no symbolic links: its CreateSymbolicLinkW does nothing';

// Of the official test suite, below tests/rust/testsuite/wasm32-wasip1.
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

/** Tests that fail, and why. */
export const FAILS = {
  'wasi_rs: host::sys::tests::a_file_that_is_open_can_be_removed_and_replaced':
    'wine replaces no file that is open',
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
 * The files of tests in JavaScript that are run: those of which wine runs every test but
 * the above. Of the others some want links of the host for most of what they test, some
 * want packages that npm has installed for this system, and some have not been tried; of
 * `files`, one test takes minutes, as wine looks for a name by going through the
 * directory.
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
