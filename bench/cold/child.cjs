// child.cjs HOST FILE DIRECTORY [ARG...]: runs a guest in this new process. Writes JSON to
// descriptor 3: the times of each part as [ms, ms of CPU], and the CPU time of the process.
//
// It loads as few modules as it can: one that the measured code needs, too, would not be
// measured.

const { readFileSync, writeSync } = require('node:fs');

const [, , host, file, directory, ...args] = process.argv;
const parts = {};

/** Runs a part, and records its times. */
function part(name, body) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const value = body();
  const wall = Number(process.hrtime.bigint() - start) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  parts[name] = [wall, (user + system) / 1e3];
  return value;
}

const options = {
  args,
  env: { HOME: '/work', PWD: '/work', PYTHONDONTWRITEBYTECODE: '1' },
  preopens: { '/work': directory },
};

function runClass(WASI) {
  const wasi = part('new', () => new WASI({ version: 'preview1', ...options }));
  const module = new WebAssembly.Module(readFileSync(file));
  return part('start', () => {
    const instance = new WebAssembly.Instance(module, wasi.getImportObject());
    return wasi.start(instance);
  });
}

function runFunction({ runSync }) {
  const module = new WebAssembly.Module(readFileSync(file));
  const [argv0, ...rest] = args;
  const streams = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' };
  return part('start', () => {
    const all = { ...options, ...streams, argv0, args: rest };
    return runSync(module, all).exitCode;
  });
}

// The first calls of the functions that take the times are slow, so they are not measured.
part('require', () => {});
const library = part('require', () =>
  require(host === 'node:wasi' ? host : '../..'),
);
process.exitCode =
  host === 'runSync()' ? runFunction(library) : runClass(library.WASI);
const { user, system } = process.cpuUsage();
parts.cpu = (user + system) / 1e3;
writeSync(3, JSON.stringify(parts));
