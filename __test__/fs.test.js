'use strict';

// `wasi.fs`: its forms, its paths, rights and descriptors, and that nothing leads out.

const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const test = require('ava');

const { WASI, constants } = require('../index.js');
const { lay, open, outcome, tree } = require('./helpers/file-system');
const { duck, scratch } = require('./helpers/guest');
const { BUF, ERRNO, OUT, RIGHTS, RawGuest } = require('./helpers/raw');

test('the examples of its documentation run', (t) => {
  const root = scratch(t);
  fs.writeFileSync(path.join(root, 'myfile.txt'), 'read me');
  const wasi = open(t, root, { capabilities: [] });
  wasi.addCapability('wasi_snapshot_preview1:fd_prestat');
  const fd = wasi.fs.open('myfile.txt', constants.O_RDONLY);
  const bytes = wasi.fs.read(fd);
  t.true(Buffer.isBuffer(bytes));
  t.is(String(bytes), 'read me');
  t.is(wasi.fs.read(fd).length, 0);
  wasi.fs.close(fd);

  const written = wasi.fs.open('myfile.txt', constants.O_RDWR);
  t.is(wasi.writeSync(written, 'Hello'), 5);
  t.is(String(wasi.fs.read(written, 1)), 'm');
  t.is(wasi.fs.write(written, '!'), 1);
  wasi.fs.close(written);
  t.is(fs.readFileSync(path.join(root, 'myfile.txt'), 'utf8'), 'Hellom!');
  t.is(wasi.fs, wasi.fs);
  t.is(wasi.fs.constants, fs.constants);
  wasi.stop();
  t.throws(() => wasi.fs.existsSync('myfile.txt'), { code: 'ERR_WASI_CLOSED' });
});

test('callbacks are called later, and arguments are checked at once', async (t) => {
  const root = lay(scratch(t));
  const { fs: files } = open(t, root);
  const stat = promisify(files.stat);
  t.true((await stat('file')).isFile());
  const error = await t.throwsAsync(stat('nothing'), { code: 'ENOENT' });
  t.is(error.syscall, 'stat');
  t.throws(() => files.stat(5, () => {}), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => files.stat('file'), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => files.mkdir('new', 'callback'), {
    code: 'ERR_INVALID_ARG_TYPE',
  });

  const events = [];
  await new Promise((resolve) => {
    files.exists('file', (exists) => resolve(events.push(exists)));
    events.push('before');
  });
  t.deepEqual(events, ['before', true]);

  const called = (name, ...args) =>
    new Promise(
      (resolve) => void files[name](...args, (...results) => resolve(results)),
    );
  const [none, fd] = await called('open', 'file', 'r+');
  t.is(none, null);
  const [, count, buffer] = await called('read', fd, {
    length: 4,
    position: 5,
  });
  t.deepEqual([count, String(buffer.subarray(0, 4))], [4, 'cont']);
  t.deepEqual(await called('read', fd, Buffer.alloc(2), 0, 2, 0), [
    null,
    2,
    Buffer.from('so'),
  ]);
  t.deepEqual(await called('write', fd, 'S', 0), [null, 1, 'S']);
  t.deepEqual(await called('close', fd), [null]);
  t.is((await called('close', fd))[0].code, 'EBADF');
  t.deepEqual(await called('readFile', 'file', 'utf8'), [
    null,
    'Some content\n',
  ]);
  t.deepEqual(await called('realpath', 'link'), [null, '/full/é']);
});

test('promises', async (t) => {
  const root = lay(scratch(t));
  const { promises, statSync } = open(t, root).fs;
  t.is(await promises.readFile('file', 'utf8'), 'some content\n');
  await t.throwsAsync(promises.readFile('nothing'), { code: 'ENOENT' });
  await t.throwsAsync(promises.stat(5), { code: 'ERR_INVALID_ARG_TYPE' });
  t.is(promises.constants, fs.constants);

  const handle = await promises.open('new', 'w+');
  await handle.writeFile('text');
  t.is((await handle.write('!')).bytesWritten, 1);
  const { buffer, bytesRead } = await handle.read({ position: 0, length: 3 });
  t.is(buffer.toString('utf8', 0, bytesRead), 'tex');
  t.is((await handle.read(Buffer.alloc(9), 0, 9, 3)).bytesRead, 2);
  await handle.truncate(2);
  await handle.utimes(1, 2);
  await handle.sync();
  await handle.datasync();
  t.is((await handle.stat()).mtimeMs, 2000);
  await promises.appendFile(handle, 'x');
  t.is(statSync('new').size, 6);
  t.is(await promises.readFile(handle, 'utf8'), '');
  const { fd } = handle;
  await handle.close();
  await handle.close();
  t.is(handle.fd, -1);
  t.is((await promises.open('file')).fd, fd);
  // Its number was reused for another file.
  await t.throwsAsync(handle.stat(), { code: 'EBADF' });
});

