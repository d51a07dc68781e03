//! The maximum rights of descriptors, lent ones among them.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use wasi_rs::abi::Errno::Notcapable;
use wasi_rs::abi::{Filetype, Rights, RightsPair};

use crate::fd_stat::fdstat;
use crate::stop::fifo;
use crate::support::{
    ALL, BUF, DIR_RIGHTS, FILE_RIGHTS, Guest, INHERITABLE, OUT, Open, PREOPEN, null,
};

/// The maximum rights by type: the numbers are Node's.
#[test]
fn kinds_of_files_have_their_rights() {
    let (socket, _peer) = UnixStream::pair().unwrap();
    let guest = Guest::with(|setup| setup.stdio = [fifo().into(), socket.into(), null()]);
    let dir = guest.open(
        "dir",
        Open {
            base: DIR_RIGHTS | Rights::FD_READ.bits(),
            ..Open::DIR
        },
    );
    let file = guest.open(
        "file",
        Open {
            inheriting: INHERITABLE,
            ..Open::FILE
        },
    );
    use Filetype::{CharacterDevice, Directory, RegularFile, SocketStream};
    for (kind, fd, filetype, base, inheriting) in [
        ("a pipe", 0, SocketStream, 0x3820_004a, 0x3fff_ffff),
        ("a socket", 1, SocketStream, 0x3820_004a, 0x3fff_ffff),
        ("a device", 2, CharacterDevice, 0x3fff_ffff, 0x3fff_ffff),
        ("a preopen", PREOPEN, Directory, 0x0fbf_fe98, 0x0fff_ffff),
        ("a directory", dir, Directory, 0x0fbf_fe98, 0x0fff_ffff),
        ("a file", file, RegularFile, 0x08e0_01ff, 0),
    ] {
        let fdstat = fdstat(&guest, fd);
        let rights = (fdstat.fs_rights_base, fdstat.fs_rights_inheriting);
        assert_eq!(
            (fdstat.fs_filetype, rights),
            (filetype, (base, inheriting)),
            "{kind}"
        );
    }
}

/// A standard stream can be read or written if the host has opened it for that; its other rights do not depend
/// on it.
#[test]
fn a_stream_has_the_rights_to_read_and_write_that_the_host_opened_it_for() {
    let (read, write) = (Rights::FD_READ.bits(), Rights::FD_WRITE.bits());
    let opened = |path: &str| {
        let open = |read, write| OwnedFd::from(options(read, write).open(path).unwrap());
        [open(true, false), open(false, true), open(true, true)]
    };
    let (reader, writer) = std::io::pipe().unwrap();
    let pipes = [reader.into(), writer.into(), fifo().into()];
    let file = tempfile::NamedTempFile::new().unwrap();
    let files = opened(file.path().to_str().unwrap());
    let (inheritable, none) = (ALL, 0);
    for (kind, stdio, base, inheriting) in [
        ("pipes", pipes, RightsPair::SOCKET.base.bits(), inheritable),
        ("files", files, FILE_RIGHTS, none),
        ("devices", opened("/dev/null"), ALL, inheritable),
    ] {
        let guest = Guest::with(|setup| setup.stdio = stdio);
        let rights = [0, 1, 2].map(|fd| fdstat(&guest, fd)).map(|fdstat| {
            assert_eq!(fdstat.fs_rights_inheriting, inheriting, "{kind}");
            fdstat.fs_rights_base
        });
        assert_eq!(rights, [base & !write, base & !read, base], "{kind}");
        let [iovs, iovs_len] = guest.iovs(&[[BUF, 1]]);
        for (fd, name) in [(0, "fd_write"), (1, "fd_read")] {
            let errno = guest.errno(name, [fd, iovs, iovs_len, OUT]);
            assert_eq!(errno, Notcapable, "{name}, {kind}");
        }
    }
}

fn options(read: bool, write: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(read).write(write);
    options
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_has_its_rights() {
    let terminal = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/ptmx")
        .unwrap();
    let guest = Guest::with_stdin(terminal);
    let fdstat = fdstat(&guest, 0);
    assert_eq!(
        (fdstat.fs_filetype, fdstat.fs_rights_base),
        (Filetype::CharacterDevice, 0x0820_004a)
    );
    assert_eq!(fdstat.fs_rights_inheriting, 0);
    for (name, args) in [
        ("fd_seek", vec![0, 0, 1, OUT]),
        ("fd_allocate", vec![0, 0, 1]),
    ] {
        guest.refuses(name, &[("a terminal", args, Notcapable)]);
    }
}
