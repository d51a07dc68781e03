//! The WASI errno of an error of the host.

use std::io;

use super::sys;
use crate::abi::Errno;

/// The WASI errno of an [`io::Error`]: by the error code of the operating system, by the errno in it
/// (`io::Error::other(errno)`), or by its kind. [`Errno::Io`] if none of them is known.
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
