// The package has its own WASI implementation and does not use node:wasi. Its Perl is a
// WASI reactor, which is run here directly.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageFile } from '../packages.mjs';

export const packages = ['@6over3/zeroperl-ts'];
export const does = "runs the package's Perl on files of a preopened directory";

const SCRIPT = `
  use strict; use warnings;
  open(my $in, '<', '/work/log.txt') or die "open: $!";
  my %count;
  while (<$in>) { $count{$1}++ if /^(\\w+):/ }
  close $in;
  open(my $out, '>', '/work/report.txt') or die "create: $!";
  printf $out "%-8s %d\\n", $_, $count{$_} for sort keys %count;
  close $out or die "close: $!";
  opendir(my $dir, '/work') or die "opendir: $!";
  our $listed = join ' ', sort grep { !/^\\./ } readdir $dir;
  our $size = -s '/work/report.txt';
  our $missing = open(my $no, '<', '/work/nowhere') ? 'there' : "$!";
  eval { die { code => 42 } };
  our $code = $@->{code};
  open(my $summary, '>', '/work/summary.txt') or die "summary: $!";
  print $summary join('|', $listed, $size, $missing, $code, $ENV{KIND});
  close $summary;
`;

export async function run(directory) {
  const { WASI } = await import('node:wasi');
  writeFileSync(
    join(directory, 'log.txt'),
    'error: a\ninfo: b\nerror: c\nno level\ninfo: d\ninfo: e\n',
  );
  const wasi = new WASI({
    version: 'preview1',
    args: ['zeroperl'],
    env: { KIND: 'perl' },
    // Perl opens /dev/null when it starts.
    preopens: { '/work': directory, '/dev': '/dev' },
  });
  const binary = readFileSync(
    packageFile('@6over3/zeroperl-ts/dist/cjs/zeroperl.wasm'),
  );
  const { instance } = await WebAssembly.instantiate(binary, {
    ...wasi.getImportObject(),
    env: { call_host_function: () => 0 },
  });
  wasi.initialize(instance);
  const {
    malloc,
    memory,
    zeroperl_eval,
    zeroperl_flush,
    zeroperl_init,
    zeroperl_last_error,
  } = instance.exports;
  const initialized = zeroperl_init();
  const script = Buffer.from(`${SCRIPT}\0`);
  const address = malloc(script.length);
  new Uint8Array(memory.buffer).set(script, address);
  const evaluated = zeroperl_eval(address, 1, 0, 0);
  zeroperl_flush();
  const bytes = Buffer.from(memory.buffer);
  const at = zeroperl_last_error();
  const error = at ? bytes.toString('utf8', at, bytes.indexOf(0, at)) : '';
  if (error) return { initialized, evaluated, error };
  return {
    initialized,
    evaluated,
    report: readFileSync(join(directory, 'report.txt'), 'utf8'),
    summary: readFileSync(join(directory, 'summary.txt'), 'utf8'),
  };
}
