'use strict';

// For the tests of `wasi.fs`: a directory with every kind of file, and the outcomes of calls on it.

const fs = require('node:fs');
const path = require('node:path');

const { WASI } = require('../../index.js');

/** A directory with every kind of file. */
function lay(directory) {
  const at = (name) => path.join(directory, name);
  fs.mkdirSync(at('full/deep'), { recursive: true });
  fs.mkdirSync(at('empty'));
  fs.writeFileSync(at('file'), 'some content\n');
  fs.writeFileSync(at('full/é'), Buffer.from([0, 255, 1]));
  fs.writeFileSync(at('full/deep/leaf'), '');
  fs.symlinkSync('full/é', at('link'));
  fs.symlinkSync('full', at('dirlink'));
  fs.symlinkSync('nowhere', at('dangling'));
  fs.symlinkSync('loop', at('loop'));
  for (const name of ['file', 'full/é'])
    fs.utimesSync(at(name), 1000.5, 2000.25);
  return directory;
}

function open(t, root, options = {}) {
  const wasi = new WASI({
    version: 'preview1',
    preopens: { '/': root },
    ...options,
  });
  t.teardown(() => wasi.close());
  return wasi;
}

/** The outcome of a call, without what differs between the directories. */
function outcome(body, root) {
  const strip = (value) =>
    typeof value === 'string' ? value.replaceAll(root, '') : value;
  try {
    return { returned: strip(body()) };
  } catch (error) {
    const { code, errno, syscall, path: first, dest, message } = error;
    if (errno === undefined) return { code, class: error.constructor.name };
    return {
      ...{ code, errno, syscall },
      path: strip(first),
      dest: strip(dest),
      message: strip(message),
    };
  }
}

/** Everything below a directory: names, types, contents. */
function tree(root) {
  return fs.readdirSync(root).map((name) => {
    const at = path.join(root, name);
    const stats = fs.lstatSync(at);
    if (stats.isSymbolicLink()) return [name, '->', fs.readlinkSync(at)];
    return [
      name,
      stats.isDirectory() ? tree(at) : fs.readFileSync(at, 'latin1'),
    ];
  });
}

module.exports = { lay, open, outcome, tree };
