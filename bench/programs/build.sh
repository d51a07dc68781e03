#!/usr/bin/env bash
# Builds the programs. Needs Zig: the command `zig`, or the Python package ziglang.
set -euo pipefail
cd "$(dirname "$0")"
zig=${ZIG:-$(command -v zig || echo 'python3 -m ziglang')}
for source in *.c; do
  $zig cc --target=wasm32-wasi -Oz -s -o "${source%.c}.wasm" "$source"
done
