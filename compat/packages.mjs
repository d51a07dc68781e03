// The packages that are installed in this folder.

import { fileURLToPath } from 'node:url';

const MODULES = new URL('./node_modules/', import.meta.url);

/** The path of a file of a package, even if the package does not export it. */
export function packageFile(path) {
  return fileURLToPath(new URL(path, MODULES));
}
