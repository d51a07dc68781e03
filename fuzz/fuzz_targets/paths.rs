#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wasi_rs_fuzz::paths::Guest;
use wasi_rs_fuzz::{play, portable};

struct Shared(Guest);

static GUEST: LazyLock<Shared> = LazyLock::new(|| Shared(Guest::new()));

fuzz_target!(
    init: {
        play::prepare_process();
        portable::deny_openat2_if_asked();
    },
    |data: &[u8]| GUEST.0.check(data)
);
