//! Pairs of connected pipe handles. Anonymous pipes of Windows (`CreatePipe`) do not support overlapped I/O, so
//! these are named pipes: with a random name, one instance, and both ends open before anybody is given one.

#![allow(unsafe_code, reason = "calls of Windows")]

use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Security::{
    ACL, GetTokenInformation, SE_DACL_PRESENT, SECURITY_ATTRIBUTES, SECURITY_DESCRIPTOR,
    TOKEN_QUERY, TokenDefaultDacl,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_READ_ATTRIBUTES,
    FILE_WRITE_ATTRIBUTES, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::errno::is;
use super::query::check;
use crate::host::Direction;
use crate::host::random::Random;

/// The size of a pipe's buffer in the kernel, in bytes: that of a pipe of Linux.
pub(super) const CAPACITY: usize = 64 << 10;

/// How many names are tried while each is taken.
const TRIES: usize = 10;

/// `SECURITY_DESCRIPTOR_REVISION`
const REVISION: u8 = 1;

/// The guest's end for this direction, and the host's, opened as libuv wants it.
///
/// # Errors
///
/// Those of Windows. `ERROR_ACCESS_DENIED`, `ERROR_PIPE_BUSY`: every name that was tried was taken.
pub(super) fn pair(guest: Direction) -> io::Result<(OwnedHandle, OwnedHandle)> {
    pair_of_name(guest, name)
}

fn pair_of_name(
    guest: Direction,
    mut name: impl FnMut() -> io::Result<String>,
) -> io::Result<(OwnedHandle, OwnedHandle)> {
    let mut tries = 1;
    loop {
        match open(&name()?, guest) {
            Err(error) if is_taken(&error) && tries < TRIES => tries += 1,
            result => return result,
        }
    }
}

/// A name that cannot be guessed.
fn name() -> io::Result<String> {
    let mut bytes = [0; 16];
    Random::default().fill(&mut bytes)?;
    let number = u128::from_ne_bytes(bytes);
    Ok(format!(r"\\.\pipe\wasi-rs-{number:032x}"))
}

fn open(name: &str, guest: Direction) -> io::Result<(OwnedHandle, OwnedHandle)> {
    let server = server(name, guest)?;
    Ok((server, client(name, guest)?))
}

/// Whether a pipe of this name exists, or another process has connected to ours first: any process can list the
/// names of pipes.
fn is_taken(error: &io::Error) -> bool {
    [ERROR_ACCESS_DENIED, ERROR_PIPE_BUSY]
        .iter()
        .any(|code| is(error, *code))
}

/// The guest's end. A reader is waited for together with other handles, so it is opened for overlapped I/O; a
/// writer has a thread of its own.
fn server(name: &str, direction: Direction) -> io::Result<OwnedHandle> {
    let access = match direction {
        Direction::Read => PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED,
        Direction::Write => PIPE_ACCESS_OUTBOUND,
    };
    // Fails if a pipe of this name exists. Without the flag, another instance of that would be opened.
    let open = access | FILE_FLAG_FIRST_PIPE_INSTANCE;
    let mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let room = CAPACITY as u32;
    // Without a DACL, everybody could read from a named pipe.
    let dacl = DefaultDacl::new()?;
    let mut descriptor = SECURITY_DESCRIPTOR {
        Revision: REVISION,
        Control: SE_DACL_PRESENT,
        Dacl: dacl.list(),
        ..SECURITY_DESCRIPTOR::default()
    };
    let security = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: (&raw mut descriptor).cast(),
        bInheritHandle: 0,
    };
    // SAFETY: the name ends with a NUL; the attributes, the descriptor in them and the list in that are
    // there until the call is over.
    let handle =
        unsafe { CreateNamedPipeW(name.as_ptr(), open, mode, 1, room, room, 0, &security) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so this is an open handle, of which this is the only owner.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// The host's end: with the right to read and set attributes, and for overlapped I/O.
fn client(name: &str, guest: Direction) -> io::Result<OwnedHandle> {
    let access = match guest {
        Direction::Read => GENERIC_WRITE | FILE_READ_ATTRIBUTES,
        Direction::Write => GENERIC_READ | FILE_WRITE_ATTRIBUTES,
    };
    let mut options = OpenOptions::new();
    options
        .access_mode(access)
        .share_mode(0)
        .custom_flags(FILE_FLAG_OVERLAPPED);
    Ok(options.open(name)?.into())
}

/// The default DACL of this process, which says who may open what it creates: its user, and the system. Windows
/// uses it for everything but named pipes.
struct DefaultDacl {
    /// A `TOKEN_DEFAULT_DACL`, which is a pointer into the rest of this buffer.
    buffer: Vec<*mut ACL>,
}

impl DefaultDacl {
    fn new() -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY: the handle of this process is always open; the call writes one handle.
        check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) })?;
        // SAFETY: the call succeeded, so this is an open handle, of which this is the only owner.
        let token = unsafe { OwnedHandle::from_raw_handle(token) };
        let mut buffer: Vec<*mut ACL> = Vec::new();
        let mut ask = |len: u32| {
            buffer.resize((len as usize).div_ceil(size_of::<*mut ACL>()), null_mut());
            let mut needed = 0;
            let place = buffer.as_mut_ptr().cast();
            // SAFETY: at least so many bytes can be written there; the call writes one u32 besides.
            let result = unsafe {
                GetTokenInformation(
                    token.as_raw_handle(),
                    TokenDefaultDacl,
                    place,
                    len,
                    &mut needed,
                )
            };
            (check(result), needed)
        };
        let (_, needed) = ask(0);
        ask(needed).0?;
        Ok(Self { buffer })
    }

    /// Null if the process lets everybody open what it creates.
    fn list(&self) -> *mut ACL {
        self.buffer.first().copied().unwrap_or_else(null_mut)
    }
}

