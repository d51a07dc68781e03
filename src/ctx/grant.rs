use crate::abi::Rights;

/// What an embedder lets a guest do, over all that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The calls that it may make: a bit for each row of their table, the first the lowest.
    pub calls: u64,
    /// What it may do to the preopens, and to what is opened through them.
    pub preopens: Rights,
    /// What it may do to the standard streams.
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

    /// Both together.
    #[must_use]
    pub fn union(self, other: Grant) -> Grant {
        Grant {
            calls: self.calls | other.calls,
            preopens: self.preopens | other.preopens,
            stdio: self.stdio | other.stdio,
        }
    }
}
