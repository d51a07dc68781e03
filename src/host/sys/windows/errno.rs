use std::io;

use windows_sys::Win32::Foundation::*;
use windows_sys::Win32::Networking::WinSock::*;

use crate::abi::Errno;

/// The error with this code.
pub(super) fn error(code: WIN32_ERROR) -> io::Error {
    io::Error::from_raw_os_error(code as i32)
}

/// Whether the error has this code.
pub(super) fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code as i32)
}

/// The error of a non-blocking call that would block.
pub(super) fn would_block() -> io::Error {
    io::Error::from_raw_os_error(WSAEWOULDBLOCK)
}

macro_rules! errno_table {
    ($($host:ident => $guest:ident,)*) => {
        /// The errno for a code of `winerror.h`; [`Errno::Io`] if it has none.
        #[allow(clippy::unnecessary_cast, reason = "Winsock's numbers have another type")]
        pub fn errno_of_os(code: i32) -> Errno {
            match code {
                $(_ if code == $host as i32 => Errno::$guest,)*
                _ => Errno::Io,
            }
        }
    };
}

// As in libuv, and so in node:wasi, "access denied" is EPERM, a name that is not valid on Windows is ENOENT,
// and one that is in use is EBUSY.
errno_table! {
    ERROR_ACCESS_DENIED => Perm,
    ERROR_ADDRESS_ALREADY_ASSOCIATED => Addrinuse,
    ERROR_ALREADY_EXISTS => Exist,
    ERROR_ARITHMETIC_OVERFLOW => Overflow,
    ERROR_BAD_EXE_FORMAT => Noexec,
    ERROR_BAD_NETPATH => Noent,
    ERROR_BAD_NET_NAME => Noent,
    ERROR_BAD_PATHNAME => Noent,
    ERROR_BAD_PIPE => Pipe,
    ERROR_BROKEN_PIPE => Pipe,
    ERROR_BUFFER_OVERFLOW => Nametoolong,
    ERROR_BUSY => Busy,
    ERROR_CANNOT_MAKE => Nospc,
    ERROR_CANT_ACCESS_FILE => Acces,
    ERROR_CANT_RESOLVE_FILENAME => Loop,
    ERROR_COMMITMENT_LIMIT => Nomem,
    ERROR_CONNECTION_ABORTED => Connaborted,
    ERROR_CONNECTION_REFUSED => Connrefused,
    ERROR_CURRENT_DIRECTORY => Busy,
    ERROR_DELETE_PENDING => Noent,
    ERROR_DEVICE_IN_USE => Busy,
    ERROR_DIRECTORY => Notdir,
    ERROR_DIRECTORY_NOT_SUPPORTED => Isdir,
    ERROR_DIR_NOT_EMPTY => Notempty,
    ERROR_DISK_FULL => Nospc,
    ERROR_DISK_QUOTA_EXCEEDED => Dquot,
    ERROR_EA_TABLE_FULL => Nospc,
    ERROR_ELEVATION_REQUIRED => Acces,
    ERROR_END_OF_MEDIA => Nospc,
    ERROR_ENVVAR_NOT_FOUND => Noent,
    ERROR_FILENAME_EXCED_RANGE => Nametoolong,
    ERROR_FILE_EXISTS => Exist,
    ERROR_FILE_NOT_FOUND => Noent,
    ERROR_FILE_TOO_LARGE => Fbig,
    ERROR_HANDLE_DISK_FULL => Nospc,
    ERROR_HOST_UNREACHABLE => Hostunreach,
    ERROR_INSUFFICIENT_BUFFER => Inval,
    ERROR_INVALID_DATA => Inval,
    ERROR_INVALID_DRIVE => Noent,
    ERROR_INVALID_FLAGS => Badf,
    ERROR_INVALID_FUNCTION => Isdir,
    ERROR_INVALID_HANDLE => Badf,
    ERROR_INVALID_NAME => Noent,
    ERROR_INVALID_PARAMETER => Inval,
    ERROR_INVALID_REPARSE_DATA => Noent,
    ERROR_INVALID_USER_BUFFER => Nomem,
    ERROR_LOCK_VIOLATION => Busy,
    ERROR_MORE_DATA => Msgsize,
    ERROR_NEGATIVE_SEEK => Inval,
    ERROR_NETNAME_DELETED => Connreset,
    ERROR_NETWORK_UNREACHABLE => Netunreach,
    ERROR_NOACCESS => Fault,
    ERROR_NOT_A_REPARSE_POINT => Inval,
    ERROR_NOT_CONNECTED => Notconn,
    ERROR_NOT_ENOUGH_MEMORY => Nomem,
    ERROR_NOT_ENOUGH_QUOTA => Nomem,
    ERROR_NOT_SAME_DEVICE => Xdev,
    ERROR_NOT_SUPPORTED => Notsup,
    ERROR_NO_DATA => Pipe,
    ERROR_NO_SYSTEM_RESOURCES => Nomem,
    ERROR_NO_UNICODE_TRANSLATION => Ilseq,
    ERROR_OPERATION_ABORTED => Canceled,
    ERROR_OUTOFMEMORY => Nomem,
    ERROR_PATH_NOT_FOUND => Noent,
    ERROR_PIPE_BUSY => Busy,
    ERROR_PIPE_NOT_CONNECTED => Pipe,
    ERROR_PRIVILEGE_NOT_HELD => Perm,
    ERROR_REPARSE_TAG_INVALID => Inval,
    ERROR_SEEK_ON_DEVICE => Spipe,
    ERROR_SEM_TIMEOUT => Timedout,
    ERROR_SHARING_VIOLATION => Busy,
    ERROR_STOPPED_ON_SYMLINK => Loop,
    ERROR_SYMLINK_NOT_SUPPORTED => Inval,
    ERROR_TIMEOUT => Timedout,
    ERROR_TOO_MANY_LINKS => Mlink,
    ERROR_TOO_MANY_OPEN_FILES => Mfile,
    ERROR_USER_MAPPED_FILE => Busy,
    ERROR_WRITE_PROTECT => Rofs,
    WSAEACCES => Acces,
    WSAEADDRINUSE => Addrinuse,
    WSAEADDRNOTAVAIL => Addrnotavail,
    WSAEAFNOSUPPORT => Afnosupport,
    WSAEALREADY => Already,
    WSAEBADF => Badf,
    WSAECONNABORTED => Connaborted,
    WSAECONNREFUSED => Connrefused,
    WSAECONNRESET => Connreset,
    WSAEDESTADDRREQ => Destaddrreq,
    WSAEFAULT => Fault,
    WSAEHOSTDOWN => Hostunreach,
    WSAEHOSTUNREACH => Hostunreach,
    WSAEINPROGRESS => Inprogress,
    WSAEINTR => Intr,
    WSAEINVAL => Inval,
    WSAEISCONN => Isconn,
    WSAEMFILE => Mfile,
    WSAEMSGSIZE => Msgsize,
    WSAENETDOWN => Netdown,
    WSAENETRESET => Netreset,
    WSAENETUNREACH => Netunreach,
    WSAENOBUFS => Nobufs,
    WSAENOPROTOOPT => Noprotoopt,
    WSAENOTCONN => Notconn,
    WSAENOTSOCK => Notsock,
    WSAEOPNOTSUPP => Notsup,
    WSAEPFNOSUPPORT => Afnosupport,
    WSAEPROTONOSUPPORT => Protonosupport,
    WSAEPROTOTYPE => Prototype,
    WSAESHUTDOWN => Pipe,
    WSAESOCKTNOSUPPORT => Protonosupport,
    WSAETIMEDOUT => Timedout,
    WSAEWOULDBLOCK => Again,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_names_that_node_gives_them() {
        for (code, errno) in [
            (ERROR_FILE_NOT_FOUND as i32, Errno::Noent),
            (ERROR_INVALID_NAME as i32, Errno::Noent),
            (ERROR_ACCESS_DENIED as i32, Errno::Perm),
            (ERROR_SHARING_VIOLATION as i32, Errno::Busy),
            (ERROR_DIR_NOT_EMPTY as i32, Errno::Notempty),
            (WSAENOTSOCK, Errno::Notsock),
            (-1, Errno::Io),
        ] {
            assert_eq!(errno_of_os(code), errno, "{code}");
        }
        assert_eq!(would_block().kind(), io::ErrorKind::WouldBlock);
    }
}
