//! The system calls that read and write guest memory directly: no copy, and no reference into that memory.

#![allow(unsafe_code, reason = "the kernel gets addresses in guest memory")]

use std::cell::OnceCell;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, AsRawSocket, BorrowedHandle, BorrowedSocket};
use std::ptr::null_mut;

use smallvec::SmallVec;
use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_HANDLE_EOF, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_MORE_DATA,
    ERROR_NO_DATA, ERROR_OPERATION_ABORTED, ERROR_PIPE_NOT_CONNECTED, GetLastError, HANDLE,
    SetLastError,
};
use windows_sys::Win32::Networking::WinSock::{
    SOCKET, WSABUF, WSAEMSGSIZE, WSAESHUTDOWN, WSAGetLastError, WSARecv, WSASend,
};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{
    CancelIoEx, GetOverlappedResult, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0,
};
use windows_sys::core::BOOL;

use super::Event;
use super::errno::{error, is, would_block};
use crate::host::Interrupt;
use crate::memory::{HostIovec, Iovecs};

/// The place of a read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At an offset of a file. Afterwards the position of the handle is behind what was transferred.
    Offset(u64),
    /// At the end of a file. Afterwards the position of the handle is behind what was written.
    End,
    /// At the position of the handle in a file.
    Position,
    /// On a console or another device, which has no offsets.
    Device,
    /// On a pipe or a socket, which have no offsets.
    Stream,
}

impl At {
    /// The place `len` bytes later.
    fn advance(self, len: usize) -> Self {
        match self {
            At::Offset(offset) => At::Offset(offset.saturating_add(len as u64)),
            other => other,
        }
    }

    /// Whether it is in a file, where a read does not block before the end.
    fn is_file(self) -> bool {
        matches!(self, At::Offset(_) | At::End | At::Position)
    }
}

/// `readv(2)` or `preadv(2)`. If a read may block, only one buffer is filled: the next read returns the rest.
pub(super) fn read(handle: BorrowedHandle<'_>, iovs: &Iovecs<'_>, at: At) -> io::Result<usize> {
    let more = at.is_file();
    each(
        iovs,
        at,
        || more,
        |buf, at| {
            match transfer(handle, at, |handle, nread, overlapped| {
                // SAFETY: `with_host` vouches that the buffer is valid for writes until this returns, and
                // `transfer` that `nread` and `overlapped` are, and that the call is over when it
                // returns. A guest thread that touches the buffer at the same time sees what it would see
                // of the kernel's own threads.
                unsafe { ReadFile(handle, buf.base, len(buf), nread, overlapped) }
            }) {
                Err(error) if END.iter().any(|end| is(&error, *end)) => Ok(0),
                // A non-blocking pipe without data.
                Err(error) if is(&error, ERROR_NO_DATA) => Err(would_block()),
                result => result,
            }
        },
    )
}

/// The errors of a read at the end.
const END: [u32; 3] = [
    ERROR_HANDLE_EOF,
    ERROR_BROKEN_PIPE,
    ERROR_PIPE_NOT_CONNECTED,
];

/// `writev(2)` or `pwritev(2)`.
pub(super) fn write(
    handle: BorrowedHandle<'_>,
    ciovs: &Iovecs<'_>,
    at: At,
    interrupt: &Interrupt,
) -> io::Result<usize> {
    let more = || interrupt.check().is_ok();
    each(ciovs, at, more, |buf, at| {
        let nwritten = transfer(handle, at, |handle, nwritten, overlapped| {
            // SAFETY: as for `ReadFile`, with buffers valid for reads.
            unsafe { WriteFile(handle, buf.base, len(buf), nwritten, overlapped) }
        })?;
        match nwritten {
            // A non-blocking pipe without room.
            0 if at == At::Stream => Err(would_block()),
            nwritten => Ok(nwritten),
        }
    })
}

/// The length of a buffer, at most what one call can transfer.
fn len(buf: &HostIovec) -> u32 {
    buf.len.try_into().unwrap_or(u32::MAX)
}

