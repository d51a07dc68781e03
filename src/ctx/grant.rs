use crate::abi::Rights;

/// What an embedder allows a guest, whatever the guest has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The calls that it may make: a bit for each row of the table of calls, the first row the lowest.
    pub calls: u64,
    /// The rights of the preopens, and of what is opened through them.
    pub preopens: Rights,
    /// The rights of the standard streams.
    pub stdio: Rights,
}

impl Grant {
    /// Everything.
    pub const ALL: Grant = Grant {
        calls: u64::MAX,
        preopens: Rights::all(),
        stdio: Rights::all(),
    };

    /// Nothing.
    pub const NONE: Grant = Grant {
        calls: 0,
        preopens: Rights::empty(),
        stdio: Rights::empty(),
    };

    /// The union of both.
    #[must_use]
    pub fn union(self, other: Grant) -> Grant {
        Grant {
            calls: self.calls | other.calls,
            preopens: self.preopens | other.preopens,
            stdio: self.stdio | other.stdio,
        }
    }
}
