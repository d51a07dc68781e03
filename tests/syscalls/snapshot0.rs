//! The layouts of `wasi_unstable` that differ, byte by byte.

use wasi_rs::abi::Errno::{Badf, Inval, Overflow};
use wasi_rs::abi::{Filetype, Record, Snapshot, snapshot0};

use crate::support::{BUF, CLOSED, END, FOLLOW, Guest, OUT, Open, PREOPEN, args};

#[test]
fn fd_seek_numbers_whence_differently() {
    for guest in Guest::every_backend(|setup| setup.snapshot = Snapshot::Snapshot0) {
        let fd = guest.open("file", Open::FILE);
        let (cur, end, set) = (0, 1, 2);
        for (offset, whence, newoffset) in [
            (3_i64, set, 3_u64),
            (2, cur, 5),
            (-1, end, 9),
            (-9, cur, 0),
            (1, 0x0102, 1),
        ] {
            let outcome = guest.call("fd_seek", [fd, offset as u64, whence, OUT]);
            outcome.wrote(&[(OUT, &newoffset.to_le_bytes())]);
        }
        guest.refuses(
            "fd_seek",
            &[
                ("no whence", vec![fd, 0, 3, OUT], Inval),
                ("before the start", vec![fd, -1_i64 as u64, set, OUT], Inval),
            ],
        );
    }
}

/// A `filestat` of 56 bytes, field by field.
fn filestat(guest: &Guest, path: &str, filetype: Filetype) -> Vec<u8> {
    let host = guest.scratch.stat(path);
    [
        &host.dev.to_le_bytes()[..],
        &host.ino.to_le_bytes(),
        &[filetype.raw(), 0, 0, 0],
        &(host.nlink as u32).to_le_bytes(),
        &host.size.to_le_bytes(),
        &host.atim.to_le_bytes(),
        &host.mtim.to_le_bytes(),
        &host.ctim.to_le_bytes(),
    ]
    .concat()
}

#[test]
fn filestats_have_56_bytes() {
    for guest in Guest::every_backend(|setup| setup.snapshot = Snapshot::Snapshot0) {
        let fd = guest.open("file", Open::FILE);
        let expected = filestat(&guest, "file", Filetype::RegularFile);
        assert_eq!(expected.len(), snapshot0::Filestat::SIZE);
        let path = guest.store("file");
        for at in [OUT, END - 56] {
            guest
                .call("fd_filestat_get", [fd, at])
                .wrote(&[(at, &expected)]);
            let args = args(&[&[PREOPEN, FOLLOW], &path, &[at]]);
            guest
                .call("path_filestat_get", args)
                .wrote(&[(at, &expected)]);
        }
        guest.refuses(
            "fd_filestat_get",
            &[("beyond memory", vec![fd, END - 55], Overflow)],
        );
        let stat = args(&[&[PREOPEN, FOLLOW], &path, &[END - 55]]);
        guest.refuses("path_filestat_get", &[("beyond memory", stat, Overflow)]);
    }
}

/// A subscription to the monotonic clock, of 56 bytes: its identifier comes first.
fn clock(userdata: u64, id: u32, timeout: u64) -> Vec<u8> {
    [
        &userdata.to_le_bytes()[..],
        &[0; 8],                 // tag: clock
        &u64::MAX.to_le_bytes(), // clock.identifier
        &[&id.to_le_bytes()[..], &[b'?'; 4]].concat(),
        &timeout.to_le_bytes(),
        &[0; 8], // clock.precision
        &[0; 8], // clock.flags
    ]
    .concat()
}

fn readable(userdata: u64, fd: u64) -> Vec<u8> {
    let head = [userdata, 1, fd].map(u64::to_le_bytes).concat();
    [head, vec![b'?'; 32]].concat()
}

#[test]
fn subscriptions_have_56_bytes() {
    for guest in Guest::every_backend(|setup| setup.snapshot = Snapshot::Snapshot0) {
        let monotonic = 1;
        let subscriptions = [
            clock(1, monotonic, u64::MAX),
            readable(2, CLOSED),
            clock(3, monotonic, 0),
            clock(4, 9, 0),
        ];
        let [at, len] = guest.store(subscriptions.concat());
        assert_eq!(len, 4 * snapshot0::RawSubscription::SIZE as u64);
        let event = |userdata: u8, error: u8, tag: u8| {
            let mut event = [0; 32];
            (event[0], event[8], event[10]) = (userdata, error, tag);
            event
        };
        let events = [event(2, 8, 1), event(3, 0, 0), event(4, 28, 0)].concat();
        let outcome = guest.call("poll_oneoff", [at, BUF, 4, OUT]);
        outcome.wrote(&[(BUF, &events), (OUT, &[3, 0, 0, 0])]);
        let rows = [("beyond memory", vec![END - 55, BUF, 1, OUT], Overflow)];
        guest.refuses("poll_oneoff", &rows);
    }
}

/// Everything else is as in preview1: a record and a call of each kind.
#[test]
fn other_layouts_are_the_same() {
    for name in ["fd_fdstat_get", "fd_prestat_get"] {
        let call = |guest: &Guest| guest.call(name, [PREOPEN, OUT]).bytes_at(OUT, 24);
        assert_eq!(call(&Guest::snapshot0()), call(&Guest::new()), "{name}");
    }
    for guest in Guest::every_backend(|setup| setup.snapshot = Snapshot::Snapshot0) {
        let fd = guest.open("file", Open::FILE);
        guest.write(fd, "ab");
        assert_eq!(guest.scratch.text("file"), "ab23456789");
        let outcome = guest.call("fd_readdir", [PREOPEN, BUF, 100, 0, OUT]);
        outcome.wrote(&[(BUF, &outcome.bytes_at(BUF, 100)), (OUT, &[100, 0, 0, 0])]);
    }
}

/// A module may be linked from objects for both snapshots: they share the descriptors.
#[test]
fn both_snapshots_have_the_same_descriptors() {
    for preview1 in Guest::every_backend(|_| {}) {
        let snapshot0 = preview1.of(Snapshot::Snapshot0);
        let fd = snapshot0.open("file", Open::FILE);
        let (set, cur_of_preview1, cur_of_snapshot0) = (2, 1, 0);
        let to = |guest: &Guest, offset: u64, whence, newoffset: u64| {
            let outcome = guest.call("fd_seek", [fd, offset, whence, OUT]);
            outcome.wrote(&[(OUT, &newoffset.to_le_bytes())]);
        };
        to(&snapshot0, 3, set, 3);
        to(&preview1, 2, cur_of_preview1, 5);
        to(&snapshot0, 1, cur_of_snapshot0, 6);
        to(&preview1, 1, set, 11);

        let len = |guest: &Guest, name, args: Vec<u64>| {
            let outcome = guest.call(name, args);
            let written = outcome.bytes_at(OUT, 64);
            let len = written.iter().rposition(|byte| *byte != b'?').unwrap() + 1;
            (outcome.result, len)
        };
        for (guest, size) in [(&preview1, 64), (&snapshot0, 56)] {
            let stat = len(guest, "fd_filestat_get", vec![fd, OUT]);
            assert_eq!(stat, (Ok(()), size));
            let stat = guest.at(PREOPEN, "file", &[OUT]);
            let stat = [&stat[..1], &[FOLLOW], &stat[1..]].concat();
            assert_eq!(len(guest, "path_filestat_get", stat), (Ok(()), size));
        }
        preview1.ok("fd_close", [fd]);
        snapshot0.refuses("fd_close", &[("closed", vec![fd], Badf)]);
    }
}
