//! Layer L0: preview1 as data.
//!
//! Everything that [`wasi_snapshot_preview1.witx`][witx] fixes as a number lives here: error
//! codes ([`errno`]), rights ([`rights`]), flags ([`flags`]), enumerations and scalar types
//! ([`types`]), and the bytes of each record in guest memory ([`record`]). [`snapshot0`] holds
//! the layouts of the older `wasi_unstable` that differ; calls that take or give such a record are
//! generic over [`Layout`]. Names are the witx's own, with one capital: `Fdflags`, not `FdFlags`.
//!
//! Imports only `bitflags`. Guest memory, host error codes and side effects do not belong here. A record is
//! converted to an array of bytes and back; copying those to and from guest memory is done by the layers above.
//!
//! [witx]: https://github.com/WebAssembly/WASI/tree/wasi-0.1/preview1/witx

pub mod errno;
pub mod flags;
mod layout;
pub mod record;
pub mod rights;
pub mod snapshot0;
pub mod types;

pub use errno::Errno;
pub use flags::{
    Eventrwflags, Fdflags, Fstflags, Lookupflags, Oflags, Riflags, Roflags, Sdflags, Siflags,
    Subclockflags,
};
pub use layout::{Layout, Preview1, Snapshot0};
pub use record::{
    Dirent, Event, EventFdReadwrite, Fdstat, Field, Filestat, Iovec, Prestat, RawSubscription,
    Record, Subscription, SubscriptionClock, SubscriptionFdReadwrite, SubscriptionU, UnknownCase,
};
pub use rights::{Rights, RightsPair};
pub use types::{
    Advice, Clockid, Device, Dircookie, Dirnamlen, Eventtype, Exitcode, Fd, Filedelta, Filesize,
    Filetype, Inode, Linkcount, Preopentype, Size, Timestamp, Userdata, Whence,
};

/// A version of the ABI. A guest imports the functions of each under a module name of its own, and may import those
/// of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Snapshot {
    /// Snapshot 0, imported as `wasi_unstable`.
    Snapshot0,
    /// Preview 1, imported as `wasi_snapshot_preview1`.
    Preview1,
}
