use wasi_rs::abi::Errno;
use wasi_rs::syscalls::Trap;

use crate::support::Guest;

pub mod proc_exit {
    use super::*;

    #[test]
    pub fn works() {
        let guest = Guest::new();
        for code in [0, 1, 255, 256, u32::MAX] {
            let outcome = guest.call("proc_exit", [code.into()]);
            assert_eq!(outcome.result, Err(Trap::Exit(code)));
        }
    }

    /// Every exit code is accepted, and nothing else happens.
    #[test]
    pub fn refusals() {
        let guest = Guest::new();
        let outcome = guest.call("proc_exit", [126]);
        assert_eq!(outcome.result, Err(Trap::Exit(126)));
        guest.ok("sched_yield", []);
    }
}

pub mod proc_raise {
    use super::*;

    /// It always fails, as the process is the host. If it raised a signal, this test would be killed by 9
    /// (SIGKILL), 6 (SIGABRT) or 15 (SIGTERM).
    #[test]
    pub fn works() {
        let guest = Guest::new();
        for sig in 0..=31 {
            assert_eq!(guest.errno("proc_raise", [sig]), Errno::Notsup);
        }
    }

    #[test]
    pub fn refusals() {
        Guest::new().refuses(
            "proc_raise",
            &[
                ("no signal", vec![0], Errno::Notsup),
                ("a signal", vec![15], Errno::Notsup),
                (
                    "a number of no signal",
                    vec![u32::MAX.into()],
                    Errno::Notsup,
                ),
            ],
        );
    }
}
