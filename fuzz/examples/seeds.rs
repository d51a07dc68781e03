//! Writes the seeds: short sequences of calls that the fuzzer starts from.
//!
//! ```text
//! cargo run --example seeds --manifest-path fuzz/Cargo.toml
//! ```

use std::fs;
use std::path::Path;

use wasi_rs::abi::{
    Dirent, Errno, Event, EventFdReadwrite, Eventtype, Fdstat, Filestat, Filetype, Iovec,
    Preopentype, Prestat, RawSubscription, Record, Rights, SubscriptionClock, snapshot0,
};
use wasi_rs::syscalls::SYSCALLS;
use wasi_rs::vfs::archive::{ArchiveLimits, TarArchive, read_zip};
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits};
use wasi_rs_fuzz::input::{HEAD, RECORD};
use wasi_rs_fuzz::scratch::VOCABULARY;

/// The choice of a valid value, as an honest program would pass.
const HONEST: u8 = 0;
/// The first descriptor that a guest opens.
const OPENED: u8 = 5;
const FOLLOW: u8 = 1;
const CREAT: u8 = 1;
const DIRECTORY: u8 = 2;
const TRUNC: u8 = 8;

/// The choices of sets of rights.
const FILE_RIGHTS: u8 = 0;
const DIR_RIGHTS: u8 = 0x30;
const INHERITING: u8 = 0x50;

fn call(name: &str, made_from: &[&[u8]]) -> Vec<u8> {
    let row = SYSCALLS.iter().position(|syscall| syscall.name == name);
    let row = row.unwrap_or_else(|| panic!("{name} is no call"));
    let mut record = vec![row as u8];
    record.extend(made_from.concat());
    assert!(record.len() <= RECORD, "{name}");
    record.resize(RECORD, 0);
    record
}

/// A path of these names. A `/` at the end adds a slash.
fn path(text: &str) -> Vec<u8> {
    let names: Vec<_> = text
        .trim_matches('/')
        .split('/')
        .filter(|name| !name.is_empty())
        .collect();
    let mut shape = names.len() as u8;
    shape |= u8::from(text.starts_with('/')) << 3;
    shape |= u8::from(text.ends_with('/')) << 4;
    let numbers = names.iter().map(|name| {
        let position = VOCABULARY
            .iter()
            .position(|known| *known == name.as_bytes());
        position.unwrap_or_else(|| panic!("{name} is not in the vocabulary")) as u8
    });
    [HONEST, HONEST, shape].into_iter().chain(numbers).collect()
}

fn open(dir: u8, text: &str, oflags: u8, rights: u8) -> Vec<u8> {
    let flags = [oflags, rights, INHERITING, 0, HONEST];
    call("path_open", &[&[dir, FOLLOW], &path(text), &flags])
}

/// A list of one buffer of 64 bytes.
const ONE_BUFFER: [u8; 6] = [1, HONEST, 0, HONEST, HONEST, HONEST];

