#!/bin/sh
# Builds the example programs.
#
#   examples/build.sh [DIRECTORY]    writes to DIRECTORY, or beside the sources
#
# Needs Zig 0.17.1 (`pip install ziglang==0.17.1`, or a `zig` named by the environment
# variable ZIG) and Rust with `rustup target add wasm32-wasip1 wasm32-wasip1-threads`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
zig=${ZIG:-python3 -m ziglang}
target_dir=$here/../target/examples

# Unquoted: the command may be of several words.
$zig cc -target wasm32-wasi -Oz -s -Wall -Wextra -Werror "$here/csv2json.c" -o "$out/csv2json.wasm"
$zig build-exe -target wasm32-wasi -O ReleaseSmall -fstrip "$here/mdtoc.zig" -femit-bin="$out/mdtoc.wasm"
cargo build --quiet --locked --release --target wasm32-wasip1 \
  --manifest-path "$here/manifest/Cargo.toml" --target-dir "$target_dir"
cp "$target_dir/wasm32-wasip1/release/manifest.wasm" "$out/manifest.wasm"
cargo build --quiet --locked --release --target wasm32-wasip1-threads \
  --manifest-path "$here/search/Cargo.toml" --target-dir "$target_dir"
cp "$target_dir/wasm32-wasip1-threads/release/search.wasm" "$out/search.wasm"

chmod 644 "$out/csv2json.wasm" "$out/mdtoc.wasm" "$out/manifest.wasm" "$out/search.wasm"
