//! Standard streams are lent: the guest reads, writes and closes its own descriptor, and the host's open file
//! description does not change, flags included.

use std::fs::{self, File};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::time::UNIX_EPOCH;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use wasi_rs::abi::Errno::{self, Again, Badf, Inval, Noent, Notcapable, Notdir, Success};
use wasi_rs::abi::{Fdflags, Filetype, Rights};
use wasi_rs::ctx::{
    Given, Grant, InitError, Limits, Options, Preopen, PreopenSource, Stdio, StringArray, WasiCtx,
};

use crate::fd_stat::fdstat;
use crate::support::{BUF, Guest, OUT, Open, null};

const NONBLOCK: u64 = Fdflags::NONBLOCK.bits() as u64;

fn reading() -> (Guest, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    (Guest::with_stdin(reader), writer)
}

fn writing() -> (Guest, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    (Guest::with(|setup| setup.stdio[1] = writer.into()), reader)
}

/// Reads or writes up to `len` bytes. Returns their number, or the errno.
fn transfer(guest: &Guest, name: &str, fd: u64, len: u64) -> Result<u32, Errno> {
    guest.scoped(|| {
        let [iovs, iovs_len] = guest.iovs(&[[BUF, len]]);
        let outcome = guest.call(name, [fd, iovs, iovs_len, OUT]);
        match guest.errno(name, [fd, iovs, 0, OUT]) {
            Success if outcome.result.is_ok() => Ok(outcome.u32_at(OUT)),
            _ => {
                outcome.is_refused(Again, name);
                Err(Again)
            }
        }
    })
}

fn nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

fn set_nonblocking(fd: impl AsFd) {
    fcntl_setfl(&fd, fcntl_getfl(&fd).unwrap() | OFlags::NONBLOCK).unwrap();
}

#[test]
fn a_nonblocking_call_is_eagain() {
    let (guest, mut writer) = reading();
    guest.ok("fd_fdstat_set_flags", [0, NONBLOCK]);
    assert!(!nonblocking(guest.stdio(0)), "the host's flags stay");
    assert_eq!(u64::from(fdstat(&guest, 0).fs_flags), NONBLOCK);
    assert_eq!(transfer(&guest, "fd_read", 0, 10), Err(Again));
    writer.write_all(b"abc").unwrap();
    assert_eq!(transfer(&guest, "fd_read", 0, 10), Ok(3));
    assert_eq!(transfer(&guest, "fd_read", 0, 10), Err(Again));
    drop(writer);
    assert_eq!(
        transfer(&guest, "fd_read", 0, 10),
        Ok(0),
        "the end is no reason to wait"
    );
    guest.ok("fd_fdstat_set_flags", [0, 0]);
    assert_eq!(fdstat(&guest, 0).fs_flags, 0);
}

#[test]
fn a_blocking_call_blocks_on_a_nonblocking_descriptor_of_the_host() {
    let (guest, mut writer) = reading();
    set_nonblocking(guest.stdio(0));
    assert_eq!(
        fdstat(&guest, 0).fs_flags,
        0,
        "what the host set is not the guest's affair"
    );
    let thread = std::thread::spawn(move || {
        std::thread::yield_now();
        writer.write_all(b"late").unwrap();
    });
    assert_eq!(guest.read(0), "late");
    thread.join().unwrap();
    assert!(nonblocking(guest.stdio(0)), "the host's flags stay");
}

#[test]
fn a_blocking_write_writes_everything_to_a_nonblocking_descriptor_of_the_host() {
    let (guest, mut reader) = writing();
    set_nonblocking(guest.stdio(1));
    let thread = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all.len()
    });
    // More than fits the pipe; none of it is refused.
    let written: u32 = (0..64)
        .map(|_| transfer(&guest, "fd_write", 1, 0x1000).unwrap())
        .sum();
    drop(guest);
    assert_eq!(thread.join().unwrap(), written as usize);
}