/// The name of a seed, its head, and its calls.
type Story = (&'static str, [u8; HEAD], Vec<Vec<u8>>);

fn stories() -> Vec<Story> {
    let all = [0; HEAD];
    let head = |at: usize, byte: u8| {
        let mut head = all;
        head[at] = byte;
        head
    };
    let both = |name, one: &str, other: &str| {
        let (one, other) = (path(one), path(other));
        match name {
            "path_link" => call(name, &[&[3, FOLLOW], &one, &[3], &other]),
            "path_symlink" => call(name, &[&one, &[3], &other]),
            _ => call(name, &[&[3], &one, &[3], &other]),
        }
    };
    let at = |name, text: &str| call(name, &[&[3], &path(text)]);
    let stat = |text: &str| call("path_filestat_get", &[&[3, FOLLOW], &path(text), &[HONEST]]);
    let write = call("fd_write", &[&[OPENED], &ONE_BUFFER, &[HONEST]]);
    let read = call("fd_read", &[&[OPENED], &ONE_BUFFER, &[HONEST]]);
    let list = |cookie| {
        call(
            "fd_readdir",
            &[&[OPENED, 6, HONEST, HONEST, cookie, HONEST]],
        )
    };
    vec![
        (
            "write",
            all,
            vec![
                open(3, "new", CREAT, FILE_RIGHTS),
                write.clone(),
                call("fd_seek", &[&[OPENED, 0, 0, 0, HONEST]]),
                read.clone(),
                call("fd_close", &[&[OPENED]]),
            ],
        ),
        (
            "read_at",
            all,
            vec![
                open(3, "dir/nested", 0, FILE_RIGHTS),
                call("fd_pread", &[&[OPENED], &ONE_BUFFER, &[1, HONEST]]),
                call("fd_pwrite", &[&[OPENED], &ONE_BUFFER, &[3, HONEST]]),
                call("fd_tell", &[&[OPENED, HONEST]]),
            ],
        ),
        (
            "truncate",
            all,
            vec![
                open(3, "file", TRUNC, FILE_RIGHTS),
                call("fd_filestat_set_size", &[&[OPENED, 6]]),
                call("fd_allocate", &[&[OPENED, 0, 8]]),
                call("fd_filestat_get", &[&[OPENED, HONEST]]),
            ],
        ),
        (
            "list",
            all,
            vec![
                open(3, ".", DIRECTORY, DIR_RIGHTS),
                list(0x80),
                list(0),
                list(0),
                list(0xc0),
            ],
        ),
        (
            "list_old",
            head(0, 1),
            vec![open(3, "dir", DIRECTORY, DIR_RIGHTS), list(0x80), list(0)],
        ),
        (
            "out",
            all,
            vec![
                open(3, "out/secret", 0, FILE_RIGHTS),
                open(3, "outfile", 0, FILE_RIGHTS),
                open(3, "abs/secret", 0, FILE_RIGHTS),
                open(3, "chain/new", CREAT, FILE_RIGHTS),
                stat("out/"),
                stat("root/etc/passwd"),
                at("path_unlink_file", "out/secret"),
            ],
        ),
        (
            "climb",
            all,
            vec![
                open(3, "../outside/secret", 0, FILE_RIGHTS),
                open(3, "dir/../../outside/secret", 0, FILE_RIGHTS),
                stat(".."),
                stat("updir"),
                stat("up/outside/secret"),
            ],
        ),
        (
            "links",
            all,
            vec![
                both("path_symlink", "../outside", "a"),
                both("path_symlink", "../outside", "dir/sub/a"),
                both("path_rename", "dir/sub/a", "b"),
                open(3, "b/secret", 0, FILE_RIGHTS),
                call(
                    "path_readlink",
                    &[&[3], &path("out"), &[0, HONEST, HONEST, HONEST]],
                ),
            ],
        ),
        (
            "chains",
            all,
            vec![
                both("path_symlink", "a/", "b"),
                both("path_symlink", "x", "a"),
                both("path_link", "evil", "x"),
                open(3, "b/secret", 0, FILE_RIGHTS),
                stat("b/"),
                at("path_create_directory", "b/new"),
                at("path_remove_directory", "b/dir/"),
            ],
        ),
        (
            "guest_paths",
            all,
            vec![
                open(3, "guestdir/nested", 0, FILE_RIGHTS),
                open(3, "other/nested", 0, FILE_RIGHTS),
                open(3, "guestfile", 0, FILE_RIGHTS),
                open(3, "absfile", 0, FILE_RIGHTS),
                at("path_create_directory", "other/new"),
            ],
        ),
        (
            "root",
            head(1, 1),
            vec![
                open(3, "../../dir/nested", 0, FILE_RIGHTS),
                open(3, "absfile", 0, FILE_RIGHTS),
                open(3, "up/up/file", 0, FILE_RIGHTS),
                both("path_symlink", "../../outside/secret", "a"),
                open(3, "a", 0, FILE_RIGHTS),
            ],
        ),
        (
            "names",
            all,
            vec![
                at("path_create_directory", "a"),
                both("path_rename", "dir", "a/b"),
                both("path_link", "file", "a/x"),
                both("path_rename", "a", "a/b/y"),
                at("path_remove_directory", "a"),
                at("path_unlink_file", "a/x"),
            ],
        ),
        (
            "across",
            head(3, 0x90),
            vec![
                call("path_link", &[&[4, 0], &path("file"), &[3], &path("new")]),
                call("path_rename", &[&[4], &path("file"), &[3], &path("new")]),
                open(4, "file", TRUNC, FILE_RIGHTS),
                open(3, "other/new", CREAT, FILE_RIGHTS),
                open(3, "other/nested", TRUNC, FILE_RIGHTS),
            ],
        ),
        (
            "moved",
            all,
            vec![
                open(3, "dir", DIRECTORY, DIR_RIGHTS),
                call("path_rename", &[&[3], &path("dir"), &[4], &path("a")]),
                open(OPENED, "../file", 0, FILE_RIGHTS),
                open(OPENED, "nested", 0, FILE_RIGHTS),
                call(
                    "path_filestat_get",
                    &[&[OPENED, 0], &path("sub"), &[HONEST]],
                ),
            ],
        ),
        (
            "renumber",
            all,
            vec![
                open(3, "file", 0, FILE_RIGHTS),
                call("fd_renumber", &[&[OPENED, 3]]),
                call("fd_renumber", &[&[0xf0, 3]]),
                open(4, "file", 0, FILE_RIGHTS),
                call("fd_renumber", &[&[3, 3]]),
                call("fd_close", &[&[3]]),
                read.clone(),
            ],
        ),
        (
            "full",
            head(6, 1),
            vec![
                open(3, "file", 0, FILE_RIGHTS),
                open(3, "file", 0, FILE_RIGHTS),
                open(3, "file", 0, FILE_RIGHTS),
                open(3, "new", CREAT, FILE_RIGHTS),
                call("fd_close", &[&[6]]),
                open(3, "new", CREAT, FILE_RIGHTS),
            ],
        ),
        (
            "times",
            all,
            vec![
                call(
                    "path_filestat_set_times",
                    &[&[3, FOLLOW], &path("file"), &[7, 6, 5]],
                ),
                stat("file"),
                call(
                    "path_filestat_set_times",
                    &[&[3, FOLLOW], &path("outfile"), &[4, 4, 5]],
                ),
                open(3, "file", 0, FILE_RIGHTS),
                call("fd_filestat_set_times", &[&[OPENED, 4, 4, 10]]),
            ],
        ),
        (
            "poll",
            all,
            vec![
                call(
                    "poll_oneoff",
                    &[&[3, HONEST, 0, 1, 3, 0, 1, 3, 2, 0, HONEST, HONEST]],
                ),
                call(
                    "poll_oneoff",
                    &[&[1, HONEST, 0, 0, 3, 0, HONEST, HONEST, HONEST]],
                ),
            ],
        ),
        (
            "poll_old",
            head(0, 1),
            vec![call(
                "poll_oneoff",
                &[&[2, HONEST, 0, 1, 3, 1, 1, HONEST, HONEST, HONEST]],
            )],
        ),
        (
            "socket",
            head(0, 5 << 1),
            vec![
                call("sock_accept", &[&[0, 4, HONEST]]),
                call("sock_recv", &[&[OPENED], &ONE_BUFFER, &[0, HONEST, HONEST]]),
                call("sock_send", &[&[OPENED], &ONE_BUFFER, &[0, HONEST]]),
                call("sock_shutdown", &[&[OPENED, 3]]),
            ],
        ),
        (
            "streams",
            head(0, 1 << 1 | 2 << 4),
            vec![
                call("fd_read", &[&[0], &ONE_BUFFER, &[HONEST]]),
                call("fd_write", &[&[1], &ONE_BUFFER, &[HONEST]]),
                call("fd_fdstat_set_flags", &[&[0, 5]]),
                call("fd_fdstat_get", &[&[0, HONEST]]),
            ],
        ),
        (
            "fifo",
            all,
            vec![
                call(
                    "path_open",
                    &[
                        &[3, FOLLOW],
                        &path("fifo"),
                        &[0, FILE_RIGHTS, INHERITING, 4, HONEST],
                    ],
                ),
                write.clone(),
                read.clone(),
                call("fd_advise", &[&[OPENED, 0, 0, 0]]),
                call("fd_sync", &[&[OPENED]]),
            ],
        ),
        (
            "strings",
            all,
            vec![
                call("args_sizes_get", &[&[HONEST; 2]]),
                call("args_get", &[&[HONEST; 2]]),
                call("environ_sizes_get", &[&[HONEST; 2]]),
                call("environ_get", &[&[HONEST, 0xe1]]),
                call("fd_prestat_get", &[&[3, HONEST]]),
                call("fd_prestat_dir_name", &[&[3, 0, HONEST, HONEST]]),
            ],
        ),
        (
            "rights",
            all,
            vec![
                open(3, ".", DIRECTORY, DIR_RIGHTS),
                call("fd_fdstat_set_rights", &[&[OPENED, 0x70, 0x70]]),
                open(OPENED, "new", CREAT, FILE_RIGHTS),
                open(OPENED, "file", 0, 0x70),
                call("fd_fdstat_set_rights", &[&[OPENED, 0x90, 0x90]]),
            ],
        ),
        (
            "read_only",
            head(2, 0x90),
            vec![
                open(3, "file", 0, 0x70),
                open(3, "file", 0, FILE_RIGHTS),
                open(3, "new", CREAT, FILE_RIGHTS),
                at("path_unlink_file", "file"),
                call(
                    "path_filestat_set_times",
                    &[&[3, FOLLOW], &path("file"), &[4, 4, 5]],
                ),
                open(3, ".", DIRECTORY, DIR_RIGHTS),
                write.clone(),
            ],
        ),
        (
            "capabilities",
            {
                let mut head = all;
                head[4] = 0xa0;
                head[5] = 0x20;
                head
            },
            vec![
                open(3, "file", 0, FILE_RIGHTS),
                read.clone(),
                at("path_unlink_file", "file"),
                call("random_get", &[&[0, HONEST, HONEST]]),
            ],
        ),
        (
            "edges",
            head(7, 3),
            vec![
                call("random_get", &[&[3, 0xe0, HONEST]]),
                call("random_get", &[&[3, 0xe1, HONEST]]),
                call("fd_prestat_get", &[&[3, 0xe3]]),
                open(3, "file", 0, FILE_RIGHTS),
                call(
                    "fd_read",
                    &[&[
                        OPENED, 4, HONEST, 0, 0xe0, HONEST, 0, 0xe1, HONEST, 0, 0xe8, 0xe2, 0, 0,
                        0, HONEST,
                    ]],
                ),
                call(
                    "fd_read",
                    &[&[
                        OPENED, 0xe0, HONEST, 0, HONEST, HONEST, 0, HONEST, HONEST, 0, HONEST,
                        HONEST, 0, HONEST, HONEST, HONEST, HONEST,
                    ]],
                ),
            ],
        ),
        (
            "exchanged",
            all,
            vec![
                open(3, "dir", DIRECTORY, DIR_RIGHTS),
                vec![250; RECORD],
                open(3, "dir/secret", 0, FILE_RIGHTS),
                open(OPENED, "nested", 0, FILE_RIGHTS),
                vec![253; RECORD],
                stat("file"),
            ],
        ),
        (
            "rest",
            all,
            vec![
                call("clock_time_get", &[&[1, 0, HONEST]]),
                call("clock_res_get", &[&[3, HONEST]]),
                call("sched_yield", &[]),
                call("fd_datasync", &[&[3]]),
                call("proc_raise", &[&[3]]),
                call("proc_exit", &[&[2]]),
            ],
        ),
    ]
}

fn records() -> Vec<(&'static str, Vec<u8>)> {
    let clock = SubscriptionClock {
        id: 1,
        timeout: 1_000_000,
        precision: 0,
        flags: 1,
    };
    let mut older = [0; 40];
    older[8..].copy_from_slice(&clock.encode());
    let filestat = Filestat {
        dev: 1,
        ino: 2,
        filetype: Filetype::RegularFile,
        nlink: 1 << 33,
        size: 5,
        atim: 6,
        mtim: 7,
        ctim: 8,
    };
    let fd_readwrite = EventFdReadwrite {
        nbytes: 9,
        flags: 1,
    };
    let rights = Rights::all().bits();
    vec![
        (
            "iovec",
            Iovec {
                buf: 16,
                buf_len: 5,
            }
            .encode()
            .to_vec(),
        ),
        (
            "prestat",
            Prestat {
                tag: Preopentype::Dir,
                name_len: 8,
            }
            .encode()
            .to_vec(),
        ),
        (
            "fdstat",
            Fdstat {
                fs_filetype: Filetype::RegularFile,
                fs_flags: 5,
                fs_rights_base: rights,
                fs_rights_inheriting: 0,
            }
            .encode()
            .to_vec(),
        ),
        ("filestat", filestat.encode().to_vec()),
        (
            "filestat_old",
            snapshot0::Filestat::from(&filestat).encode().to_vec(),
        ),
        (
            "dirent",
            Dirent {
                d_next: 1,
                d_ino: 2,
                d_namlen: 3,
                d_type: Filetype::SymbolicLink,
            }
            .encode()
            .to_vec(),
        ),
        (
            "event",
            Event {
                userdata: 1,
                error: Errno::Badf,
                r#type: Eventtype::FdWrite,
                fd_readwrite,
            }
            .encode()
            .to_vec(),
        ),
        (
            "clock",
            RawSubscription {
                userdata: 1,
                tag: 0,
                u: clock.encode(),
            }
            .encode()
            .to_vec(),
        ),
        (
            "clock_old",
            snapshot0::RawSubscription {
                userdata: 1,
                tag: 0,
                u: older,
            }
            .encode()
            .to_vec(),
        ),
        (
            "descriptor",
            RawSubscription {
                userdata: 1,
                tag: 1,
                u: [3; 32],
            }
            .encode()
            .to_vec(),
        ),
        ("strings", b"program,--flag,,cut\0here".to_vec()),
        ("slashes", b"a/b//".to_vec()),
        ("capability", b"fs:read".to_vec()),
        ("call", b"path_open".to_vec()),
    ]
}

fn paths() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (number, text) in [
        "file",
        "dir/nested",
        "dir/../dir/./nested",
        "out/secret",
        "chain/",
        "deep0/",
        "guestdir/nested",
        "other/",
        "absfile",
        "root/etc/passwd",
        "updir/up/file",
        "loop/x",
        "dangling",
        "link/x",
        "slashes//.",
    ]
    .iter()
    .enumerate()
    {
        // To the end and not; from the first preopen, and as the root.
        for choices in [0x80, 0x81, 0x84] {
            let bytes = [&[choices][..], text.as_bytes()].concat();
            seeds.push((format!("{number:02}-{choices:x}"), bytes));
        }
    }
    seeds
}