/// Makes a call for each buffer that is not empty, until one transfers less than its length; without `more`,
/// only for the first. An error after some bytes is not reported, as the next call returns it again.
fn each(
    iovs: &Iovecs<'_>,
    mut at: At,
    more: impl Fn() -> bool,
    mut call: impl FnMut(&HostIovec, At) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut total = 0;
    for buf in iovs.bufs().iter().filter(|buf| !buf.is_empty()) {
        let count = match buf.with_host(|buf| call(&buf, at)) {
            Ok(count) => count,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        total += count;
        at = at.advance(count);
        if count < buf.len() || !more() {
            break;
        }
    }
    Ok(total)
}

/// Makes one call of `ReadFile` or `WriteFile`, and waits until it has completed.
///
/// `call` gets the handle, a place for the count, and an `OVERLAPPED`, which is null for the position of the
/// handle. Both addresses are valid until the call has completed.
fn transfer(
    handle: BorrowedHandle<'_>,
    at: At,
    call: impl Fn(HANDLE, *mut u32, *mut OVERLAPPED) -> BOOL,
) -> io::Result<usize> {
    match at {
        At::Position => direct(handle, call),
        At::Device => loop {
            // SAFETY: the call takes any number, and no memory.
            unsafe { SetLastError(0) };
            let count = direct(handle, &call)?;
            // A console breaks a read off for Ctrl+C and calls that a success.
            // SAFETY: the call takes nothing.
            if count > 0 || unsafe { GetLastError() } != ERROR_OPERATION_ABORTED {
                return Ok(count);
            }
        },
        At::Offset(offset) => with_event(|event| overlapped(handle, offset, event, call)),
        At::End => with_event(|event| overlapped(handle, u64::MAX, event, call)),
        At::Stream => with_event(|event| overlapped(handle, 0, event, call)),
    }
}

/// A call that completes before it returns. On a handle that was opened for overlapped I/O, and is not a
/// pipe's, the kernel refuses one without an offset.
fn direct(
    handle: BorrowedHandle<'_>,
    call: impl Fn(HANDLE, *mut u32, *mut OVERLAPPED) -> BOOL,
) -> io::Result<usize> {
    let mut count = 0;
    if call(handle.as_raw_handle(), &mut count, null_mut()) == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(count as usize)
}

/// A call that may be pending when it returns, as on a handle that was opened for overlapped I/O: Node's own
/// pipes are. It sets `event` when it has completed.
fn overlapped(
    handle: BorrowedHandle<'_>,
    offset: u64,
    event: &Event,
    call: impl Fn(HANDLE, *mut u32, *mut OVERLAPPED) -> BOOL,
) -> io::Result<usize> {
    let mut overlapped = OVERLAPPED {
        Internal: 0,
        InternalHigh: 0,
        Anonymous: OVERLAPPED_0 {
            Anonymous: OVERLAPPED_0_0 {
                Offset: offset as u32,
                OffsetHigh: (offset >> 32) as u32,
            },
        },
        // The lowest bit is no part of the handle. It keeps the completion of this call from the completion
        // port of others that use the pipe: libuv would take it for one of its own calls.
        hEvent: event
            .as_handle()
            .as_raw_handle()
            .map_addr(|address| address | 1),
    };
    // The kernel writes there as well, so there must be no reference to it.
    let overlapped = &raw mut overlapped;
    let handle = handle.as_raw_handle();
    let mut count = 0;
    if call(handle, &mut count, overlapped) != 0 {
        return Ok(count as usize);
    }
    loop {
        // SAFETY: the call takes nothing.
        match unsafe { GetLastError() } {
            // Until the call has completed, the kernel writes to `overlapped` and to the buffer, so this must
            // wait for it. The event is ours, so the wait does not fail.
            ERROR_IO_PENDING | ERROR_IO_INCOMPLETE => {}
            // A message that is longer than the buffer, which then is full; the rest can be read.
            // SAFETY: the call is over, and the kernel has written what it did.
            ERROR_MORE_DATA => return Ok(unsafe { (*overlapped).InternalHigh }),
            code => return Err(error(code)),
        }
        // SAFETY: `overlapped` is that of the call that is under way on this handle.
        if unsafe { GetOverlappedResult(handle, overlapped, &mut count, 1) } != 0 {
            return Ok(count as usize);
        }
    }
}

/// Makes a call with the event of this thread. No other call uses it meanwhile, as each call is waited for.
fn with_event<T>(call: impl FnOnce(&Event) -> io::Result<T>) -> io::Result<T> {
    thread_local!(static EVENT: OnceCell<Event> = const { OnceCell::new() });
    EVENT.with(|cell| {
        if let Some(event) = cell.get() {
            return call(event);
        }
        let event = Event::new()?;
        call(cell.get_or_init(|| event))
    })
}

/// A `ReadFile` of no bytes from a pipe. It completes when there are bytes to read, or the other end is closed.
#[derive(Debug)]
pub(super) struct Arrival<'h> {
    handle: BorrowedHandle<'h>,
    event: Event,
    /// Used by the kernel while the read is pending.
    overlapped: *mut OVERLAPPED,
}

