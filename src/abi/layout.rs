use core::convert::Infallible;

use super::record::{Filestat, RawSubscription, Record, Subscription};
use super::snapshot0;
use super::types::Whence;

/// The types and numbers that differ between the snapshots. A call that takes or returns one has a function for
/// each snapshot.
pub trait Layout {
    /// The layout of `filestat`.
    type Filestat: Record;

    /// The layout of `subscription`.
    type RawSubscription: Record<Error = Infallible>;

    /// These attributes in that layout.
    fn filestat(filestat: &Filestat) -> Self::Filestat;

    /// The subscription, or `None` if its tag is not an [`Eventtype`](super::Eventtype).
    fn subscription(raw: &Self::RawSubscription) -> Option<Subscription>;

    /// The `whence` with this number.
    fn whence(raw: u32) -> Option<Whence>;
}

/// The layouts of [`record`](super::record).
pub enum Preview1 {}

impl Layout for Preview1 {
    type Filestat = Filestat;
    type RawSubscription = RawSubscription;

    fn filestat(filestat: &Filestat) -> Filestat {
        *filestat
    }

    fn subscription(raw: &RawSubscription) -> Option<Subscription> {
        raw.subscription()
    }

    fn whence(raw: u32) -> Option<Whence> {
        Whence::from_raw(raw)
    }
}

/// The layouts of [`snapshot0`].
pub enum Snapshot0 {}

impl Layout for Snapshot0 {
    type Filestat = snapshot0::Filestat;
    type RawSubscription = snapshot0::RawSubscription;

    fn filestat(filestat: &Filestat) -> snapshot0::Filestat {
        filestat.into()
    }

    fn subscription(raw: &snapshot0::RawSubscription) -> Option<Subscription> {
        raw.subscription()
    }

    fn whence(raw: u32) -> Option<Whence> {
        snapshot0::whence(raw)
    }
}
