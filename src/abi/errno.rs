//! `errno`: the error codes that calls return.

use core::fmt;

macro_rules! errno {
    ($($variant:ident $name:literal $message:literal;)*) => {
        /// `errno`—Error code that a call returns to its guest: 0 for success.
        ///
        /// The numbers are the order of the witx, in which no system's `errno.h` has them: a code of
        /// the host is translated by name, never by value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Errno {
            $(
                #[doc = concat!("`", $name, "`: ", $message, ".")]
                $variant,
            )*
        }

        impl Errno {
            /// Every code in the order of the witx: `ALL[n]` has the number `n`.
            pub const ALL: &[Errno] = &[$(Errno::$variant),*];

            /// The name in `errno.h`, such as `"EBADF"`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Errno::$variant => $name,)*
                }
            }

            fn message(self) -> &'static str {
                match self {
                    $(Errno::$variant => $message,)*
                }
            }
        }
    };
}

errno! {
    Success        "ESUCCESS"        "done";
    TooBig         "E2BIG"           "argument list too long";
    Acces          "EACCES"          "permission denied";
    Addrinuse      "EADDRINUSE"      "address already in use";
    Addrnotavail   "EADDRNOTAVAIL"   "address not available";
    Afnosupport    "EAFNOSUPPORT"    "address family not supported";
    Again          "EAGAIN"          "not ready, or it would block";
    Already        "EALREADY"        "connection already under way";
    Badf           "EBADF"           "bad file descriptor";
    Badmsg         "EBADMSG"         "bad message";
    Busy           "EBUSY"           "device or resource busy";
    Canceled       "ECANCELED"       "operation canceled";
    Child          "ECHILD"          "no child processes";
    Connaborted    "ECONNABORTED"    "connection aborted";
    Connrefused    "ECONNREFUSED"    "connection refused";
    Connreset      "ECONNRESET"      "connection reset";
    Deadlk         "EDEADLK"         "a deadlock would follow";
    Destaddrreq    "EDESTADDRREQ"    "destination address required";
    Dom            "EDOM"            "argument outside the domain of the function";
    Dquot          "EDQUOT"          "disk quota exceeded";
    Exist          "EEXIST"          "file exists";
    Fault          "EFAULT"          "bad address";
    Fbig           "EFBIG"           "file too large";
    Hostunreach    "EHOSTUNREACH"    "host unreachable";
    Idrm           "EIDRM"           "identifier removed";
    Ilseq          "EILSEQ"          "illegal byte sequence";
    Inprogress     "EINPROGRESS"     "operation in progress";
    Intr           "EINTR"           "interrupted";
    Inval          "EINVAL"          "invalid argument";
    Io             "EIO"             "input or output error";
    Isconn         "EISCONN"         "socket already connected";
    Isdir          "EISDIR"          "is a directory";
    Loop           "ELOOP"           "too many levels of symbolic links";
    Mfile          "EMFILE"          "too many open descriptors";
    Mlink          "EMLINK"          "too many links";
    Msgsize        "EMSGSIZE"        "message too long";
    Multihop       "EMULTIHOP"       "multihop attempted";
    Nametoolong    "ENAMETOOLONG"    "file name too long";
    Netdown        "ENETDOWN"        "network down";
    Netreset       "ENETRESET"       "connection dropped by the network";
    Netunreach     "ENETUNREACH"     "network unreachable";
    Nfile          "ENFILE"          "too many open files in the system";
    Nobufs         "ENOBUFS"         "no buffer space";
    Nodev          "ENODEV"          "no such device";
    Noent          "ENOENT"          "no such file or directory";
    Noexec         "ENOEXEC"         "not an executable format";
    Nolck          "ENOLCK"          "no locks available";
    Nolink         "ENOLINK"         "link severed";
    Nomem          "ENOMEM"          "out of memory";
    Nomsg          "ENOMSG"          "no message of that type";
    Noprotoopt     "ENOPROTOOPT"     "protocol option not available";
    Nospc          "ENOSPC"          "no space left on the device";
    Nosys          "ENOSYS"          "function not implemented";
    Notconn        "ENOTCONN"        "socket not connected";
    Notdir         "ENOTDIR"         "not a directory";
    Notempty       "ENOTEMPTY"       "directory not empty";
    Notrecoverable "ENOTRECOVERABLE" "state not recoverable";
    Notsock        "ENOTSOCK"        "not a socket";
    Notsup         "ENOTSUP"         "not supported";
    Notty          "ENOTTY"          "not a terminal";
    Nxio           "ENXIO"           "no such device or address";
    Overflow       "EOVERFLOW"       "value too large for its type; also a pointer outside guest memory";
    Ownerdead      "EOWNERDEAD"      "previous owner died";
    Perm           "EPERM"           "operation not permitted";
    Pipe           "EPIPE"           "broken pipe";
    Proto          "EPROTO"          "protocol error";
    Protonosupport "EPROTONOSUPPORT" "protocol not supported";
    Prototype      "EPROTOTYPE"      "wrong protocol for the socket";
    Range          "ERANGE"          "result too large";
    Rofs           "EROFS"           "read-only file system";
    Spipe          "ESPIPE"          "cannot seek";
    Srch           "ESRCH"           "no such process";
    Stale          "ESTALE"          "stale file handle";
    Timedout       "ETIMEDOUT"       "timed out";
    Txtbsy         "ETXTBSY"         "executable file in use";
    Xdev           "EXDEV"           "link across devices";
    Notcapable     "ENOTCAPABLE"     "the descriptor lacks the right, or the path leaves its directory";
}

impl Errno {
    /// The number that the guest gets.
    pub fn raw(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.name())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn numbers_that_guests_and_node_know() {
        assert_eq!(Errno::Success.raw(), 0);
        assert_eq!(Errno::TooBig.raw(), 1);
        assert_eq!(Errno::Badf.raw(), 8);
        assert_eq!(Errno::Inval.raw(), 28);
        assert_eq!(Errno::Noent.raw(), 44);
        assert_eq!(Errno::Overflow.raw(), 61);
        assert_eq!(Errno::Notcapable.raw(), 76);
        assert_eq!(Errno::ALL.len(), 77);
    }

    #[test]
    fn display_says_what_and_which() {
        assert_eq!(Errno::Badf.to_string(), "bad file descriptor (EBADF)");
    }
}
