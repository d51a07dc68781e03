/** The arguments of Node.js to run a guest with node:wasi. */
export function underNodeWasi(file, args) {
  const source = `
    const { readFileSync } = require('node:fs');
    const { WASI } = require('node:wasi');
    const wasi = new WASI({ version: 'preview1', args: ${JSON.stringify(args)} });
    const module = new WebAssembly.Module(readFileSync(${JSON.stringify(file)}));
    wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));`;
  return ['--no-warnings', '-e', source];
}
