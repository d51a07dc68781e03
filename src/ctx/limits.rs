use crate::abi::Size;
use crate::memory::MAX_IOVECS;

/// How much one guest may ask for. What goes beyond is refused with the errno named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Descriptors open at a time, preopens and standard streams among them: `ENFILE`.
    pub descriptors: usize,
    /// `iovec`s in one call, 1024 at most: `EINVAL`.
    pub iovecs: usize,
    /// Subscriptions in one `poll_oneoff`: `EINVAL`.
    pub subscriptions: Size,
    /// Bytes in a path, or in the target of a symbolic link: `ENAMETOOLONG`.
    pub path_len: Size,
    /// Symbolic links that the resolution of one path may go through: `ELOOP`.
    pub symlink_hops: u32,
}

impl Default for Limits {
    /// Limits that no honest program meets: those of Linux, where it has such a limit.
    fn default() -> Self {
        Self {
            descriptors: 4096,
            iovecs: MAX_IOVECS,
            subscriptions: 4096,
            path_len: 4095,
            symlink_hops: 40,
        }
    }
}