#[test]
fn a_full_pipe_is_eagain_for_a_nonblocking_descriptor() {
    let (guest, mut reader) = writing();
    guest.ok("fd_fdstat_set_flags", [1, NONBLOCK]);
    assert!(!nonblocking(guest.stdio(1)), "the host's flags stay");
    let mut written = 0;
    // More than the pipe takes without waiting.
    while let Ok(nwritten) = transfer(&guest, "fd_write", 1, 0x1800) {
        assert!(nwritten > 0);
        written += nwritten;
    }
    let mut buf = vec![0; written as usize];
    reader.read_exact(&mut buf).unwrap();
    assert!(
        transfer(&guest, "fd_write", 1, 0x1800).is_ok(),
        "there is room again"
    );
}

#[test]
fn descriptors_of_one_stream_wait_each_in_its_own_way() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let guest = Guest::with(|setup| {
        setup.stdio[2] = reader.try_clone().unwrap().into();
        setup.stdio[0] = reader.into();
    });
    guest.ok("fd_fdstat_set_flags", [0, NONBLOCK]);
    assert_eq!(fdstat(&guest, 2).fs_flags, 0);
    assert_eq!(transfer(&guest, "fd_read", 0, 10), Err(Again));
    writer.write_all(b"abc").unwrap();
    assert_eq!(transfer(&guest, "fd_read", 2, 10), Ok(3));
}

#[test]
fn closing_a_stream_leaves_the_hosts_open() {
    let (guest, mut reader) = writing();
    guest.write(1, "guest ");
    guest.ok("fd_close", [1]);
    assert_eq!(guest.errno("fd_fdstat_get", [1, OUT]), Badf);
    rustix::io::write(guest.stdio(1), b"host ").unwrap();
    let host = guest.stdio(1).try_clone().unwrap();
    drop(guest);
    rustix::io::write(&host, b"again").unwrap();
    drop(host);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "guest host again");
}

#[test]
fn replacing_a_stream_leaves_the_hosts_open() {
    let (guest, mut reader) = writing();
    let fd = guest.open("file", Open::FILE);
    guest.ok("fd_renumber", [fd, 1]);
    guest.write(1, "ab");
    assert_eq!(guest.scratch.text("file"), "ab23456789");
    rustix::io::write(guest.stdio(1), b"host").unwrap();
    drop(guest);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "host");
}

#[test]
fn a_stream_can_be_a_file() {
    let guest = Guest::with(|setup| {
        let mut options = File::options();
        options.read(true).write(true);
        setup.stdio[0] = options
            .open(setup.scratch.host_path("file"))
            .unwrap()
            .into();
    });
    let mut host = File::from(guest.stdio(0).try_clone().unwrap());
    assert_eq!(guest.read(0), "0123456789");
    guest
        .call("fd_seek", [0, 2, 0, OUT])
        .wrote(&[(OUT, &[2, 0, 0, 0, 0, 0, 0, 0])]);
    guest.ok("fd_fdstat_set_flags", [0, Fdflags::APPEND.bits().into()]);
    guest.write(0, "ab");
    assert_eq!(guest.scratch.text("file"), "0123456789ab");
    assert!(
        !fcntl_getfl(&host).unwrap().contains(OFlags::APPEND),
        "the host's flags stay"
    );
    guest.ok("fd_fdstat_set_flags", [0, 0]);
    host.write_all(b"c").unwrap();
    assert_eq!(
        guest.scratch.text("file"),
        "0123456789abc",
        "the offset is shared, as it is"
    );
    guest.ok("fd_filestat_set_size", [0, 3]);
    assert_eq!(guest.scratch.text("file"), "012");
}

