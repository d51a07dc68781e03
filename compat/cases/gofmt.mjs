// Go reads the flags of a descriptor and sets them again. If the host reports wrong flags,
// it appends to the file that it should overwrite.

import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { gofmt } from '../programs.mjs';
import { GO } from '../toolchains.mjs';

export const packages = [GO];
export const does = "Go's own gofmt: lists, and rewrites in place, 20 files";

const UNFORMATTED = `package   part
import ( "fmt" )
func   Print( a int,b   string )  {
        if a>1   { fmt.Println( a,   b ) }
}
`;
const FORMATTED = `package part

import (
	"fmt"
)

func Print(a int, b string) {
	if a > 1 {
		fmt.Println(a, b)
	}
}
`;
const FILES = Array.from({ length: 20 }, (_, index) => `${index}/part.go`);

/** The right result. Under node:wasi the end of the old text remains. */
export const expected = {
  listed: FILES.map((file) => `/work/${file}`).toSorted(),
  codes: [0, 0],
  rewritten: [FORMATTED],
  left: '',
};

export function prepare() {
  gofmt.build();
}

export async function run(directory) {
  const { WASI } = await import('node:wasi');
  const module = await WebAssembly.compile(readFileSync(gofmt.wasi));
  const work = join(directory, 'work');
  for (const file of FILES) {
    mkdirSync(join(work, file, '..'), { recursive: true });
    writeFileSync(join(work, file), UNFORMATTED);
  }
  const start = async (...args) => {
    const output = join(directory, `output${args[0]}`);
    const wasi = new WASI({
      version: 'preview1',
      args: ['gofmt', ...args],
      env: { PWD: '/work' },
      preopens: { '/work': work },
      stdout: openSync(output, 'w'),
    });
    const instance = await WebAssembly.instantiate(
      module,
      wasi.getImportObject(),
    );
    const code = wasi.start(instance);
    return {
      code,
      lines: readFileSync(output, 'utf8').split('\n').filter(Boolean),
    };
  };
  const listing = await start('-l', '/work');
  const writing = await start('-w', '/work');
  const rewritten = FILES.map((file) => readFileSync(join(work, file), 'utf8'));
  return {
    listed: listing.lines.toSorted(),
    codes: [listing.code, writing.code],
    rewritten: [...new Set(rewritten)],
    left: writing.lines.join('\n'),
  };
}