/// A tar archive with a file, a link, and a path that needs an extended header; and a zip archive with an empty
/// file.
fn archives() -> [(&'static str, Vec<u8>); 2] {
    let files = MemoryFs::new(MemoryFsLimits::default());
    files.file(b"dir/file", b"text", Some(1)).unwrap();
    files.symlink(b"link", b"dir/file").unwrap();
    let long = [b"long/", &[b'n'; 200][..]].concat();
    files.file(&long, b"", Some(1 << 62)).unwrap();
    let all = files.all().unwrap();
    let tar = TarArchive::new(&all, 1 << 20).unwrap().to_vec().unwrap();
    let zip = [
        // The member: version, flags, method, time, date, checksum, sizes, lengths of its name and of extra
        // fields.
        b"PK\x03\x04\x0a\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0f".as_slice(),
        // Its entry in the central directory, and the end of that.
        b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0f",
        b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0",
    ];
    let zip = zip.concat();
    assert_eq!(
        read_zip(zip.clone(), ArchiveLimits::default())
            .unwrap()
            .files(),
        1
    );
    [("tar", tar), ("zip", zip)]
}

/// Operations in the file system in memory and in tmpfs. The head says how often it is exchanged for a new one;
/// each record has a directory, another one, a file, the operation, and its arguments.
fn operations() -> Vec<(&'static str, u8, Vec<Vec<u8>>)> {
    let record = |choices: &[u8]| {
        let mut record = choices.to_vec();
        record.resize(RECORD, 0);
        record
    };
    let files = vec![
        // Created, and opened for reading and writing.
        record(&[0, 0, 0, 2, 1, CREAT, 1, 2]),
        // 20 bytes at 70,000, which is in the second chunk.
        record(&[0, 0, 0, 33, 0x70, 0x11, 1, 0, 1, 20]),
        record(&[0, 0, 0, 28, 200]),
        record(&[0, 0, 0, 30, 0, 1, 0, 0, 0xff]),
        record(&[0, 0, 0, 24, 0, 0, 0, 0, 0xff, 0xff]),
        // A hard link; then without the first name.
        record(&[0, 0, 0, 16, 1, 2, 3]),
        record(&[0, 0, 0, 9, 2]),
        record(&[0, 0, 0, 23]),
    ];
    let names = vec![
        record(&[0, 0, 0, 0, 2]),
        record(&[0, 0, 0, 6, 2]),
        record(&[1, 0, 0, 0, 3]),
        record(&[1, 0, 0, 6, 3]),
        record(&[1, 0, 0, 13, 3, 4]),
        record(&[2, 0, 0, 8]),
        record(&[0, 0, 0, 11, 2]),
        record(&[0, 0, 0, 17, 2, 5]),
        record(&[0, 0, 0, 18, 5]),
        record(&[0, 0, 0, 21]),
    ];
    let both = [files.clone(), names.clone()].concat();
    vec![
        ("files", 0xff, files),
        ("names", 0xff, names),
        ("over_images", 2, both),
    ]
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let dir = root.join(target);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), bytes).unwrap();
    };
    for (name, head, calls) in stories() {
        write("calls", name, &[head.to_vec(), calls.concat()].concat());
    }
    for (name, every, calls) in operations() {
        let mut head = [0; HEAD];
        head[0] = every;
        write("tmpfs", name, &[head.to_vec(), calls.concat()].concat());
    }
    for (name, bytes) in records() {
        write("records", name, &bytes);
    }
    for (name, bytes) in archives() {
        wasi_rs_fuzz::archives::check(&bytes);
        write("archives", name, &bytes);
    }
    for (name, bytes) in paths() {
        write("paths", &name, &bytes);
    }
}