/** The errors of all calls on a path. */
function refusals(files, name) {
  const calls = {
    open: () => files.openSync(name),
    stat: () => files.statSync(name),
    list: () => files.readdirSync(name),
    read: () => files.readFileSync(name),
    write: () => files.writeFileSync(name, 'x'),
    copy: () => files.copyFileSync('file', name),
    mkdir: () => files.mkdirSync(`${name}/x`),
    rename: () => files.renameSync('file', `${name}/x`),
    link: () => files.linkSync('file', `${name}/x`),
    symlink: () => files.symlinkSync('file', `${name}/x`),
    utimes: () => files.utimesSync(name, 1, 1),
    unlink: () => files.unlinkSync(`${name}/x`),
    rm: () => files.rmSync(`${name}/x`),
  };
  return Object.entries(calls).map(([call, body]) => [
    call,
    outcome(body, '/').code,
  ]);
}

test('nothing leads out', (t) => {
  const around = scratch(t);
  const inside = path.join(around, 'inside');
  const outside = path.join(around, 'outside');
  fs.mkdirSync(inside);
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, 'x'), 'secret');
  fs.writeFileSync(path.join(inside, 'file'), 'mine');
  fs.symlinkSync('../outside', path.join(inside, 'up'));
  fs.symlinkSync(outside, path.join(inside, 'absolute'));
  fs.symlinkSync('/elsewhere/x', path.join(inside, 'other'));
  const wasi = open(t, inside, { preopens: { '/box': inside } });
  for (const name of [
    'up',
    '/box/up',
    'absolute',
    '../outside',
    '/box/../outside',
    'other',
  ]) {
    for (const [call, code] of refusals(wasi.fs, name))
      t.is(code, 'EACCES', `${call} ${name}`);
  }
  t.throws(() => wasi.fs.statSync('/outside/x'), { code: 'ENOENT' });
  t.is(fs.readFileSync(path.join(outside, 'x'), 'utf8'), 'secret');
  t.deepEqual(fs.readdirSync(outside), ['x']);

  // The embedder may make any link; it is followed as for a guest.
  wasi.fs.symlinkSync('/box/file', 'in');
  wasi.fs.symlinkSync(outside, 'out');
  t.is(wasi.fs.readFileSync('in', 'utf8'), 'mine');
  t.throws(() => wasi.fs.readdirSync('out'), { code: 'EACCES' });
  t.is(wasi.fs.realpathSync('in'), '/box/file');
});

test('a path may be bytes, in any typed array', (t) => {
  const root = lay(scratch(t));
  const { fs: files } = open(t, root);
  for (const bytes of [
    Buffer.from('/full'),
    new TextEncoder().encode('/full'),
  ]) {
    for (const body of [
      (name) => files.readdirSync(name),
      (name) => files.readdirSync(name, { recursive: true }),
      (name) => files.realpathSync(name),
      (name) => files.statSync(name).ino,
      (name) => outcome(() => files.mkdirSync(name), root),
    ]) {
      t.deepEqual(body(bytes), body('/full'), String(body));
    }
  }
});

test('paths are those of the guest', (t) => {
  const root = lay(scratch(t));
  const files = (preopens) => open(t, root, { preopens }).fs;
  const full = path.join(root, 'full');
  const inRoot = files({ '/': root, '/deeper/still': full });
  for (const name of [
    'file',
    '/file',
    './file',
    'full/../file',
    '/deeper/still/../still/deep/../../../file',
  ]) {
    const leads = outcome(() => inRoot.statSync(name).size, root);
    t.is(
      leads.returned ?? leads.code,
      name.startsWith('/deeper') ? 'EACCES' : 13,
      name,
    );
  }
  t.deepEqual(inRoot.readdirSync('deeper/still'), ['deep', 'é']);
  t.is(inRoot.realpathSync('deeper/still/deep'), '/deeper/still/deep');
  t.is(inRoot.realpathSync(new URL('file:///dirlink/deep')), '/full/deep');
  const { fs: withDevices } = open(t, root, { devices: true });
  t.is(withDevices.readFileSync('/dev/null', 'utf8'), '');

  // The only preopen stands for the root, whatever its name.
  for (const name of ['/data', 'data', '.']) {
    const only = open(t, root, {
      preopens: { [name]: root },
      devices: true,
    }).fs;
    t.is(only.statSync('file').size, 13, name);
    t.is(
      only.statSync(`${name}/file`.replace(/^data/, '/data')).size,
      13,
      name,
    );
  }
  t.throws(() => files({ '/data': root }).statSync('/file'), {
    code: 'ENOENT',
  });
  const several = files({ '/a': root, '/b': full });
  t.is(several.statSync('a/file').size, 13);
  t.throws(() => several.statSync('file'), { code: 'ENOENT' });
  t.throws(() => files({}).statSync('file'), { code: 'ENOENT' });
});

