use rustix::io::Errno as HostErrno;

use crate::abi::Errno;

macro_rules! errno_table {
    ($($host:ident => $guest:ident,)*) => {
        /// The [`Errno`] with the same name as this number in the system's `errno.h`; [`Errno::Io`] if there is
        /// none.
        pub fn errno_of_os(code: i32) -> Errno {
            match HostErrno::from_raw_os_error(code) {
                $(HostErrno::$host => Errno::$guest,)*
                // A different number than `ENOTSUP` on some systems. The witx has no `EOPNOTSUPP`.
                other if other == HostErrno::OPNOTSUPP => Errno::Notsup,
                _ => Errno::Io,
            }
        }
    };
}

errno_table! {
    TOOBIG => TooBig,
    ACCESS => Acces,
    ADDRINUSE => Addrinuse,
    ADDRNOTAVAIL => Addrnotavail,
    AFNOSUPPORT => Afnosupport,
    AGAIN => Again,
    ALREADY => Already,
    BADF => Badf,
    BADMSG => Badmsg,
    BUSY => Busy,
    CANCELED => Canceled,
    CHILD => Child,
    CONNABORTED => Connaborted,
    CONNREFUSED => Connrefused,
    CONNRESET => Connreset,
    DEADLK => Deadlk,
    DESTADDRREQ => Destaddrreq,
    DOM => Dom,
    DQUOT => Dquot,
    EXIST => Exist,
    FAULT => Fault,
    FBIG => Fbig,
    HOSTUNREACH => Hostunreach,
    IDRM => Idrm,
    ILSEQ => Ilseq,
    INPROGRESS => Inprogress,
    INTR => Intr,
    INVAL => Inval,
    IO => Io,
    ISCONN => Isconn,
    ISDIR => Isdir,
    LOOP => Loop,
    MFILE => Mfile,
    MLINK => Mlink,
    MSGSIZE => Msgsize,
    MULTIHOP => Multihop,
    NAMETOOLONG => Nametoolong,
    NETDOWN => Netdown,
    NETRESET => Netreset,
    NETUNREACH => Netunreach,
    NFILE => Nfile,
    NOBUFS => Nobufs,
    NODEV => Nodev,
    NOENT => Noent,
    NOEXEC => Noexec,
    NOLCK => Nolck,
    NOLINK => Nolink,
    NOMEM => Nomem,
    NOMSG => Nomsg,
    NOPROTOOPT => Noprotoopt,
    NOSPC => Nospc,
    NOSYS => Nosys,
    NOTCONN => Notconn,
    NOTDIR => Notdir,
    NOTEMPTY => Notempty,
    NOTRECOVERABLE => Notrecoverable,
    NOTSOCK => Notsock,
    NOTSUP => Notsup,
    NOTTY => Notty,
    NXIO => Nxio,
    OVERFLOW => Overflow,
    OWNERDEAD => Ownerdead,
    PERM => Perm,
    PIPE => Pipe,
    PROTO => Proto,
    PROTONOSUPPORT => Protonosupport,
    PROTOTYPE => Prototype,
    RANGE => Range,
    ROFS => Rofs,
    SPIPE => Spipe,
    SRCH => Srch,
    STALE => Stale,
    TIMEDOUT => Timedout,
    TXTBSY => Txtbsy,
    XDEV => Xdev,
}
