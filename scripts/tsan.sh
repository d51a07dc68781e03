#!/bin/sh
# Runs the tests in which threads share a context under ThreadSanitizer. The standard
# library is built with it, too, since it reports false races otherwise.
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
# Threads are slow under ThreadSanitizer, so the races get more time.
RACES_SECONDS=${RACES_SECONDS:-10}
export RACES_SECONDS
exec cargo +nightly test -Zbuild-std --target "$host" --test syscalls --test races "$@" \
  -- --skip portable:: threads:: table::
