#!/bin/sh
# The unit tests of the layers that touch guest memory and its records, under
# Miri, which sees undefined behaviour. The layers above call the host, which
# Miri does not have.
set -eu
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo 'miri: skipped, the component is missing:' \
    'rustup +nightly component add miri rust-src' >&2
  exit 0
fi

# Guest memory is reached by addresses that are checked numbers, as the guest
# passes them: pointers with a provenance of their own all the same.
MIRIFLAGS="-Zmiri-strict-provenance ${MIRIFLAGS:-}"
export MIRIFLAGS
exec cargo +nightly miri test --lib -- memory:: abi:: --skip vfs:: "$@"
