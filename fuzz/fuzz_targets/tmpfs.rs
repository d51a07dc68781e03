#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use wasi_rs_fuzz::input;
use wasi_rs_fuzz::tmpfs::Tmpfs;

static TMPFS: LazyLock<Tmpfs> = LazyLock::new(Tmpfs::new);

fuzz_target!(|data: &[u8]| TMPFS.check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    input::mutate(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
});
