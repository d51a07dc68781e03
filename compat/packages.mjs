// Where the packages of this folder are.

import { fileURLToPath } from 'node:url';

const MODULES = new URL('./node_modules/', import.meta.url);

/** The path of a file inside of a package, whatever the package exports. */
export function packageFile(path) {
  return fileURLToPath(new URL(path, MODULES));
}
