//! What an error of the host is called by the guest.

use std::io;

use super::sys;
use crate::abi::Errno;

/// The guest's word for an error of the host.
///
/// An operation that would have left its directory is "permission denied" without a number of the
/// operating system, which sets it apart from a real EACCES: the guest sees [`Errno::Notcapable`].
pub fn errno(error: &io::Error) -> Errno {
    match error.raw_os_error() {
        Some(code) => sys::errno_of_os(code),
        None => match error.kind() {
            io::ErrorKind::PermissionDenied => Errno::Notcapable,
            io::ErrorKind::NotFound => Errno::Noent,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::NotADirectory => Errno::Notdir,
            io::ErrorKind::IsADirectory => Errno::Isdir,
            io::ErrorKind::WouldBlock => Errno::Again,
            io::ErrorKind::Interrupted => Errno::Intr,
            io::ErrorKind::Unsupported => Errno::Notsup,
            _ => Errno::Io,
        },
    }
}

/// Whether the error says that a path leads out of the directory it is to stay in, or may do so for all
/// that the host can tell in one call.
pub fn is_escape(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.kind() == io::ErrorKind::PermissionDenied
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        errno(&error)
    }
}
