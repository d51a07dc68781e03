//! Creates, renames and removes names in an open directory.
//!
//! The documented functions of Windows take paths, and each call resolves its path again: through any link that
//! is there by then, and for a hard link even one at the end. The kernel's own calls take the directory as a
//! handle, and the name as it is, like the `*at` functions of POSIX.

#![allow(unsafe_code, reason = "calls of Windows")]

use std::ffi::c_void;
use std::io;
use std::mem::offset_of;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DIRECTORY_FILE, FILE_DISPOSITION_DELETE,
    FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE, FILE_DISPOSITION_INFORMATION,
    FILE_DISPOSITION_INFORMATION_EX, FILE_DISPOSITION_POSIX_SEMANTICS, FILE_INFORMATION_CLASS,
    FILE_LINK_INFORMATION, FILE_RENAME_IGNORE_READONLY_ATTRIBUTE, FILE_RENAME_INFORMATION,
    FILE_RENAME_POSIX_SEMANTICS, FILE_RENAME_REPLACE_IF_EXISTS, FileDispositionInformation,
    FileDispositionInformationEx, FileLinkInformation, FileRenameInformation,
    FileRenameInformationEx, NtCreateFile, NtSetInformationFile,
};
use windows_sys::Win32::Foundation::{
    ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED, HANDLE, INVALID_HANDLE_VALUE, NTSTATUS,
    OBJ_CASE_INSENSITIVE, RtlNtStatusToDosError, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_LIST_DIRECTORY, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, SYNCHRONIZE,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::errno::{error, is};
use super::name::MAX_LEN;

/// `FILE_RENAME_INFORMATION` and `FILE_LINK_INFORMATION`, with room for any name.
#[repr(C)]
struct NewName {
    flags: u32,
    dir: HANDLE,
    /// In bytes.
    name_len: u32,
    name: [u16; MAX_LEN],
}

const _: () = {
    assert!(offset_of!(NewName, dir) == offset_of!(FILE_RENAME_INFORMATION, RootDirectory));
    assert!(offset_of!(NewName, name_len) == offset_of!(FILE_RENAME_INFORMATION, FileNameLength));
    assert!(offset_of!(NewName, name) == offset_of!(FILE_RENAME_INFORMATION, FileName));
    assert!(offset_of!(NewName, dir) == offset_of!(FILE_LINK_INFORMATION, RootDirectory));
    assert!(offset_of!(NewName, name_len) == offset_of!(FILE_LINK_INFORMATION, FileNameLength));
    assert!(offset_of!(NewName, name) == offset_of!(FILE_LINK_INFORMATION, FileName));
};

impl NewName {
    fn new(flags: u32, dir: BorrowedHandle<'_>, name: &[u16]) -> Self {
        let mut new = Self {
            flags,
            dir: dir.as_raw_handle(),
            name_len: size_of_val(name) as u32,
            name: [0; MAX_LEN],
        };
        new.name[..name.len()].copy_from_slice(name);
        new
    }
}

fn check(status: NTSTATUS) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: the call takes any number, and no memory.
    Err(error(unsafe { RtlNtStatusToDosError(status) }))
}

/// Creates a directory.
pub(super) fn create_dir(dir: BorrowedHandle<'_>, name: &[u16]) -> io::Result<()> {
    let len = size_of_val(name) as u16;
    let name = UNICODE_STRING {
        Length: len,
        MaximumLength: len,
        Buffer: name.as_ptr().cast_mut(),
    };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: dir.as_raw_handle(),
        ObjectName: &name,
        Attributes: OBJ_CASE_INSENSITIVE,
        SecurityDescriptor: null(),
        SecurityQualityOfService: null(),
    };
    let mut status = IO_STATUS_BLOCK::default();
    let mut created = INVALID_HANDLE_VALUE;
    // SAFETY: the call reads `attributes` and the name behind it, both of which outlive it, and writes
    // a handle and a status. It asks for no extended attributes.
    check(unsafe {
        NtCreateFile(
            &mut created,
            FILE_LIST_DIRECTORY | SYNCHRONIZE,
            &attributes,
            &mut status,
            null(),
            FILE_ATTRIBUTE_NORMAL,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            FILE_CREATE,
            FILE_DIRECTORY_FILE,
            null_mut(),
            0,
        )
    })?;
    // SAFETY: the call succeeded, so this is a handle, and nobody else's.
    drop(unsafe { OwnedHandle::from_raw_handle(created) });
    Ok(())
}

