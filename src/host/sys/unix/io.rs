//! The system calls that read and write guest memory directly: no copy, and no reference into that memory.

#![allow(unsafe_code, reason = "the kernel gets addresses in guest memory")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::host::Direction;
use crate::memory::{HostIovec, Iovecs};

// A `HostIovec` is handed to the kernel as the `struct iovec` that it copies.
const _: () = {
    assert!(size_of::<HostIovec>() == size_of::<libc::iovec>());
    assert!(align_of::<HostIovec>() == align_of::<libc::iovec>());
    assert!(std::mem::offset_of!(HostIovec, base) == std::mem::offset_of!(libc::iovec, iov_base));
    assert!(std::mem::offset_of!(HostIovec, len) == std::mem::offset_of!(libc::iovec, iov_len));
};

/// Makes a system call that returns a count, and repeats it while a signal interrupts it.
fn count(mut call: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn iovec(bufs: &[HostIovec]) -> (*const libc::iovec, libc::c_int) {
    // `Iovecs` holds at most MAX_IOVECS, which fits an `int`.
    (bufs.as_ptr().cast(), bufs.len() as libc::c_int)
}

/// `readv(2)`, or `read(2)` for one buffer.
pub(super) fn read(fd: BorrowedFd<'_>, iovs: &Iovecs<'_>) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    iovs.with_host(|bufs| match bufs {
        // SAFETY: `with_host` vouches that the buffers are valid for writes until this returns; a guest
        // thread that touches them at the same time sees what it would see of the kernel's own threads.
        [buf] => count(|| unsafe { read1(fd, buf.base.cast(), buf.len) }),
        bufs => {
            let (iov, iovcnt) = iovec(bufs);
            // SAFETY: as above; `iov` points to `iovcnt` records of the layout asserted above.
            count(|| unsafe { libc::readv(fd, iov, iovcnt) })
        }
    })
}

/// `writev(2)`, or `write(2)` for one buffer.
pub(super) fn write(fd: BorrowedFd<'_>, ciovs: &Iovecs<'_>) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    ciovs.with_host(|bufs| match bufs {
        // SAFETY: `with_host` vouches that the buffers are valid for reads until this returns.
        [buf] => count(|| unsafe { write1(fd, buf.base.cast(), buf.len) }),
        bufs => {
            let (iov, iovcnt) = iovec(bufs);
            // SAFETY: as above; `iov` points to `iovcnt` records of the layout asserted above.
            count(|| unsafe { libc::writev(fd, iov, iovcnt) })
        }
    })
}

/// `preadv(2)`, or `pread(2)` for one buffer.
pub(super) fn read_at(fd: BorrowedFd<'_>, iovs: &Iovecs<'_>, offset: i64) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    iovs.with_host(|bufs| match bufs {
        // SAFETY: `with_host` vouches that the buffers are valid for writes until this returns.
        [buf] => count(|| unsafe { pread(fd, buf.base.cast(), buf.len, offset) }),
        bufs => {
            let (iov, iovcnt) = iovec(bufs);
            // SAFETY: as above; `iov` points to `iovcnt` records of the layout asserted above.
            count(|| unsafe { preadv(fd, iov, iovcnt, offset) })
        }
    })
}

/// `pwritev(2)`, or `pwrite(2)` for one buffer.
pub(super) fn write_at(fd: BorrowedFd<'_>, ciovs: &Iovecs<'_>, offset: i64) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    ciovs.with_host(|bufs| match bufs {
        // SAFETY: `with_host` vouches that the buffers are valid for reads until this returns.
        [buf] => count(|| unsafe { pwrite(fd, buf.base.cast(), buf.len, offset) }),
        bufs => {
            let (iov, iovcnt) = iovec(bufs);
            // SAFETY: as above; `iov` points to `iovcnt` records of the layout asserted above.
            count(|| unsafe { pwritev(fd, iov, iovcnt, offset) })
        }
    })
}

/// `preadv2(2)` or `pwritev2(2)` with `RWF_NOWAIT`: transfers what it can without blocking, or `EAGAIN`. `at`
/// is the offset; `None` is the file's own.
#[cfg(target_os = "linux")]
pub(super) fn nowait(
    fd: BorrowedFd<'_>,
    direction: Direction,
    iovs: &Iovecs<'_>,
    at: Option<i64>,
) -> io::Result<usize> {
    let call = match direction {
        Direction::Read => libc::SYS_preadv2,
        Direction::Write => libc::SYS_pwritev2,
    };
    // The offset is passed as two halves; a 64-bit kernel uses only the first.
    let at = at.unwrap_or(-1);
    let (low, high) = (at as libc::c_long, (at >> 32) as libc::c_long);
    let (fd, flags) = (fd.as_raw_fd(), libc::RWF_NOWAIT);
    iovs.with_host(|bufs| {
        let (iov, iovcnt) = iovec(bufs);
        // SAFETY: `with_host` vouches that the buffers are valid for reads and writes until this returns,
        // and `iov` points to `iovcnt` records of the layout asserted above.
        count(|| unsafe { libc::syscall(call, fd, iov, iovcnt, low, high, flags) as isize })
    })
}

/// Only on Linux.
#[cfg(not(target_os = "linux"))]
pub(super) fn nowait(
    _: BorrowedFd<'_>,
    _: Direction,
    _: &Iovecs<'_>,
    _: Option<i64>,
) -> io::Result<usize> {
    Err(rustix::io::Errno::OPNOTSUPP.into())
}

