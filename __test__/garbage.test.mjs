// Real programs that make thousands of files while the engine collects garbage all the
// time: in a call from wasm, objects of the host could be collected too early.

import { readdirSync } from 'node:fs';

import test from 'ava';

import {
  directory,
  hosts,
  programs,
  run,
  scratch,
} from './helpers/programs.mjs';

/** A young generation so small that it is full, and moved, all the time. */
const STRESS = ['--max-semi-space-size=1', '--stress-compaction'];

const host = { ...hosts.ours, flags: STRESS };

/** The output of a program in an empty directory, which must exit with 0. */
async function ran(t, program, args, preopens) {
  const { code, signal, stdout, stderr } = await run(host, program, {
    args,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    preopens,
  });
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return stdout;
}

test('Ruby makes thousands of files during garbage collection', async (t) => {
  const work = directory(scratch(t), 'work');
  const source = `
    5000.times { |n| File.write("/home/#{n}", n.to_s) }
    puts Dir.children("/home").sum { |name| File.read("/home/#{name}").to_i }
    2500.times { |n| File.unlink("/home/#{n}") }`;
  const printed = await ran(t, programs.ruby, ['ruby', '-e', source], {
    '/home': work,
  });
  t.is(printed, `${(5000 * 4999) / 2}\n`);
  t.is(readdirSync(work).length, 2500);
});

test('CPython packs and unpacks thousands of files during garbage collection', async (t) => {
  const work = directory(scratch(t), 'work');
  const source = `
import io, os, tarfile, zipfile
with zipfile.ZipFile('/home/zip', 'w') as archive:
    for n in range(1000):
        archive.writestr(str(n), str(n))
with tarfile.open('/home/tar', 'w') as archive:
    for n in range(1000):
        member = tarfile.TarInfo(str(n))
        member.size = len(str(n))
        archive.addfile(member, io.BytesIO(str(n).encode()))
zipfile.ZipFile('/home/zip').extractall('/home/unzipped')
tarfile.open('/home/tar').extractall('/home/untarred', filter='data')
for name in ['unzipped', 'untarred']:
    entries = os.scandir('/home/' + name)
    print(sum(int(open(entry.path).read()) for entry in entries))
`;
  const printed = await ran(t, programs.python, ['python', '-c', source], {
    '/home': work,
  });
  t.is(printed, `${(1000 * 999) / 2}\n`.repeat(2));
});
