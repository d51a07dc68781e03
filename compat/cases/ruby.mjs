// Ruby's interpreter is a reactor: it is initialized once, and then its exports are called.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageFile } from '../packages.mjs';

export const packages = ['@ruby/wasm-wasi', '@ruby/3.4-wasm-wasi'];
export const does =
  'runs Ruby with its standard library, on files of a preopened directory';

const SCRIPT = `
  require 'json'
  require 'digest'
  require 'erb'
  require 'set'
  Dir.chdir('/work')
  words = File.read('words.txt').split.tally.sort.to_h
  File.write('words.json', JSON.generate(words))
  Dir.mkdir('made')
  20.times { |i| File.write("made/#{i}.txt", i.to_s * i) }
  File.rename('made/0.txt', 'made/zero.txt')
  File.unlink('made/1.txt')
  JSON.generate({
    version: RUBY_VERSION,
    words: words,
    listed: Dir.children('made').sort,
    digest: Digest::SHA256.hexdigest(File.binread('made/19.txt')),
    erb: ERB.new('<%= Set[1, 1, 2].size %> of <%= ENV["KIND"] %>').result,
    size: File.size('words.json'),
    missing: (File.open('nowhere') rescue $!.class.name),
  })`;

export async function run(directory) {
  const { WASI } = await import('node:wasi');
  const { RubyVM } = await import('@ruby/wasm-wasi');
  const { DefaultRubyVM } = await import('@ruby/wasm-wasi/dist/node');
  const binary = readFileSync(
    packageFile('@ruby/3.4-wasm-wasi/dist/ruby+stdlib.wasm'),
  );
  const module = await WebAssembly.compile(binary);
  writeFileSync(join(directory, 'words.txt'), 'b a b c a b\n');

  const { vm: plain } = await DefaultRubyVM(module);
  const sum = plain.eval('(1..100).sum').toString();

  const wasip1 = new WASI({
    version: 'preview1',
    env: { KIND: 'sets' },
    preopens: { '/work': directory },
  });
  const { vm } = await RubyVM.instantiateModule({ module, wasip1 });
  const result = JSON.parse(vm.eval(SCRIPT).toString());
  let raised;
  try {
    vm.eval('raise ArgumentError, "of the guest"');
  } catch (error) {
    raised = error.message.split('\n')[0];
  }
  return {
    sum,
    result,
    raised,
    made: readdirSync(join(directory, 'made')).length,
  };
}
