use super::budget::budget;
use crate::abi::Size;
use crate::memory::MAX_IOVECS;

/// Limits of one guest. What goes beyond is refused with the errno named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Open descriptors, preopens and standard streams among them: `ENFILE`. All guests of the process together
    /// may have a quarter of what the process may.
    pub descriptors: usize,
    /// `iovec`s in one call, 1024 at most: `EINVAL`.
    pub iovecs: usize,
    /// Subscriptions in one `poll_oneoff`: `EINVAL`.
    pub subscriptions: Size,
    /// Bytes in a path, or in the target of a symbolic link: `ENAMETOOLONG`.
    pub path_len: Size,
    /// Symbolic links in the resolution of one path, 40 at most: `ELOOP`.
    pub symlink_hops: u32,
    /// Random bytes generated at a time, and so the host memory that `random_get` takes. How many a guest may
    /// ask for in a call is not limited.
    pub random_chunk: usize,
    /// Bytes of memory: a guest that has more is ended when that is noticed.
    pub memory: u64,
}

/// How many symbolic links the host follows in one path.
const HOST_SYMLINK_HOPS: u32 = 40;

impl Limits {
    /// Whether the limit of symbolic links is the host's own, so that the host may resolve a path.
    pub fn host_counts_hops(&self) -> bool {
        self.symlink_hops >= HOST_SYMLINK_HOPS
    }
}

impl Default for Limits {
    /// Limits that no honest program reaches: those of Linux where it has one.
    fn default() -> Self {
        Self {
            descriptors: default_descriptors(),
            iovecs: MAX_IOVECS,
            subscriptions: 4096,
            path_len: 4095,
            symlink_hops: HOST_SYMLINK_HOPS,
            random_chunk: 4096,
            memory: u64::MAX,
        }
    }
}

/// 4096, or the budget of all guests if that is less.
fn default_descriptors() -> usize {
    budget().min(4096) as usize
}
