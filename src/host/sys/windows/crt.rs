//! The embedder's descriptors: which handle a number of Node's stands for.
//!
//! The numbers are those of a C runtime. Node links one into its executable, so that neither ours nor
//! `ucrtbase.dll`, which have tables of their own, knows what `fs.openSync` opened; but libuv asks
//! Node's, and node.exe exports `uv_get_osfhandle` for addons to do so. Where there is no such
//! export, in a program that is not Node, only the three standard streams have numbers.

#![allow(
    unsafe_code,
    reason = "a function that is looked up, and handles that are borrowed"
)]

use std::ffi::c_int;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, BorrowedSocket, RawHandle, RawSocket};
use std::ptr::null;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

use super::errno::error;

/// `uv_os_fd_t uv_get_osfhandle(int fd)`
type UvGetOsfhandle = unsafe extern "C" fn(c_int) -> RawHandle;

fn uv_get_osfhandle() -> Option<UvGetOsfhandle> {
    static FUNCTION: OnceLock<Option<UvGetOsfhandle>> = OnceLock::new();
    *FUNCTION.get_or_init(|| {
        // SAFETY: no name stands for the program itself, which is never unloaded.
        let program = unsafe { GetModuleHandleW(null()) };
        // SAFETY: the name ends with a NUL.
        let function = unsafe { GetProcAddress(program, c"uv_get_osfhandle".as_ptr().cast()) }?;
        // SAFETY: who exports this name is libuv, whose interface it belongs to since 1.12.
        Some(unsafe {
            std::mem::transmute::<unsafe extern "system" fn() -> isize, UvGetOsfhandle>(function)
        })
    })
}

/// The handle that a number stands for.
///
/// It stays the embedder's: it is never closed here, and as with node:wasi it is for the embedder to
/// keep it open for as long as the guest runs. A number that was closed and opened anew stands for
/// what it was opened for, so the handle is not to be kept.
///
/// # Errors
///
/// `ERROR_INVALID_HANDLE`: none.
pub(super) fn handle<'h>(fd: i32) -> io::Result<BorrowedHandle<'h>> {
    let handle = match uv_get_osfhandle() {
        // SAFETY: libuv checks the number, and has seen to it that its C runtime does not raise an
        // exception over one that is not open.
        Some(uv_get_osfhandle) => unsafe { uv_get_osfhandle(fd) },
        None => match fd {
            0 => io::stdin().as_raw_handle(),
            1 => io::stdout().as_raw_handle(),
            2 => io::stderr().as_raw_handle(),
            _ => return Err(error(ERROR_INVALID_HANDLE)),
        },
    };
    // -1 is no handle, -2 a standard stream of a program without a console.
    if handle.is_null() || matches!(handle as isize, -1 | -2) {
        return Err(error(ERROR_INVALID_HANDLE));
    }
    // SAFETY: should the embedder close it, then what is called on it fails, or reaches what the
    // embedder opened in its place: never memory.
    Ok(unsafe { BorrowedHandle::borrow_raw(handle) })
}

/// The handle as the socket that it may be. Winsock says `WSAENOTSOCK` of one that is none.
pub(super) fn socket(handle: BorrowedHandle<'_>) -> BorrowedSocket<'_> {
    let socket = handle.as_raw_handle() as RawSocket;
    // SAFETY: not INVALID_SOCKET, which is the value of INVALID_HANDLE_VALUE, no handle that `handle`
    // returns; borrowed for as long.
    unsafe { BorrowedSocket::borrow_raw(socket) }
}
