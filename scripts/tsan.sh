#!/bin/sh
# The tests of several threads on one context, under ThreadSanitizer, with a
# standard library that it can see into.
set -eu
cd "$(dirname "$0")/.."

host=$(rustc +nightly --version --verbose 2>/dev/null | sed -n 's/^host: //p')
case $host in
*-unknown-linux-gnu | *-apple-darwin) ;;
*)
  echo 'tsan: skipped, this needs nightly Rust on Linux or macOS' >&2
  exit 0
  ;;
esac
if [ ! -f "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
  echo 'tsan: skipped, the component is missing:' \
    'rustup +nightly component add rust-src' >&2
  exit 0
fi

RUSTFLAGS="-Zsanitizer=thread ${RUSTFLAGS:-}"
TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}"
export RUSTFLAGS TSAN_OPTIONS
# A thread that is watched is slow, and a race takes time to come about.
RACES_SECONDS=${RACES_SECONDS:-10}
export RACES_SECONDS
exec cargo +nightly test -Zbuild-std --target "$host" --test syscalls --test races "$@" \
  -- --skip portable:: threads:: table::
