//! `/dev`: what a program finds there, and that it can change nothing.

use wasi_rs::abi::Errno::{self, Exist, Isdir, Noent, Notdir, Rofs};
use wasi_rs::abi::{Filesize, Filestat, Filetype, Oflags, Rights};
use wasi_rs::ctx::{Preopen, PreopenSource};

use crate::readdir::list;
use crate::support::{BUF, Guest, NO_FOLLOW, OUT, Open};

/// The descriptor of `/dev`, which comes after `/sandbox`.
const DEV: u64 = 4;

const NAMES: [&str; 7] = [
    "null", "zero", "random", "urandom", "stdin", "stdout", "stderr",
];

const READ_WRITE: Open = Open::READ.base(Rights::FD_READ.union(Rights::FD_WRITE));

fn guest() -> Guest {
    Guest::with(|setup| {
        setup.other_preopens.push(Preopen {
            mapped_path: "/dev".into(),
            source: PreopenSource::Devices,
            rights: Rights::all(),
        });
    })
}

fn open(guest: &Guest, name: &str, open: Open) -> u64 {
    guest.open_at(DEV, name, open)
}

/// Reads up to `len` bytes.
fn read(guest: &Guest, fd: u64, len: u64) -> Vec<u8> {
    let [iovs, iovs_len] = guest.iovs(&[[BUF, len]]);
    let outcome = guest.call("fd_read", [fd, iovs, iovs_len, OUT]);
    outcome.wrote_within(&[(BUF, len), (OUT, 4)]);
    outcome.bytes_at(BUF, outcome.u32_at(OUT).into())
}

fn write(guest: &Guest, fd: u64, text: &str) -> u32 {
    let [ciovs, ciovs_len] = guest.ciovs(text);
    guest.record("fd_write", &[fd, ciovs, ciovs_len])
}

#[test]
fn each_device_reads_and_writes_as_on_linux() {
    let guest = guest();
    let null = open(&guest, "null", READ_WRITE);
    assert_eq!(read(&guest, null, 8), b"");
    assert_eq!(write(&guest, null, "text"), 4);
    let zero = open(&guest, "zero", READ_WRITE);
    assert_eq!(read(&guest, zero, 64), [0; 64]);
    assert_eq!(write(&guest, zero, "text"), 4);
    for name in ["random", "urandom"] {
        let random = open(&guest, name, READ_WRITE);
        assert_ne!(read(&guest, random, 32), read(&guest, random, 32), "{name}");
        assert_eq!(write(&guest, random, "text"), 4);
    }
}

#[test]
fn a_device_refuses_what_it_was_not_opened_for() {
    let guest = guest();
    for name in ["null", "zero", "urandom"] {
        let fd = open(&guest, name, Open::READ);
        let [ciovs, ciovs_len] = guest.ciovs("text");
        let errno = guest.errno("fd_write", [fd, ciovs, ciovs_len, OUT]);
        assert_eq!(errno, Errno::Notcapable, "{name}");
    }
}

#[test]
fn a_shell_may_truncate_and_create_what_is_there() {
    let guest = guest();
    for oflags in [Oflags::CREAT, Oflags::TRUNC, Oflags::CREAT | Oflags::TRUNC] {
        let fd = open(&guest, "null", READ_WRITE.oflags(oflags));
        assert_eq!(write(&guest, fd, "text"), 4, "{oflags:?}");
    }
}

#[test]
fn offsets_mean_nothing_to_them() {
    let guest = guest();
    for name in ["null", "zero", "urandom"] {
        let fd = open(&guest, name, Open::FILE);
        for (offset, whence) in [(7, 0), (7, 1), (0, 2)] {
            let at: Filesize = guest.record("fd_seek", &[fd, offset, whence]);
            assert_eq!(at, 0, "{name}");
        }
        assert_eq!(guest.record::<Filesize>("fd_tell", &[fd]), 0);
        let [iovs, iovs_len] = guest.iovs(&[[BUF, 8]]);
        let outcome = guest.call("fd_pread", [fd, iovs, iovs_len, 9, OUT]);
        let nread = if name == "null" { 0 } else { 8 };
        assert_eq!(outcome.u32_at(OUT), nread, "{name}");
        let [ciovs, ciovs_len] = guest.ciovs("text");
        let nwritten: u32 = guest.record("fd_pwrite", &[fd, ciovs, ciovs_len, 9]);
        assert_eq!(nwritten, 4, "{name}");
    }
}