impl<'h> Arrival<'h> {
    /// Starts to wait for data in a pipe that was opened for overlapped I/O.
    pub fn of(handle: BorrowedHandle<'h>) -> io::Result<Self> {
        let event = Event::new()?;
        let overlapped = Box::into_raw(Box::new(OVERLAPPED {
            hEvent: event.as_handle().as_raw_handle(),
            ..OVERLAPPED::default()
        }));
        // From here on, dropping it cancels the read.
        let arrival = Self {
            handle,
            event,
            overlapped,
        };
        let nothing = overlapped.cast();
        // SAFETY: no byte is written to the buffer; `overlapped` is freed when the read is over.
        let over = unsafe { ReadFile(handle.as_raw_handle(), nothing, 0, null_mut(), overlapped) };
        // SAFETY: the call takes nothing.
        if over != 0 || unsafe { GetLastError() } != ERROR_IO_PENDING {
            arrival.event.set();
        }
        Ok(arrival)
    }

    /// The event that is set when it completes.
    pub fn event(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let (handle, mut count) = (self.handle.as_raw_handle(), 0);
        // SAFETY: the read is of this handle, which is open. It fails where that is over.
        unsafe { CancelIoEx(handle, self.overlapped) };
        // SAFETY: likewise; when the call returns, the kernel is done with it, as the event is ours and not
        // waited for in vain: it was set where there was nothing to wait for.
        unsafe { GetOverlappedResult(handle, self.overlapped, &mut count, 1) };
        // SAFETY: it came from `Box::into_raw`, and the kernel is done with it.
        drop(unsafe { Box::from_raw(self.overlapped) });
    }
}

/// `recvmsg(2)` into the buffers after their first `skip` bytes. Returns the number of bytes, and whether the
/// message was truncated.
pub(super) fn recv(
    socket: BorrowedSocket<'_>,
    iovs: &Iovecs<'_>,
    skip: usize,
    mut flags: u32,
) -> io::Result<(usize, bool)> {
    let socket = socket.as_raw_socket() as SOCKET;
    iovs.with_host(|bufs| {
        let bufs = wsabufs(bufs, skip);
        let (mut received, len) = (0, bufs.len() as u32);
        let (to, count, flags) = (bufs.as_ptr(), &mut received, &mut flags);
        // SAFETY: `with_host` vouches that the buffers are valid for writes until this returns; without an
        // `OVERLAPPED` the call is over when it returns.
        if unsafe { WSARecv(socket, to, len, count, flags, null_mut(), None) } == 0 {
            return Ok((received as usize, false));
        }
        match last_socket_error() {
            // The buffers are full.
            WSAEMSGSIZE => Ok((bufs.iter().map(|buf| buf.len as usize).sum(), true)),
            // Shut down for receiving: in POSIX, the end.
            WSAESHUTDOWN => Ok((0, false)),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    })
}

/// `sendmsg(2)`.
pub(super) fn send(socket: BorrowedSocket<'_>, ciovs: &Iovecs<'_>) -> io::Result<usize> {
    let socket = socket.as_raw_socket() as SOCKET;
    ciovs.with_host(|bufs| {
        let bufs = wsabufs(bufs, 0);
        let (mut sent, len) = (0, bufs.len() as u32);
        let (from, count) = (bufs.as_ptr(), &mut sent);
        // SAFETY: as for `WSARecv`, with buffers valid for reads.
        if unsafe { WSASend(socket, from, len, count, 0, null_mut(), None) } != 0 {
            return Err(io::Error::from_raw_os_error(last_socket_error()));
        }
        Ok(sent as usize)
    })
}

/// The buffers for Winsock, without their first `skip` bytes.
fn wsabufs(bufs: &[HostIovec], mut skip: usize) -> SmallVec<[WSABUF; 4]> {
    let mut wsabufs = SmallVec::new();
    for buf in bufs {
        let skipped = skip.min(buf.len);
        skip -= skipped;
        wsabufs.push(WSABUF {
            len: len(buf) - skipped as u32,
            buf: buf.base.wrapping_add(skipped),
        });
    }
    wsabufs
}

fn last_socket_error() -> i32 {
    // SAFETY: the call takes nothing.
    unsafe { WSAGetLastError() }
}
