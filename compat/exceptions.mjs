// Tests that are left out on a runtime since they need what it does not have: the file, the
// title and the reason. In a title `*` matches anything.

const PERMISSIONS = 'only Node has this permission model';
const WORDS = 'messages and stacks depend on the engine';

const LOOP =
  'terminate() does not stop a worker in a loop of compiled WebAssembly';
/** The ways to run a guest in the process of the tests, unlike the command. */
const INSIDE = ['new WASI()', 'run()', 'runSync()'];
const eachOf = (ways, title, reason) =>
  Object.fromEntries(ways.map((name) => [`${title}${name}`, reason]));

const NO_FLAGS = 'NODE_OPTIONS is ignored';

/** Tests with guests that run forever, for runtimes that do not stop their threads. */
const ENDLESS = {
  pool: (reason) => ({
    'a guest that computes is ended with its thread, and the next one gets another':
      reason,
    'a guest that the engine does not end is over all the same, and its place is taken':
      reason,
    'guests that are ended at random moments end with no other reason than that':
      reason,
  }),
  run: (reason) => ({
    'a guest that floods or spins does not keep others from running': reason,
    'timers that a program replaces are not those of guests': reason,
  }),
  runLimits: (reason) => ({
    'a guest has so much CPU time and no more': reason,
    'a guest whose time is over is ended, whatever it does': reason,
    'a signal ends a guest at any time*': reason,
  }),
  runStreams: (reason) => ({
    'what is stuck with the output of a guest does not outlive its time':
      reason,
  }),
  spawn: (reason) => ({
    'kill() as a guest begins, in a thread that is ended with it': reason,
    'kill() ends a guest that computes, and one whose output nobody reads':
      reason,
    'killed is what it is in node:child_process': reason,
    'timeout and signal end it': reason,
  }),
  pthreads: (reason) =>
    eachOf(
      INSIDE,
      'main returns while threads compute, wait and sleep: ',
      reason,
    ),
  threads: (reason) => ({
    ...eachOf(
      [...INSIDE, 'spawn()'],
      'the guest is over when its first thread is: ',
      reason,
    ),
    ...eachOf(
      [...INSIDE, 'spawn()'],
      'an exit in a thread ends a first one that …, by ',
      reason,
    ),
    'a guest whose threads compute is ended in time': reason,
    'a trap in a thread ends the guest, wherever the first one is': reason,
    'a worker that waits for a guest with threads can be terminated': reason,
    'kill() ends all threads, and their CPU time counts together': reason,
  }),
};

const NET_ERRORS =
  'errors of its node:net have other messages, and positive errnos';

const BUN = {
  'attacks-threads.test.js': {
    'a library has its threads in others than that which calls it': WORDS,
  },
  'backtrace.test.js': { '*': 'stacks have no offsets in modules' },
  'command.test.js': {
    'a trap is reported with what the guest was doing': WORDS,
    'a guest that runs out of stack, or throws what nobody catches': WORDS,
  },
  'examples.test.js': {
    'coming from node:wasi': 'its node:wasi has no getImportObject()',
    'running untrusted code': LOOP,
  },
  'lifecycle.test.js': {
    'finalizeBindings() takes a memory from its second argument': WORDS,
  },
  'options.test.js': {
    'a symbol is no value for an environment variable': WORDS,
    'called without new': WORDS,
  },
  'package.test.js': {
    'the exports are the classes, functions, constants and package.json':
      'a subpath that is not exported is MODULE_NOT_FOUND',
  },
  'permission.test.js': { 'refused *': PERMISSIONS },
  'pool.test.js': {
    ...ENDLESS.pool(LOOP),
    'what NODE_OPTIONS preloads is not loaded into threads': NO_FLAGS,
  },
  'pthreads.test.js': ENDLESS.pthreads(LOOP),
  'register.test.js': {
    'NODE_OPTIONS with *': NO_FLAGS,
    'a program that has it among its static imports gets the class, but also a warning':
      'its node:wasi prints no warning',
    'Node refuses the options of a worker that it refuses without it':
      'it refuses other options of workers',
    'a child process is reached through the flags and the environment that it inherits':
      'child processes do not inherit the flags',
  },
  'run-sync.test.js': {
    'a guest has so much CPU time and no more': LOOP,
    'a guest whose time is over is ended, whatever it does': LOOP,
    'a thread that ends with its guest is an error, and the next one has another':
      LOOP,
  },
  'run-limits.test.js': ENDLESS.runLimits(LOOP),
  'run-streams.test.js': ENDLESS.runStreams(LOOP),
  'run.test.js': {
    ...ENDLESS.run(LOOP),
    'a trap is the reason, with the error of the engine: *': WORDS,
  },
  'sockets.test.js': {
    'what cannot be had is an error of node:net: *': NET_ERRORS,
    'so it is where a path cannot be had': NET_ERRORS,
  },
  'spawn.test.js': ENDLESS.spawn(LOOP),
  'threads.test.js': {
    ...ENDLESS.threads(LOOP),
    'what a thread writes before it panics is there': WORDS,
  },
};

