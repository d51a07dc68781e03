// Checked by `npm run test:types`, never run: the types are compatible with those of
// node:wasi, so that a program changes only the module's name.

import * as node from 'node:wasi';
import * as ours from 'wasi-rs';

type Assignable<From, To> = [From] extends [To] ? true : false;
type Same<A, B> = [Assignable<A, B>, Assignable<B, A>];

function holds<_Claim extends true>(): void {}

// Node's options are options of ours. The reverse is true except for preopens, which may
// be more than a path, and streams, which may be more than a descriptor.
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

// Our instances are assignable to Node's, and so is the class.
holds<Assignable<ours.WASI, node.WASI>>();
holds<Assignable<typeof ours.WASI, typeof node.WASI>>();

// The reverse is true for the members that Node has, except for getImportObject(): Node's
// returns `object`, which WebAssembly.instantiate() does not accept.
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

// Every export of node:wasi exists here.
const missing: Exclude<keyof typeof node, keyof typeof ours | 'default'>[] = [];

export { binding, imports, missing, options, parameters };
