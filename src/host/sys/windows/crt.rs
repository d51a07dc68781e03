//! The embedder's descriptors: the handle for a number of Node's.
//!
//! The numbers are those of a C runtime. Node links one into its executable, so neither ours nor
//! `ucrtbase.dll`, which have tables of their own, knows what `fs.openSync` has opened. But libuv uses Node's,
//! and node.exe exports `uv_get_osfhandle` for addons. Without that export, in a program that is not Node, only
//! the three standard streams have numbers.

#![allow(
    unsafe_code,
    reason = "a function that is looked up, and handles that are borrowed"
)]

use std::ffi::{CStr, c_int};
use std::io;
use std::mem::transmute;
use std::os::windows::io::{
    AsRawHandle, BorrowedHandle, BorrowedSocket, IntoRawHandle, OwnedHandle, RawHandle, RawSocket,
};
use std::ptr::null;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_HANDLE, ERROR_NOT_SUPPORTED, ERROR_TOO_MANY_OPEN_FILES,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

use super::errno::error;

/// `uv_os_fd_t uv_get_osfhandle(int fd)`
type GetOsfhandle = unsafe extern "C" fn(c_int) -> RawHandle;

/// `int uv_open_osfhandle(uv_os_fd_t os_fd)`
type OpenOsfhandle = unsafe extern "C" fn(RawHandle) -> c_int;

/// The functions of libuv for addons.
#[derive(Clone, Copy)]
struct Libuv {
    get_osfhandle: GetOsfhandle,
    open_osfhandle: OpenOsfhandle,
}

/// A function whose type is not known.
type Function = unsafe extern "system" fn() -> isize;

fn libuv() -> Option<Libuv> {
    static LIBUV: OnceLock<Option<Libuv>> = OnceLock::new();
    *LIBUV.get_or_init(|| {
        // SAFETY: no name stands for the program itself, which is never unloaded.
        let program = unsafe { GetModuleHandleW(null()) };
        // SAFETY: the name ends with a NUL.
        let export = |name: &CStr| unsafe { GetProcAddress(program, name.as_ptr().cast()) };
        let get = export(c"uv_get_osfhandle")?;
        let open = export(c"uv_open_osfhandle")?;
        // SAFETY: who exports these names is libuv, whose interface they belong to since 1.12 and 1.23, with
        // these types.
        Some(unsafe {
            Libuv {
                get_osfhandle: transmute::<Function, GetOsfhandle>(get),
                open_osfhandle: transmute::<Function, OpenOsfhandle>(open),
            }
        })
    })
}

/// The handle of a descriptor.
///
/// It stays the embedder's: it is never closed here, and as with node:wasi the embedder must keep it open while
/// the guest runs. A number that was closed may be opened again on something else, so the handle must not be
/// kept.
///
/// # Errors
///
/// `ERROR_INVALID_HANDLE`: it is not open.
pub(super) fn handle<'h>(fd: i32) -> io::Result<BorrowedHandle<'h>> {
    let handle = match libuv() {
        // SAFETY: libuv checks the number, and has seen to it that its C runtime does not raise an
        // exception over one that is not open.
        Some(libuv) => unsafe { (libuv.get_osfhandle)(fd) },
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

/// Makes a descriptor for a handle. Closing the descriptor closes the handle.
///
/// # Errors
///
/// `ERROR_TOO_MANY_OPEN_FILES`: there is no number left. `ERROR_NOT_SUPPORTED`: this program is not Node.
pub(super) fn open(handle: OwnedHandle) -> io::Result<i32> {
    let libuv = libuv().ok_or_else(|| error(ERROR_NOT_SUPPORTED))?;
    // SAFETY: a handle that is open; the call takes no memory.
    match unsafe { (libuv.open_osfhandle)(handle.as_raw_handle()) } {
        -1 => Err(error(ERROR_TOO_MANY_OPEN_FILES)),
        fd => {
            // The descriptor owns it now.
            let _ = handle.into_raw_handle();
            Ok(fd)
        }
    }
}

/// The handle as a socket. If it is none, Winsock returns `WSAENOTSOCK`.
pub(super) fn socket(handle: BorrowedHandle<'_>) -> BorrowedSocket<'_> {
    let socket = handle.as_raw_handle() as RawSocket;
    // SAFETY: not INVALID_SOCKET, which is the value of INVALID_HANDLE_VALUE, no handle that `handle`
    // returns; borrowed for as long.
    unsafe { BorrowedSocket::borrow_raw(socket) }
}
