//! Queries about open handles that neither std nor a crate offers.

#![allow(unsafe_code, reason = "calls of Windows")]

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, AsRawSocket, BorrowedHandle, BorrowedSocket};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED, HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_BASIC_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE,
    FileBasicInfo, GetFileInformationByHandleEx, GetFileType,
};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_LINE_INPUT, GetConsoleMode, GetNumberOfConsoleInputEvents, INPUT_RECORD,
    KEY_EVENT, PeekConsoleInputW,
};
use windows_sys::Win32::System::Pipes::PeekNamedPipe;

use winx::file::{AccessMode, FileModeInformation};

use super::errno::error;
use crate::abi::Fdflags;
use crate::host::{SYNCHRONOUS, StreamFlags};

/// The type of an open handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file or a directory.
    Disk,
    /// A console.
    Console,
    /// Another character device: `NUL`, a serial port.
    Device,
    /// A pipe or a socket, which Windows does not distinguish here.
    Stream,
}

/// The result of a call that returns 0 on failure.
pub(super) fn check(result: windows_sys::core::BOOL) -> io::Result<()> {
    if result == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The type of a handle.
///
/// # Errors
///
/// `ERROR_INVALID_HANDLE`: it is not open, or not of a file that can be read or written.
pub(super) fn kind(handle: BorrowedHandle<'_>) -> io::Result<Kind> {
    // SAFETY: the call takes any value, and no memory.
    match unsafe { GetFileType(handle.as_raw_handle()) } {
        FILE_TYPE_DISK => Ok(Kind::Disk),
        FILE_TYPE_PIPE => Ok(Kind::Stream),
        FILE_TYPE_CHAR if console_mode(handle).is_some() => Ok(Kind::Console),
        FILE_TYPE_CHAR => Ok(Kind::Device),
        _ => Err(error(windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE)),
    }
}

/// The mode of a console; `None` if the handle is open on something else.
fn console_mode(handle: BorrowedHandle<'_>) -> Option<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the call writes one CONSOLE_MODE.
    let result = unsafe { GetConsoleMode(handle.as_raw_handle(), &mut mode) };
    check(result).ok().map(|()| mode)
}

/// Whether a console has input that a read would return at once: a whole line in line mode, otherwise a
/// character.
///
/// Windows does not tell the rest of a line that a read left because its buffer was too small.
pub(super) fn console_has_input(handle: BorrowedHandle<'_>) -> io::Result<bool> {
    let by_line = console_mode(handle).is_some_and(|mode| mode & ENABLE_LINE_INPUT != 0);
    let mut pending = 0;
    // SAFETY: the call writes one count.
    check(unsafe { GetNumberOfConsoleInputEvents(handle.as_raw_handle(), &mut pending) })?;
    // Mouse movements and the like stay among the events, so all must be looked at.
    let mut records = vec![INPUT_RECORD::default(); pending as usize];
    let mut read = 0;
    // SAFETY: the call writes at most `pending` records, for which there is room, and one count.
    check(unsafe {
        PeekConsoleInputW(
            handle.as_raw_handle(),
            records.as_mut_ptr(),
            pending,
            &mut read,
        )
    })?;
    records.truncate(read as usize);
    Ok(records.iter().filter_map(typed).any(|char| match by_line {
        true => char == u16::from(b'\r'),
        false => char != 0,
    }))
}

/// The character of a key press.
fn typed(record: &INPUT_RECORD) -> Option<u16> {
    if record.EventType != KEY_EVENT as u16 {
        return None;
    }
    // SAFETY: the type says that this is the field in use.
    let key = unsafe { record.Event.KeyEvent };
    // SAFETY: both fields of this union are characters, of which any bits are one.
    let char = unsafe { key.uChar.UnicodeChar };
    (key.bKeyDown != 0).then_some(char)
}

/// The flags that the host keeps, and the access mode. What Windows does not tell of a handle is assumed to be
/// allowed.
pub(super) fn flags(handle: BorrowedHandle<'_>) -> io::Result<StreamFlags> {
    let mut flags = StreamFlags {
        fdflags: Fdflags::empty(),
        read: true,
        write: true,
    };
    if let Ok(access) = winx::file::query_access_information(handle) {
        flags.read = access.contains(AccessMode::FILE_READ_DATA);
        flags.write = access.intersects(AccessMode::FILE_WRITE_DATA | AccessMode::FILE_APPEND_DATA);
        let appends = !access.contains(AccessMode::FILE_WRITE_DATA);
        let disk = kind(handle)? == Kind::Disk;
        (flags.fdflags).set(Fdflags::APPEND, disk && flags.write && appends);
    }
    if kind(handle)? == Kind::Disk {
        let mode = winx::file::query_mode_information(handle)?;
        let through = mode.contains(FileModeInformation::FILE_WRITE_THROUGH);
        flags.fdflags.set(SYNCHRONOUS, through);
    }
    Ok(flags)
}

/// The errors of a pipe whose other end is closed.
pub(super) const HANGUP: [u32; 2] = [ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED];

/// The bytes that can be read from a pipe at once.
///
/// # Errors
///
/// `ERROR_BROKEN_PIPE`: its other end is closed. Another: it is no pipe, or not open for reading.
pub(super) fn pipe_bytes(handle: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut available = 0;
    // SAFETY: the call writes one count; it may be told of no buffer and no other count.
    check(unsafe {
        PeekNamedPipe(
            handle.as_raw_handle(),
            null_mut(),
            0,
            null_mut(),
            &mut available,
            null_mut(),
        )
    })?;
    Ok(available)
}

/// The time of the last change of a file's attributes, in units of 100 ns since 1601.
pub(super) fn change_time(handle: BorrowedHandle<'_>) -> io::Result<i64> {
    let mut basic = FILE_BASIC_INFO::default();
    // SAFETY: for this class the call writes one FILE_BASIC_INFO.
    check(unsafe {
        GetFileInformationByHandleEx(
            handle.as_raw_handle(),
            FileBasicInfo,
            (&raw mut basic).cast(),
            size_of::<FILE_BASIC_INFO>() as u32,
        )
    })?;
    Ok(basic.ChangeTime)
}

/// A buffer for entries of a directory, aligned as they are. None takes more than 1 KiB.
#[repr(align(8))]
pub(super) struct Entries(pub [u8; 16 << 10]);

impl Default for Entries {
    fn default() -> Self {
        Self([0; 16 << 10])
    }
}

/// Fills `entries` with the next entries of a directory, in the format of `class`. Some classes begin at the
/// first entry.
///
/// # Errors
///
/// `ERROR_NO_MORE_FILES`: there are no more.
pub(super) fn read_directory(
    handle: BorrowedHandle<'_>,
    class: FILE_INFO_BY_HANDLE_CLASS,
    entries: &mut Entries,
) -> io::Result<()> {
    let buffer: *mut c_void = entries.0.as_mut_ptr().cast();
    let len = entries.0.len() as u32;
    // SAFETY: whatever the class, the call writes no more than it is told there is room for, and any
    // bytes are `Entries`.
    check(unsafe { GetFileInformationByHandleEx(handle.as_raw_handle(), class, buffer, len) })
}

/// Keeps child processes of this one from inheriting a socket.
pub(super) fn keep_from_children(socket: BorrowedSocket<'_>) -> io::Result<()> {
    let handle = socket.as_raw_socket() as HANDLE;
    // SAFETY: a socket is a handle, and the call takes no memory.
    check(unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) })
}