const RUNS_ON =
  'a worker whose guest computes or waits is not stopped by terminate()';
const NO_DESCRIPTOR =
  'servers and sockets of node:net do not expose their descriptors';
const DENO = {
  'attacks-host.test.js': {
    'workers that are ended in the middle of their calls': RUNS_ON,
  },
  'capabilities.test.js': {
    sockets: NO_DESCRIPTOR,
  },
  'lifetimes.test.js': {
    'a worker ended during a blocked read leaves nothing open': RUNS_ON,
    'a worker may be ended while its guest runs, and leaves nothing open':
      RUNS_ON,
    'a worker that ends takes nothing from another on the same pipes': RUNS_ON,
  },
  'package.test.js': {
    'import by name, as a namespace, as the default, and dynamically':
      '--eval cannot evaluate modules',
  },
  'permission.test.js': { 'refused *': PERMISSIONS },
  'pool.test.js': {
    ...ENDLESS.pool(RUNS_ON),
    'descriptors are constant over some hundreds of runs':
      'a terminated worker leaves the descriptors of its event loop open',
  },
  'programs.test.mjs': {
    'CPython finds right what node:wasi gets wrong about files':
      'its stat() has a resolution of milliseconds',
  },
  'pthreads.test.js': ENDLESS.pthreads(RUNS_ON),
  'register.test.js': {
    '*': 'flags and workers differ: see README.md',
  },
  'run-limits.test.js': ENDLESS.runLimits(RUNS_ON),
  'run-streams.test.js': ENDLESS.runStreams(RUNS_ON),
  'run.test.js': ENDLESS.run(RUNS_ON),
  'sockets.test.js': {
    'a connection is handed over': NO_DESCRIPTOR,
    'a descriptor is lent, and stays as it was': NO_DESCRIPTOR,
    'a server of Node is taken over': NO_DESCRIPTOR,
    'a server that does not close is not served at by a guest': NO_DESCRIPTOR,
    'descriptors that are no sockets, or none that listen, are refused':
      NO_DESCRIPTOR,
    'other processes that share a socket do not wait as the guest does':
      NO_DESCRIPTOR,
    'what becomes of a socket before the guest is opened counts': NO_DESCRIPTOR,
    'what cannot be had is an error of node:net: EADDRNOTAVAIL':
      'its node:net reports EINVAL',
    'what is not taken over stays open': NO_DESCRIPTOR,
  },
  'spawn.test.js': ENDLESS.spawn(RUNS_ON),
  'streams.test.js': {
    '*a host that uses its own streams':
      'the arguments of --eval start one index later',
    'sock_recv and sock_send work where a stream is a socket':
      'the streams of a child are pipes',
  },
  'threads.test.js': {
    ...ENDLESS.threads(RUNS_ON),
    'an exit in a thread ends a first one that …, by the command':
      'a child gets /dev/null for a descriptor that was opened',
  },
};

export const EXCEPTIONS = { bun: BUN, deno: DENO };