#[cfg(test)]
mod tests {
    use std::os::windows::io::{AsHandle as _, BorrowedHandle};

    use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, GetKernelObjectSecurity};

    use super::*;

    const BOTH: [Direction; 2] = [Direction::Read, Direction::Write];

    #[test]
    fn a_name_that_is_taken_is_not_used() {
        for direction in BOTH {
            let taken = name().unwrap();
            let held = server(&taken, direction).unwrap();
            let mut names = vec![name().unwrap(), taken.clone(), taken.clone()];
            pair_of_name(direction, || Ok(names.pop().unwrap())).unwrap();
            assert!(names.is_empty());

            let mut tries = 0;
            let result = pair_of_name(direction, || {
                tries += 1;
                Ok(taken.clone())
            });
            assert!(is_taken(&result.unwrap_err()));
            assert_eq!(tries, TRIES);
            drop(held);
            pair_of_name(direction, || Ok(taken.clone())).unwrap();
        }
    }

    #[test]
    fn a_pipe_that_somebody_else_opens_first_is_not_used() {
        for direction in BOTH {
            let name = name().unwrap();
            let _server = server(&name, direction).unwrap();
            let _other = client(&name, direction).unwrap();
            assert!(is_taken(&client(&name, direction).unwrap_err()));
        }
    }

    fn u16_at(bytes: &[u8], at: usize) -> usize {
        u16::from_le_bytes([bytes[at], bytes[at + 1]]).into()
    }

    /// The entries of an ACL: a type and a security identifier each.
    fn entries(list: &[u8]) -> Vec<(u8, Vec<u8>)> {
        // The header has their number; each entry has its length.
        let mut at = 8;
        let next = |_| {
            let entry = &list[at..at + u16_at(list, at + 2)];
            at += entry.len();
            (entry[0], entry[8..].to_vec())
        };
        (0..u16_at(list, 4)).map(next).collect()
    }

    /// The entries of the DACL of a handle.
    fn who(handle: BorrowedHandle<'_>) -> Vec<(u8, Vec<u8>)> {
        let mut bytes = vec![0_u8; 1 << 16];
        let (place, len) = (bytes.as_mut_ptr().cast(), bytes.len() as u32);
        let what = DACL_SECURITY_INFORMATION;
        let mut needed = 0;
        // SAFETY: so many bytes can be written there; the call writes one u32 besides.
        let result = unsafe {
            GetKernelObjectSecurity(handle.as_raw_handle(), what, place, len, &mut needed)
        };
        check(result).unwrap();
        // A security descriptor has the offset of its DACL; without one, everybody may open it.
        let list = u16_at(&bytes, 16);
        assert_ne!(list, 0);
        entries(&bytes[list..])
    }

    #[test]
    fn a_pipe_is_opened_by_those_alone_who_open_what_else_the_process_makes() {
        let expected = DefaultDacl::new().unwrap();
        let words = expected.buffer.iter().map(|word| word.addr());
        let bytes: Vec<u8> = words.flat_map(usize::to_le_bytes).collect();
        let place = expected.list().addr() - expected.buffer.as_ptr().addr();
        let expected = entries(&bytes[place..]);
        assert!(!expected.is_empty());
        for direction in BOTH {
            let (guest, _host) = pair(direction).unwrap();
            assert_eq!(who(guest.as_handle()), expected);
        }
    }
}
