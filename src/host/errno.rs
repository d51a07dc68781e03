//! From an error of the host to a WASI errno.

use std::io;

use super::sys;
use crate::abi::Errno;

/// Maps an [`io::Error`] to a WASI errno: by the code of the operating system, by the errno that it was
/// made of (`io::Error::other(errno)`), or by its kind. [`Errno::Io`] where nothing tells more.
pub fn errno(error: &io::Error) -> Errno {
    let made_of = || error.get_ref()?.downcast_ref().copied();
    match error.raw_os_error() {
        Some(code) => sys::errno_of_os(code),
        None => made_of().unwrap_or_else(|| match error.kind() {
            io::ErrorKind::PermissionDenied => Errno::Acces,
            io::ErrorKind::NotFound => Errno::Noent,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::NotADirectory => Errno::Notdir,
            io::ErrorKind::IsADirectory => Errno::Isdir,
            io::ErrorKind::WouldBlock => Errno::Again,
            io::ErrorKind::Interrupted => Errno::Intr,
            io::ErrorKind::Unsupported => Errno::Notsup,
            _ => Errno::Io,
        }),
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        errno(&error)
    }
}
