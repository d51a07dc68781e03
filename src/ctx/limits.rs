use super::budget::budget;
use crate::abi::Size;
use crate::memory::MAX_IOVECS;

/// How much one guest may ask for. What goes beyond is refused with the errno named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Descriptors open at a time, preopens and standard streams among them: `ENFILE`. All guests of the
    /// process together may open a quarter of what the process may.
    pub descriptors: usize,
    /// `iovec`s in one call, 1024 at most: `EINVAL`.
    pub iovecs: usize,
    /// Subscriptions in one `poll_oneoff`: `EINVAL`.
    pub subscriptions: Size,
    /// Bytes in a path, or in the target of a symbolic link: `ENAMETOOLONG`.
    pub path_len: Size,
    /// Symbolic links that the resolution of one path may go through, 40 at most: `ELOOP`.
    pub symlink_hops: u32,
    /// Random bytes made at a time, and so the room that `random_get` takes of the host; how many a
    /// guest asks for in a call has no limit.
    pub random_chunk: usize,
    /// Bytes of memory, as far as its growth is noticed: a guest that has more is ended.
    pub memory: u64,
}

/// The symbolic links that the host itself goes through before it gives a path up.
const HOST_SYMLINK_HOPS: u32 = 40;

impl Limits {
    /// Whether the host keeps to the limit of symbolic links when it resolves a path by itself.
    pub fn host_counts_hops(&self) -> bool {
        self.symlink_hops >= HOST_SYMLINK_HOPS
    }
}

impl Default for Limits {
    /// Limits that no honest program meets: those of Linux, where it has such a limit.
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

/// So many that no guest which uses them all takes more than all guests together may.
fn default_descriptors() -> usize {
    budget().min(4096) as usize
}
