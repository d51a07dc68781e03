//! The known differences between a guest's errno and that of Linux, with their reasons.

use std::collections::BTreeSet;

use wasi_rs::abi::Errno;

use crate::calls::{Call, Found};

struct Known {
    name: &'static str,
    /// For how many paths of the calls it applies.
    paths: usize,
    guest: Errno,
    linux: Errno,
    applies: fn(&Call) -> bool,
}

const KNOWN: &[Known] = &[
    // The specification has no empty paths, and this is node:wasi's errno for them.
    Known {
        name: "no path",
        paths: 1,
        guest: Errno::Inval,
        linux: Errno::Noent,
        applies: |call| call.paths().contains(&""),
    },
    Known {
        name: "a link to no path",
        paths: 1,
        guest: Errno::Inval,
        linux: Errno::Noent,
        applies: |call| matches!(call, Call::Symlink(target, _) if target.is_empty()),
    },
];

/// The name of the known difference, if it is one.
pub fn difference(
    call: &Call,
    guest: &Result<Found, Errno>,
    linux: &Result<Found, Errno>,
) -> Option<&'static str> {
    let (Err(guest), Err(linux)) = (guest, linux) else {
        return None;
    };
    (KNOWN.iter())
        .find(|known| known.guest == *guest && known.linux == *linux && (known.applies)(call))
        .map(|known| known.name)
}

/// Asserts that each difference that applies to so many paths was found.
#[track_caller]
pub fn are_met(met: &BTreeSet<&'static str>, paths: usize) {
    for known in KNOWN.iter().filter(|known| known.paths == paths) {
        assert!(met.contains(known.name), "{} is no difference", known.name);
    }
}