#[test]
fn nothing_in_it_can_be_changed() {
    let guest = guest();
    let [new, null] = ["new", "null"].map(|name| guest.store(name));
    let at = |[path, len]: [u64; 2]| [DEV, path, len];
    for (call, path, errno) in [
        ("path_create_directory", new, Rofs),
        ("path_unlink_file", null, Rofs),
        ("path_remove_directory", null, Rofs),
    ] {
        assert_eq!(guest.errno(call, at(path)), errno, "{call}");
    }
    let rename = [at(null), at(new)].concat();
    assert_eq!(guest.errno("path_rename", rename), Rofs);
    let symlink = [null[0], null[1], DEV, new[0], new[1]];
    assert_eq!(guest.errno("path_symlink", symlink), Rofs);
    for (name, open, errno) in [
        ("new", READ_WRITE.oflags(Oflags::CREAT), Rofs),
        ("new", Open::READ, Noent),
        (
            "null",
            READ_WRITE.oflags(Oflags::CREAT | Oflags::EXCL),
            Exist,
        ),
        ("null", Open::DIR, Notdir),
        ("null/x", Open::READ, Notdir),
        (".", READ_WRITE, Isdir),
    ] {
        let args = guest.open_args(DEV, name, open);
        assert_eq!(guest.errno("path_open", args), errno, "{name}");
    }
}

#[test]
fn it_is_listed_with_types_and_attributes() {
    let guest = guest();
    let listed = list(&guest, DEV, 4096, 0);
    let expected = [".", ".."].iter().chain(&NAMES);
    assert!(listed.iter().map(|(name, _)| name).eq(expected));
    for (name, entry) in &listed[2..6] {
        let [path, len] = guest.store(name);
        let stat: Filestat = guest.record("path_filestat_get", &[DEV, NO_FOLLOW, path, len]);
        assert_eq!(stat.filetype, Filetype::CharacterDevice, "{name}");
        assert_eq!((entry.d_type, entry.d_ino), (stat.filetype, stat.ino));
        let fd = open(&guest, name, Open::READ);
        assert_eq!(guest.record::<Filestat>("fd_filestat_get", &[fd]), stat);
    }
}

#[test]
fn what_was_opened_is_closed_with_its_command_and_streams_are_not() {
    let guest = guest();
    let opened = [
        open(&guest, "stdin", Open::READ),
        open(&guest, "null", Open::READ),
    ];
    guest.ctx.end();
    for fd in opened {
        assert!(guest.ctx.entry(fd as u32).is_err());
    }
    for fd in [0, 1, 2, DEV] {
        assert!(guest.ctx.entry(fd as u32).is_ok());
    }
}

/// The devices of two guests are two directories.
#[test]
fn each_guest_has_its_own() {
    let [one, other] = [guest(), guest()].map(|guest| {
        let stat: Filestat = guest.record("fd_filestat_get", &[DEV]);
        assert_eq!(stat.filetype, Filetype::Directory);
        stat.dev
    });
    assert_ne!(one, other);
}

#[cfg(unix)]
mod streams {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn the_standard_streams_are_those_of_the_guest() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let (mut printed, printer) = std::io::pipe().unwrap();
        let guest = Guest::with(|setup| {
            setup.stdio[0] = std::os::fd::OwnedFd::from(reader);
            setup.stdio[1] = std::os::fd::OwnedFd::from(printer);
            setup.other_preopens.push(Preopen {
                mapped_path: "/dev".into(),
                source: PreopenSource::Devices,
                rights: Rights::all(),
            });
        });
        writer.write_all(b"input").unwrap();
        let stdin = open(&guest, "stdin", Open::READ);
        assert_eq!(read(&guest, stdin, 16), b"input");
        let stdout = open(&guest, "stdout", READ_WRITE);
        assert_eq!(write(&guest, stdout, "output"), 6);
        let mut output = [0; 6];
        printed.read_exact(&mut output).unwrap();
        assert_eq!(&output, b"output");
        // Closing it closes neither the guest's own stream nor the embedder's.
        guest.ok("fd_close", [stdout]);
        assert_eq!(write(&guest, 1, "more"), 4);
    }
}
