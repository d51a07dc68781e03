use wasi_rs::abi::Errno::{Inval, Overflow};

use crate::support::{END, Guest, OUT};

const REALTIME: u64 = 0;
const MONOTONIC: u64 = 1;
const PROCESS_CPUTIME: u64 = 2;
const THREAD_CPUTIME: u64 = 3;
const CLOCKS: [u64; 4] = [REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME];

/// Numbers that are no clock, the first one among them.
const NONE: [u64; 3] = [4, 256, u32::MAX as u64];

pub mod clock_res_get {
    use super::*;

    #[test]
    pub fn works() {
        let guest = Guest::new();
        for id in CLOCKS {
            let resolution = guest.record::<u64>("clock_res_get", &[id]);
            assert!(
                (1..=1_000_000_000).contains(&resolution),
                "{id}: {resolution}"
            );
        }
    }

    #[test]
    pub fn refusals() {
        let guest = Guest::new();
        guest.refuses(
            "clock_res_get",
            &[
                (
                    "the result beyond memory",
                    vec![REALTIME, END - 7],
                    Overflow,
                ),
                (
                    "the result beyond memory, and no clock",
                    vec![4, END - 7],
                    Overflow,
                ),
            ],
        );
        for id in NONE {
            guest.refuses("clock_res_get", &[("no clock", vec![id, OUT], Inval)]);
        }
    }
}

pub mod clock_time_get {
    use super::*;

    fn now(guest: &Guest, id: u64) -> u64 {
        guest.record("clock_time_get", &[id, 0])
    }

    #[test]
    pub fn works() {
        let guest = Guest::new();
        for id in CLOCKS {
            let first = now(&guest, id);
            assert!(id == REALTIME || first <= now(&guest, id), "{id} went back");
        }
    }

    #[test]
    pub fn refusals() {
        let guest = Guest::new();
        guest.refuses(
            "clock_time_get",
            &[
                (
                    "the result beyond memory",
                    vec![MONOTONIC, 0, END - 7],
                    Overflow,
                ),
                (
                    "the result beyond memory, and no clock",
                    vec![4, 0, END - 7],
                    Overflow,
                ),
            ],
        );
        for id in NONE {
            guest.refuses("clock_time_get", &[("no clock", vec![id, 0, OUT], Inval)]);
        }
    }

    #[test]
    fn realtime_counts_from_1970() {
        let since_1970 = || {
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_nanos() as u64
        };
        let guest = Guest::new();
        let before = since_1970();
        let time = now(&guest, REALTIME);
        // Also true if the clock is set meanwhile: epochs are further apart.
        assert!(time.abs_diff(before) < 24 * 3600 * 1_000_000_000);
    }

    #[test]
    fn precision_may_be_anything() {
        let guest = Guest::new();
        for precision in [1, 1 << 63, u64::MAX] {
            guest.record::<u64>("clock_time_get", &[MONOTONIC, precision]);
        }
    }

    #[test]
    fn cpu_clocks_count_work() {
        let guest = Guest::new();
        for id in [PROCESS_CPUTIME, THREAD_CPUTIME] {
            let start = now(&guest, id);
            while now(&guest, id) == start {}
        }
    }
}
