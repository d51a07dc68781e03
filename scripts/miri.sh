#!/bin/sh
# Runs the unit tests of the layers that access guest memory and its records under Miri,
# which detects undefined behaviour. The layers above make system calls, which Miri does
# not support.
set -eu
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo 'miri: skipped, the component is missing:' \
    'rustup +nightly component add miri rust-src' >&2
  exit 0
fi

# The guest passes addresses as numbers. They are checked and added to a pointer with
# provenance, so the strict rules hold.
MIRIFLAGS="-Zmiri-strict-provenance ${MIRIFLAGS:-}"
export MIRIFLAGS
exec cargo +nightly miri test --lib -- memory:: abi:: --skip vfs:: "$@"
