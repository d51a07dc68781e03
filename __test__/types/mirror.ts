// Checked by `npm run test:types`, never run: that the types say what those of
// node:wasi say, so that a program changes nothing but the module's name.

import * as node from 'node:wasi';
import * as ours from 'wasi-rs';

type Assignable<From, To> = [From] extends [To] ? true : false;
type Same<A, B> = [Assignable<A, B>, Assignable<B, A>];

function holds<_Claim extends true>(): void {}

// Node's options are options of ours. The other way it holds but for preopens,
// which may be described by more than a path, and streams, which need be no
// descriptors.
const options: Same<ours.WASIOptions, node.WASIOptions> = [false, true];
holds<
  Assignable<
    Omit<ours.WASIOptions, 'preopens' | 'stdin' | 'stdout' | 'stderr'>,
    node.WASIOptions
  >
>();
const binding: Same<
  ours.FinalizeBindingsOptions,
  node.FinalizeBindingsOptions
> = [true, true];
const parameters: Same<
  ConstructorParameters<typeof ours.WASI>,
  ConstructorParameters<typeof node.WASI>
> = [false, true];

// An instance of ours serves wherever one of Node's is asked for, and so does
// the class.
holds<Assignable<ours.WASI, node.WASI>>();
holds<Assignable<typeof ours.WASI, typeof node.WASI>>();

// The other way it holds for the members that Node has, but for
// getImportObject(): Node's says `object`, which WebAssembly.instantiate() does
// not take.
type Added =
  | 'addCapability'
  | 'close'
  | 'mount'
  | 'unmount'
  | 'startAsync'
  | 'stop'
  | 'fs'
  | 'listeners'
  | 'stdout'
  | 'stderr'
  | 'writeSync'
  | typeof Symbol.dispose
  | typeof Symbol.asyncDispose;
holds<
  Assignable<
    Omit<node.WASI, 'getImportObject'>,
    Omit<ours.WASI, 'getImportObject' | Added>
  >
>();
const imports: Assignable<node.WASI, ours.WASI> = false;

// Every export of node:wasi has its namesake.
const missing: Exclude<keyof typeof node, keyof typeof ours | 'default'>[] = [];

export { binding, imports, missing, options, parameters };
