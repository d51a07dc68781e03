//! Layer L0: preview1 as data.
//!
//! Everything that [`wasi_snapshot_preview1.witx`][witx] fixes as a number lives here: error
//! codes ([`errno`]), rights ([`rights`]), flags ([`flags`]), enumerations and scalar types
//! ([`types`]), and the bytes of each record in guest memory ([`record`]). [`snapshot0`] holds
//! what the older `wasi_unstable` lays out differently. Names are the witx's own, with one
//! capital: `Fdflags`, not `FdFlags`.
//!
//! May import: `bitflags`, nothing else. Does not belong here: guest memory, host error codes,
//! anything that does something. A record becomes an array of bytes and back; who owns those
//! bytes is for the layers above.
//!
//! [witx]: https://github.com/WebAssembly/WASI/tree/wasi-0.1/preview1/witx

pub mod errno;
pub mod flags;
pub mod record;
pub mod rights;
pub mod snapshot0;
pub mod types;

pub use errno::Errno;
pub use flags::{
    Eventrwflags, Fdflags, Fstflags, Lookupflags, Oflags, Riflags, Roflags, Sdflags, Siflags,
    Subclockflags,
};
pub use record::{
    Dirent, Event, EventFdReadwrite, Fdstat, Field, Filestat, Iovec, Prestat, RawSubscription,
    Record, Subscription, SubscriptionClock, SubscriptionFdReadwrite, SubscriptionU, UnknownCase,
};
pub use rights::{Rights, RightsPair};
pub use types::{
    Advice, Clockid, Device, Dircookie, Dirnamlen, Eventtype, Exitcode, Fd, Filedelta, Filesize,
    Filetype, Inode, Linkcount, Preopentype, Size, Timestamp, Userdata, Whence,
};

/// Which of the two ABIs a guest was compiled for.
///
/// It decides the name under which the functions are imported, and the layouts in which they
/// differ: those of [`snapshot0`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Snapshot {
    /// `wasi_unstable`, the snapshot before preview1.
    Snapshot0,
    /// `wasi_snapshot_preview1`.
    Preview1,
}
