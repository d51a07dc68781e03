use wasi_rs::abi::Errno::Overflow;

use crate::support::{END, Guest, OUT, OUT2};

fn guest(env: &[&str]) -> Guest {
    Guest::with(|setup| setup.env = env.iter().map(|variable| (*variable).into()).collect())
}

pub mod environ_get {
    use super::*;

    #[test]
    pub fn works() {
        let guest = guest(&["A=1", "BC=", "="]);
        guest.call("environ_get", [OUT, OUT2]).wrote(&[
            (
                OUT,
                &[
                    0x00, 2, 0, 0, // environ[0]
                    0x04, 2, 0, 0, // environ[1]
                    0x08, 2, 0, 0, // environ[2]
                ],
            ),
            (OUT2, b"A=1\0BC=\0=\0"),
        ]);
    }

    #[test]
    pub fn refusals() {
        guest(&["A=1", "B=2"]).refuses(
            "environ_get",
            &[
                (
                    "the second pointer beyond memory",
                    vec![END - 4, OUT],
                    Overflow,
                ),
                ("a string beyond memory", vec![OUT, END - 7], Overflow),
            ],
        );
    }

    #[test]
    fn none_is_a_success() {
        guest(&[]).ok("environ_get", [OUT, OUT2]);
    }
}

pub mod environ_sizes_get {
    use super::*;

    #[test]
    pub fn works() {
        for (env, environc, environ_buf_size) in [(&[][..], 0, 0), (&["A=1", "BC="], 2, 8)] {
            guest(env).call("environ_sizes_get", [OUT, OUT2]).wrote(&[
                (OUT, &u32::to_le_bytes(environc)),
                (OUT2, &u32::to_le_bytes(environ_buf_size)),
            ]);
        }
    }

    #[test]
    pub fn refusals() {
        guest(&["A=1"]).refuses(
            "environ_sizes_get",
            &[
                ("the count beyond memory", vec![END - 3, OUT], Overflow),
                ("the size beyond memory", vec![OUT, END - 3], Overflow),
            ],
        );
    }
}
