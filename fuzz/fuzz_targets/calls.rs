#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use wasi_rs_fuzz::play::{self, play};
use wasi_rs_fuzz::scratch::Scratch;
use wasi_rs_fuzz::{input, portable};

static SCRATCH: LazyLock<Mutex<Scratch>> = LazyLock::new(|| {
    // With the first input, as the fuzzer has set its own signal handlers by then.
    play::prepare_process();
    Mutex::new(Scratch::new())
});

fuzz_target!(
    init: {
        portable::deny_openat2_if_asked();
    },
    |data: &[u8]| play(&mut SCRATCH.lock().unwrap(), data)
);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    input::mutate(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
});
