// child.cjs HOST FILE DIRECTORY [ARG...]: a program from the first line to its end,
// in a process that has done nothing before. Writes to descriptor 3 what each part
// took, as [ms, ms of CPU], and the CPU time of the whole process.
//
// No module but what is measured is loaded here: it would be paid for already.

const { readFileSync, writeSync } = require('node:fs');

const [, , host, file, directory, ...args] = process.argv;
const parts = {};

/** Does a part, and keeps what it took. */
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

// What it takes to ask for the first time is no part of the first.
part('require', () => {});
const library = part('require', () =>
  require(host === 'node:wasi' ? host : '../..'),
);
process.exitCode =
  host === 'runSync()' ? runFunction(library) : runClass(library.WASI);
const { user, system } = process.cpuUsage();
parts.cpu = (user + system) / 1e3;
writeSync(3, JSON.stringify(parts));