/// A file is lent for writing, and with it the operations on the file that do not depend on how it was opened.
#[test]
fn the_size_and_the_times_of_a_file_that_is_lent_are_the_guests_to_change() {
    let guest = Guest::with(|setup| {
        let mut options = File::options();
        options.read(true).write(true);
        setup.stdio[0] = options
            .open(setup.scratch.host_path("file"))
            .unwrap()
            .into();
    });
    let flags = fcntl_getfl(guest.stdio(0)).unwrap();
    guest.ok("fd_allocate", [0, 0, 20]);
    guest.ok("fd_filestat_set_size", [0, 12]);
    guest.ok(
        "fd_filestat_set_times",
        [0, 1_000_000_000, 2_000_000_000, 5],
    );
    for advice in 0..6 {
        guest.ok("fd_advise", [0, 0, 12, advice]);
    }
    let metadata = File::from(guest.stdio(0).try_clone().unwrap())
        .metadata()
        .unwrap();
    let times = [metadata.accessed(), metadata.modified()];
    let times = times.map(|time| time.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs());
    assert_eq!((metadata.len(), times), (12, [1, 2]));
    assert_eq!(fcntl_getfl(guest.stdio(0)).unwrap(), flags);
    let beyond = 1 << 63;
    let refused = [
        ("an offset beyond", vec![0, beyond, 1, 0], Inval),
        ("a length beyond", vec![0, 0, beyond, 0], Inval),
    ];
    guest.refuses("fd_advise", &refused);
}

/// A file that the host opened for reading alone cannot be truncated.
#[test]
fn a_file_that_is_lent_for_reading_keeps_its_size() {
    let guest = Guest::with(|setup| {
        setup.stdio[0] = File::open(setup.scratch.host_path("file")).unwrap().into();
    });
    for (name, args) in [
        ("fd_filestat_set_size", vec![0, 3]),
        ("fd_allocate", vec![0, 0, 20]),
    ] {
        assert_ne!(guest.errno(name, args), Success, "{name}");
    }
    assert_eq!(guest.scratch.text("file"), "0123456789");
}

#[test]
fn a_file_that_the_host_appends_to_is_appended_to() {
    let guest = Guest::with(|setup| {
        let file = File::options()
            .append(true)
            .open(setup.scratch.host_path("file"));
        setup.stdio[1] = file.unwrap().into();
    });
    assert_eq!(fdstat(&guest, 1).fs_flags, Fdflags::APPEND.bits());
    guest.write(1, "ab");
    guest.ok("fd_fdstat_set_flags", [1, 0]);
    guest.write(1, "c");
    assert_eq!(guest.scratch.text("file"), "0123456789abc");
}

/// A directory that is lent as a stream is a directory, whatever access mode the host opened it with.
#[test]
fn a_stream_that_is_a_directory_is_no_file() {
    let guest = Guest::with(|setup| {
        setup.stdio[0] = File::open(setup.scratch.host_path("dir")).unwrap().into();
    });
    assert_eq!(fdstat(&guest, 0).fs_filetype, Filetype::Directory);
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 1]]);
    assert_eq!(guest.errno("fd_read", [0, iovs, iovs_len, OUT]), Notcapable);
    let [path, path_len] = guest.store("nested");
    let open = [0, 0, path, path_len, 0, 2, 0, 0, OUT];
    assert_eq!(
        guest.errno("path_open", open),
        Notdir,
        "streams are no preopens"
    );
}

fn context(stdio: [i32; 3], preopen: &std::path::Path) -> Result<WasiCtx, InitError> {
    WasiCtx::new(Options {
        args: StringArray::default(),
        env: StringArray::default(),
        preopens: vec![Preopen {
            mapped_path: "/".into(),
            source: preopen.to_owned().into(),
            rights: Rights::all(),
        }],
        stdio: stdio.map(Stdio::Lent),
        limits: Limits::default(),
        grant: Grant::ALL,
    })
}

#[test]
fn options_that_cannot_be_opened_are_errors() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let null = null();
    let good = [null.as_raw_fd(); 3];
    assert!(context(good, scratch.path()).is_ok());
    for stream in 0..3 {
        for fd in [-1, i32::MIN, i32::MAX] {
            let mut stdio = good;
            stdio[stream] = fd;
            let error = context(stdio, scratch.path()).unwrap_err();
            assert_eq!(error.errno, Badf, "{fd} as {stream}");
            assert!(matches!(error.given, Given::Stdio(Stdio::Lent(given)) if given == fd));
        }
    }
    for (path, errno) in [(scratch.path().join("nothing"), Noent), (file, Notdir)] {
        let error = context(good, &path).unwrap_err();
        assert_eq!(error.errno, errno);
        assert!(
            matches!(error.given, Given::Preopen(Preopen { source: PreopenSource::Path(given), .. }) if given == path)
        );
    }
}