/// Renames a file, which is open for deletion, to a name in `dir`. It replaces what is there.
pub(super) fn rename(
    file: BorrowedHandle<'_>,
    dir: BorrowedHandle<'_>,
    name: &[u16],
) -> io::Result<()> {
    let flags = FILE_RENAME_REPLACE_IF_EXISTS
        | FILE_RENAME_POSIX_SEMANTICS
        | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
    or_without_posix(
        set(
            file,
            FileRenameInformationEx,
            &NewName::new(flags, dir, name),
        ),
        // The older class has a `BOOLEAN` in its place.
        || set(file, FileRenameInformation, &NewName::new(1, dir, name)),
    )
}

/// Creates a hard link to an open file, in `dir`.
pub(super) fn link(
    file: BorrowedHandle<'_>,
    dir: BorrowedHandle<'_>,
    name: &[u16],
) -> io::Result<()> {
    set(file, FileLinkInformation, &NewName::new(0, dir, name))
}

/// Removes the name of a file that was opened by it, for deletion: a directory if it is empty, a symbolic link
/// itself.
pub(super) fn remove(file: BorrowedHandle<'_>) -> io::Result<()> {
    let posix = FILE_DISPOSITION_INFORMATION_EX {
        Flags: FILE_DISPOSITION_DELETE
            | FILE_DISPOSITION_POSIX_SEMANTICS
            | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE,
    };
    or_without_posix(set(file, FileDispositionInformationEx, &posix), || {
        let plain = FILE_DISPOSITION_INFORMATION { DeleteFile: true };
        set(file, FileDispositionInformation, &plain)
    })
}

/// Falls back to the older class: those with POSIX semantics need Windows 10, and a file system that has them.
fn or_without_posix(
    result: io::Result<()>,
    plain: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    match result {
        Err(error) if UNKNOWN_CLASS.iter().any(|code| is(&error, *code)) => plain(),
        result => result,
    }
}

const UNKNOWN_CLASS: [u32; 3] = [
    ERROR_INVALID_PARAMETER,
    ERROR_NOT_SUPPORTED,
    windows_sys::Win32::Foundation::ERROR_INVALID_FUNCTION,
];

/// A type that [`set`] may pass to the kernel.
///
/// # Safety
///
/// For the classes that it is passed with, the kernel reads it and finds in it no address.
unsafe trait Information {}

// SAFETY: handles and numbers; the length of the name is that of one that is in it.
unsafe impl Information for NewName {}
// SAFETY: one number.
unsafe impl Information for FILE_DISPOSITION_INFORMATION_EX {}
// SAFETY: one number.
unsafe impl Information for FILE_DISPOSITION_INFORMATION {}

fn set<T: Information>(
    file: BorrowedHandle<'_>,
    class: FILE_INFORMATION_CLASS,
    information: &T,
) -> io::Result<()> {
    let mut status = IO_STATUS_BLOCK::default();
    let address: *const c_void = std::ptr::from_ref(information).cast();
    let len = size_of::<T>() as u32;
    // SAFETY: `Information` vouches for what is read, `len` bytes; a status is written. The handle is
    // of a file that was opened for synchronous use, so the call is over when it returns.
    check(unsafe { NtSetInformationFile(file.as_raw_handle(), &mut status, address, len, class) })
}
