//! Makes the calls of a case many times without JavaScript, so that their system calls and
//! instructions can be counted: `calls CASE TIMES`. Without arguments, lists the cases.

use std::sync::atomic::AtomicU32;

use wasi_rs::abi::Rights;
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray, WasiCtx};
use wasi_rs::memory::LinearMemory;
use wasi_rs::syscalls::{MAX_PARAMS, SYSCALLS, Syscall};

/// A call and its arguments. Arguments that are left out are 0.
type Call = (&'static str, &'static [u64]);

const READ: u64 = Rights::FD_READ.bits();
const FOLLOW: u64 = 1;
/// Addresses in the guest's memory.
const RESULT: u64 = 64;
const FILE: u64 = 1024;
const NESTED: u64 = 1032;
const MADE: u64 = 1048;
const LINK: u64 = 1056;
const CLIMBING: u64 = 1064;
const BUF: u64 = 8192;

/// The cases: the name, the calls that are made once, such as to open descriptor 4, and those
/// that are counted.
const CASES: &[(&str, &[Call], &[Call])] = &[
    ("args_sizes_get", &[], &[("args_sizes_get", &[64, 68])]),
    (
        "clock_time_get",
        &[],
        &[("clock_time_get", &[1, 0, RESULT])],
    ),
    ("random_get", &[], &[("random_get", &[BUF, 16])]),
    ("fd_fdstat_get", OPEN, &[("fd_fdstat_get", &[4, RESULT])]),
    (
        "fd_filestat_get",
        OPEN,
        &[("fd_filestat_get", &[4, RESULT])],
    ),
    ("fd_seek", OPEN, &[("fd_seek", &[4, 1, 0, RESULT])]),
    ("fd_pread", OPEN, &[("fd_pread", &[4, 0, 1, 0, RESULT])]),
    ("fd_write", &[], &[("fd_write", &[1, 0, 1, RESULT])]),
    (
        "fd_readdir",
        &[],
        &[("fd_readdir", &[3, BUF, 4096, 0, RESULT])],
    ),
    (
        "path_open_1",
        &[],
        &[
            ("path_open", &[3, FOLLOW, FILE, 4, 0, READ, 0, 0, RESULT]),
            ("fd_close", &[4]),
        ],
    ),
    (
        "path_open_3",
        &[],
        &[
            ("path_open", &[3, FOLLOW, NESTED, 8, 0, READ, 0, 0, RESULT]),
            ("fd_close", &[4]),
        ],
    ),
    (
        "path_filestat_get_1",
        &[],
        &[("path_filestat_get", &[3, FOLLOW, FILE, 4, RESULT])],
    ),
    (
        "path_filestat_get_3",
        &[],
        &[("path_filestat_get", &[3, FOLLOW, NESTED, 8, RESULT])],
    ),
    (
        "path_create_directory",
        &[],
        &[
            ("path_create_directory", &[3, MADE, 4]),
            ("path_remove_directory", &[3, MADE, 4]),
        ],
    ),
    (
        "path_readlink",
        &[],
        &[("path_readlink", &[3, LINK, 4, BUF, 64, RESULT])],
    ),
    // A path with `..`, also from the root, which the host cannot resolve in one call.
    (
        "walk",
        &[],
        &[("path_filestat_get", &[3, FOLLOW, CLIMBING, 21, RESULT])],
    ),
    (
        "poll_oneoff",
        &[],
        &[("poll_oneoff", &[2048, 4096, 1, RESULT])],
    ),
];

const OPEN: &[Call] = &[(
    "path_open",
    &[3, 0, FILE, 4, 0, READ | SEEK | STAT, 0, 0, RESULT],
)];
const SEEK: u64 = Rights::FD_SEEK.bits();
const STAT: u64 = Rights::FD_FILESTAT_GET.bits();

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [name, times] = args.as_slice() else {
        CASES.iter().for_each(|(name, ..)| println!("{name}"));
        return;
    };
    let (_, once, calls) = (CASES.iter().find(|(case, ..)| case == name)).expect("a known case");
    let times: u64 = times.parse().expect("a number of times");

    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(directory.path().join("a/b")).expect("directories");
    std::fs::write(directory.path().join("file"), "x".repeat(64)).expect("a file");
    std::fs::write(directory.path().join("a/b/file"), "x").expect("a file");
    #[cfg(unix)]
    std::os::unix::fs::symlink("file", directory.path().join("link")).expect("a link");
    let ctx = WasiCtx::new(Options {
        args: StringArray::new(["calls"]).expect("few arguments"),
        env: StringArray::default(),
        preopens: vec![Preopen {
            mapped_path: "/".into(),
            source: directory.path().to_owned().into(),
            rights: Rights::all(),
        }],
        stdio: [0, 1, 2].map(Stdio::Lent),
        limits: Limits::default(),
        grant: Grant::ALL,
    })
    .expect("a context");

    let bytes = memory();
    let linear = LinearMemory::new(&bytes);
    // As for a guest without threads.
    // SAFETY: these are the bytes of those words, and this thread is the only one.
    unsafe {
        linear.set(
            bytes.as_ptr().cast_mut().cast(),
            size_of_val(&*bytes),
            false,
        )
    };
    let memory = linear.guest();
    let make = |calls: &[(&Syscall, [u64; MAX_PARAMS])]| {
        for (syscall, args) in calls {
            assert_eq!(
                (syscall.call)(&ctx, memory, args),
                Ok(()),
                "{}",
                syscall.name
            );
        }
    };
    make(&resolve(once));
    let calls = resolve(calls);
    for _ in 0..times {
        make(&calls);
    }
}

fn resolve(calls: &[Call]) -> Vec<(&'static Syscall, [u64; MAX_PARAMS])> {
    static TABLE: [Syscall; SYSCALLS.len()] = SYSCALLS;
    (calls.iter())
        .map(|(name, args)| {
            let syscall = (TABLE.iter().find(|row| row.name == *name)).expect("a known call");
            let mut all = [0; MAX_PARAMS];
            all[..args.len()].copy_from_slice(args);
            (syscall, all)
        })
        .collect()
}

/// The guest's memory: an iovec at 0, paths at 1024, and at 2048 a clock subscription with a
/// relative timeout of 0.
fn memory() -> Vec<AtomicU32> {
    let mut bytes = vec![0; 65536];
    bytes[0..4].copy_from_slice(&(BUF as u32).to_le_bytes());
    bytes[4..8].copy_from_slice(&16_u32.to_le_bytes());
    for (at, text) in [
        (FILE, "file"),
        (NESTED, "a/b/file"),
        (MADE, "made"),
        (LINK, "link"),
        (CLIMBING, "../a/b/../b/../b/file"),
    ] {
        bytes[at as usize..][..text.len()].copy_from_slice(text.as_bytes());
    }
    bytes[2048 + 16] = 1;
    let (words, _) = bytes.as_chunks();
    (words.iter())
        .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)))
        .collect()
}
