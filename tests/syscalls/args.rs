use wasi_rs::abi::Errno::Overflow;

use crate::support::{END, Guest, OUT, OUT2};

fn guest(args: &[&str]) -> Guest {
    Guest::with(|setup| setup.args = args.iter().map(|arg| (*arg).into()).collect())
}

pub mod args_get {
    use super::*;

    #[test]
    pub fn works() {
        let guest = guest(&["ls", "", "-l"]);
        guest.call("args_get", [OUT, OUT2]).wrote(&[
            (
                OUT,
                &[
                    0x00, 2, 0, 0, // argv[0]
                    0x03, 2, 0, 0, // argv[1]
                    0x04, 2, 0, 0, // argv[2]
                ],
            ),
            (OUT2, b"ls\0\0-l\0"),
        ]);
    }

    #[test]
    pub fn refusals() {
        guest(&["ls", "-l"]).refuses(
            "args_get",
            &[
                (
                    "the second pointer beyond memory",
                    vec![END - 4, OUT],
                    Overflow,
                ),
                ("a string beyond memory", vec![OUT, END - 5], Overflow),
                (
                    "both pointers beyond memory",
                    vec![u32::MAX.into(), END],
                    Overflow,
                ),
            ],
        );
    }

    #[test]
    fn the_last_byte_of_memory_is_used() {
        let guest = guest(&["ls"]);
        guest
            .call("args_get", [OUT, END - 3])
            .wrote(&[(OUT, &[0xfd, 0xff, 0, 0]), (END - 3, b"ls\0")]);
        guest
            .call("args_get", [END - 4, OUT])
            .wrote(&[(OUT, b"ls\0"), (END - 4, &[0, 1, 0, 0])]);
    }

    #[test]
    fn none_is_a_success() {
        guest(&[]).ok("args_get", [OUT, OUT2]);
    }

    #[test]
    fn an_argument_ends_at_its_first_nul() {
        let guest = guest(&["a\0b", "c"]);
        let pointers = [0, 2, 0, 0, 2, 2, 0, 0];
        guest
            .call("args_get", [OUT, OUT2])
            .wrote(&[(OUT, &pointers), (OUT2, b"a\0c\0")]);
    }
}

pub mod args_sizes_get {
    use super::*;

    #[test]
    pub fn works() {
        for (args, argc, argv_buf_size) in [
            (&[][..], 0, 0),
            (&[""], 1, 1),
            (&["ls", "", "-l"], 3, 7),
            (&["a\0b", "ü"], 2, 5),
        ] {
            guest(args).call("args_sizes_get", [OUT, OUT2]).wrote(&[
                (OUT, &u32::to_le_bytes(argc)),
                (OUT2, &u32::to_le_bytes(argv_buf_size)),
            ]);
        }
    }

    #[test]
    pub fn refusals() {
        guest(&["ls"]).refuses(
            "args_sizes_get",
            &[
                ("the count beyond memory", vec![END - 3, OUT], Overflow),
                ("the size beyond memory", vec![OUT, END - 3], Overflow),
            ],
        );
    }
}
