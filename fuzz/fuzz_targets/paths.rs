#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wasi_rs_fuzz::paths::Guest;
use wasi_rs_fuzz::portable;

static GUEST: LazyLock<Guest> = LazyLock::new(Guest::new);

fuzz_target!(
    init: {
        portable::deny_openat2_if_asked();
    },
    |data: &[u8]| GUEST.check(data)
);