/// Calls with one buffer, made directly: libc's functions are cancellation points, which costs time in such
/// frequent calls, and no thread is cancelled here.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod direct {
    use libc::{c_int, c_void, off_t, size_t, ssize_t};

    macro_rules! direct {
        ($($name:ident = $number:ident($($arg:ident: $Type:ty),*);)*) => {
            $(
                /// # Safety
                ///
                /// The buffer is valid for so many bytes.
                pub unsafe fn $name($($arg: $Type),*) -> ssize_t {
                    // SAFETY: the caller's; the kernel has each argument in a register of its own.
                    unsafe { libc::syscall(libc::$number, $($arg),*) as ssize_t }
                }
            )*
        };
    }

    direct! {
        read = SYS_read(fd: c_int, buf: *mut c_void, count: size_t);
        write = SYS_write(fd: c_int, buf: *const c_void, count: size_t);
        pread = SYS_pread64(fd: c_int, buf: *mut c_void, count: size_t, offset: off_t);
        pwrite = SYS_pwrite64(fd: c_int, buf: *const c_void, count: size_t, offset: off_t);
    }
}
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use direct::{pread, pwrite, read as read1, write as write1};
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
use libc::{read as read1, write as write1};

// Where `off_t` has 32 bits, the functions without `64` in their names would cut off the offset.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use libc::{pread, preadv, pwrite, pwritev};
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(all(target_os = "linux", target_pointer_width = "64"))
))]
use libc::{pread64 as pread, pwrite64 as pwrite};
#[cfg(any(target_os = "linux", target_os = "android"))]
use libc::{preadv64 as preadv, pwritev64 as pwritev};

/// `recvmsg(2)`. Returns the number of bytes, and the flags of the message.
pub(super) fn recv(
    fd: BorrowedFd<'_>,
    iovs: &Iovecs<'_>,
    flags: libc::c_int,
) -> io::Result<(usize, libc::c_int)> {
    iovs.with_host(|bufs| {
        let mut message = message(bufs);
        // SAFETY: the message has no name and no control data, and `with_host` vouches for its buffers.
        let received = count(|| unsafe { libc::recvmsg(fd.as_raw_fd(), &mut message, flags) })?;
        Ok((received, message.msg_flags))
    })
}

/// `sendmsg(2)`.
pub(super) fn send(
    fd: BorrowedFd<'_>,
    ciovs: &Iovecs<'_>,
    flags: libc::c_int,
) -> io::Result<usize> {
    ciovs.with_host(|bufs| {
        let message = message(bufs);
        // SAFETY: the message has no name and no control data, and `with_host` vouches for its buffers.
        count(|| unsafe { libc::sendmsg(fd.as_raw_fd(), &message, flags) })
    })
}

fn message(bufs: &[HostIovec]) -> libc::msghdr {
    // SAFETY: null pointers and zero lengths are what a `msghdr` without name and control data is.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = bufs.as_ptr().cast_mut().cast();
    message.msg_iovlen = bufs.len() as _;
    message
}

/// `ioctl(fd, FIONREAD)`: the bytes that can be read from a pipe or socket at once.
pub(super) fn bytes_readable(fd: BorrowedFd<'_>) -> Option<u64> {
    let mut nbytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one `int`.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &mut nbytes) };
    (result == 0).then_some(nbytes.max(0) as u64)
}

/// `ioctl(fd, TIOCGDEV)`: the device of a terminal, whatever name it was opened by. For the master of a
/// pseudo-terminal, that of the slave; its number where there is only `TIOCGPTN`, as under qemu-user.
#[cfg(target_os = "linux")]
pub(super) fn terminal_device(fd: BorrowedFd<'_>) -> Option<u64> {
    [libc::TIOCGDEV, libc::TIOCGPTN]
        .into_iter()
        .find_map(|request| {
            let mut device: libc::c_uint = 0;
            // SAFETY: either request writes one `unsigned int`.
            let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, &mut device) };
            (result == 0).then_some(device.into())
        })
}

/// Only on Linux: elsewhere each pseudo-terminal has a device of its own.
#[cfg(not(target_os = "linux"))]
pub(super) fn terminal_device(_: BorrowedFd<'_>) -> Option<u64> {
    None
}

/// The embedder's descriptor with this number.
///
/// It stays the embedder's: it is never closed here, and as with node:wasi the embedder must keep it open while
/// the guest runs.
pub(super) fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    debug_assert!(fd >= 0);
    // SAFETY: not -1. Should the embedder close the number, then what is called on it fails, or
    // reaches what the embedder opened in its place: never memory.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Ignores `SIGXFSZ`, so that a write beyond the process's limit of file size fails with `EFBIG` instead of
/// ending the process.
///
/// It is ignored, not handled, as code of an addon may be unloaded. A handler that is set already is kept.
pub fn ignore_file_size_signal() {
    // SAFETY: a `sigaction` of zeros is one with the default action and no flags; both are valid for
    // the call. To ignore a signal runs no code.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let found = libc::sigaction(libc::SIGXFSZ, std::ptr::null(), &mut action);
        if found == 0 && action.sa_sigaction == libc::SIG_DFL {
            action.sa_sigaction = libc::SIG_IGN;
            libc::sigaction(libc::SIGXFSZ, &action, std::ptr::null_mut());
        }
    }
}

/// The number of forks that this process came out of: it differs between parent and child.
pub fn fork_generation() -> u64 {
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    static REGISTERED: Once = Once::new();
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Relaxed);
    }
    REGISTERED.call_once(|| {
        // SAFETY: the handler adds to an atomic, which is safe after a fork, and lives as long as
        // this library: its handlers are dropped by libc when a library is unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    GENERATION.load(Relaxed)
}
