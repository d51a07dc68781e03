// child.cjs HOST FILE OPTIONS: runs a guest in this new process, with options of `new WASI()`
// in JSON. Writes JSON to descriptor 3: the times of each part as [ms, ms of CPU], and the
// CPU time of the process.
//
// It loads as few modules as it can: one that the measured code needs, too, would not be
// measured.

const { readFileSync, writeSync } = require('node:fs');

const [, , host, file, json] = process.argv;
const options = JSON.parse(json);
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

function runClass(WASI) {
  return part('run', () => {
    const all = { version: 'preview1', ...options };
    const wasi = part('new', () => new WASI(all));
    const module = new WebAssembly.Module(readFileSync(file));
    return part('start', () => {
      const instance = new WebAssembly.Instance(module, wasi.getImportObject());
      return wasi.start(instance);
    });
  });
}

function runFunction(runSync) {
  const [argv0, ...args] = options.args;
  const streams = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' };
  return part('run', () => {
    const all = { ...options, ...streams, argv0, args };
    return runSync(file, all).exitCode;
  });
}

// The first calls of the functions that take the times are slow, so they are not measured.
part('require', () => {});
const isFunction = host === 'runSync()';
// An export may load its module when it is first read.
const used = part(
  'require',
  () =>
    require(host === 'node:wasi' ? host : '../..')[
      isFunction ? 'runSync' : 'WASI'
    ],
);
process.exitCode = isFunction ? runFunction(used) : runClass(used);
const { user, system } = process.cpuUsage();
parts.cpu = (user + system) / 1e3;
writeSync(3, JSON.stringify(parts));