test('what a preopen does not allow is EROFS, whatever the guest may call', (t) => {
  const root = lay(scratch(t));
  const { fs: files } = open(t, root, {
    preopens: {
      '/': root,
      '/ro': { path: path.join(root, 'full'), readOnly: true },
    },
    capabilities: [],
  });
  files.writeFileSync('file', 'new');
  const before = tree(path.join(root, 'full'));
  for (const name of ['/ro', '/full', '/dirlink']) {
    const calls = {
      create: () => files.writeFileSync(`${name}/new`, ''),
      write: () => files.openSync(`${name}/deep/leaf`, 'r+'),
      truncate: () => files.truncateSync(`${name}/deep/leaf`),
      utimes: () => files.utimesSync(`${name}/deep/leaf`, 1, 1),
      mkdir: () => files.mkdirSync(`${name}/new`),
      rmdir: () => files.rmdirSync(`${name}/deep`),
      unlink: () => files.unlinkSync(`${name}/é`),
      rename: () => files.renameSync(`${name}/é`, '/stolen'),
      into: () => files.renameSync('/file', `${name}/file`),
      link: () => files.linkSync(`${name}/é`, '/stolen'),
      symlink: () => files.symlinkSync('x', `${name}/new`),
      access: () => files.accessSync(`${name}/é`, constants.W_OK),
      rm: () => files.rmSync(`${name}/deep`, { recursive: true }),
    };
    for (const [call, body] of Object.entries(calls)) {
      t.throws(body, { code: 'EROFS' }, `${call} ${name}`);
    }
    t.deepEqual(files.readdirSync(name), ['deep', 'é']);
    const fd = files.openSync(`${name}/é`);
    t.throws(() => files.futimesSync(fd, 1, 1), { code: 'EROFS' });
    t.throws(() => files.ftruncateSync(fd, 1), { code: 'EROFS' });
    files.closeSync(fd);
  }
  t.deepEqual(tree(path.join(root, 'full')), before);
});

test('its descriptors are separate from the guest’s', (t) => {
  const root = lay(scratch(t));
  const preopens = { '/': root };
  const raw = new RawGuest(WASI, { preopens, limits: { descriptors: 6 } });
  const { wasi } = raw;
  t.teardown(() => wasi.close());
  const fds = [wasi.fs.openSync('file'), wasi.fs.openSync('file')];
  t.deepEqual(fds, [4, 5]);
  t.throws(() => wasi.fs.openSync('file'), { code: 'ENFILE' });
  t.is(raw.open(3, 'full'), 4);
  t.is(raw.calls.fd_close(5), ERRNO.BADF);
  wasi.fs.closeSync(4);
  t.is(raw.calls.fd_close(4), 0);
  t.is(wasi.fs.openSync('file'), 4);
  // Neither a preopen nor a stream of the guest has a number here.
  for (const fd of [0, 1, 3]) {
    for (const call of ['closeSync', 'fstatSync', 'fsyncSync']) {
      t.throws(() => wasi.fs[call](fd), { code: 'EBADF' }, `${call} ${fd}`);
    }
  }
  t.true(wasi.fs.existsSync('file'));
});

test('it works after the guest has ended, until it is closed', async (t) => {
  const root = scratch(t);
  const { fs: files } = new WASI({
    version: 'preview1',
    preopens: { '/': root },
  });
  files.writeFileSync('kept', 'without the instance');
  const wasi = open(t, root);
  const fd = wasi.fs.openSync('kept');
  t.is(wasi.start(duck({ _start() {} })), 0);
  t.is(wasi.fs.readFileSync(fd, 'utf8'), 'without the instance');
  t.is(wasi.fs.readFileSync('kept', 'utf8'), 'without the instance');
  const later = open(t, root);
  later.start(duck({ _start() {} }));
  t.deepEqual(later.fs.readdirSync('/'), ['kept']);

  wasi.close();
  const closed = { code: 'ERR_WASI_CLOSED' };
  t.throws(() => wasi.fs.readFileSync('kept'), closed);
  t.throws(() => wasi.fs.existsSync('kept'), closed);
  t.throws(() => wasi.fs.closeSync(fd), closed);
  t.throws(() => wasi.writeSync(fd, 'x'), closed);
  await t.throwsAsync(promisify(wasi.fs.stat)('kept'), closed);
  await t.throwsAsync(wasi.fs.promises.stat('kept'), closed);
});

test('the host writes what a guest reads, and reads what it writes', (t) => {
  const raw = new RawGuest(WASI, { preopens: { '/': scratch(t) } });
  const files = raw.wasi.fs;
  t.teardown(() => raw.wasi.close());
  files.writeFileSync('shared', 'host');
  const fd = raw.open(3, 'shared', { base: RIGHTS.fd_read | RIGHTS.fd_write });
  t.is(raw.calls.fd_read(fd, ...raw.iovs(1), OUT), 0);
  t.is(raw.view.getUint8(BUF), 'h'.charCodeAt(0));
  raw.view.setUint8(BUF, '!'.charCodeAt(0));
  t.is(raw.calls.fd_write(fd, ...raw.iovs(1), OUT), 0);
  t.is(files.readFileSync('shared', 'utf8'), 'h!st');
});
