pub mod random_get {
    use wasi_rs::abi::Errno::Overflow;

    use crate::support::{END, Guest, OUT};

    #[test]
    pub fn works() {
        let guest = Guest::new();
        // Shorter and longer than a chunk, and up to the last byte of memory.
        for (buf, buf_len) in [
            (OUT, 32),
            (OUT + 1, 4096),
            (OUT, 5000),
            (END - 33, 33),
            (0, END),
        ] {
            let fill = || {
                let outcome = guest.call("random_get", [buf, buf_len]);
                outcome
                    .wrote_within(&[(buf, buf_len)])
                    .bytes_at(buf, buf_len)
            };
            let (one, other) = (fill(), fill());
            for at in (0..buf_len as usize).step_by(16) {
                let end = (at + 16).min(buf_len as usize);
                let start = end.saturating_sub(16);
                assert_ne!(one[start..end], other[start..end], "{buf:#x} + {start}");
            }
        }
    }

    #[test]
    pub fn refusals() {
        Guest::new().refuses(
            "random_get",
            &[
                ("one byte too many", vec![OUT, END - OUT + 1], Overflow),
                (
                    "as many as there can be",
                    vec![OUT, u32::MAX.into()],
                    Overflow,
                ),
                (
                    "a pointer beyond memory",
                    vec![u32::MAX.into(), 1],
                    Overflow,
                ),
                ("no bytes at the end", vec![END, 0], Overflow),
            ],
        );
    }

    #[test]
    fn no_bytes_is_a_success() {
        Guest::new().ok("random_get", [END - 1, 0]);
    }
}
