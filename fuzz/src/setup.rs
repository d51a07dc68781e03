//! The options of a guest.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wasi_rs::abi::{Rights, Snapshot};
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray};
use wasi_rs::syscalls::capability;

use crate::input::HEAD;
use crate::scratch::Scratch;

/// The directories of the scratch directory that are preopened.
pub const PREOPENS: [&str; 2] = ["inside", "second"];

/// The options of a guest, and what keeps its streams open.
#[derive(Debug)]
pub struct Setup {
    /// The snapshot whose calls it makes.
    pub snapshot: Snapshot,
    pub options: Options,
    pub memory_len: usize,
    pub memory_fill: u8,
    _stdio: [OwnedFd; 3],
}

impl Setup {
    /// The options in the head of an input.
    pub fn new(scratch: &Scratch, head: &[u8; HEAD]) -> Self {
        let [
            streams,
            names,
            first,
            second,
            granted,
            groups,
            limits,
            memory,
        ] = *head;
        let stdio = [stream(streams >> 1 & 7), stream(streams >> 4 & 3), null()]
            .map(|stream| stream.expect("a stream can be made"));
        let mapped_paths = [
            pick(
                &[
                    "/sandbox",
                    "/",
                    ".",
                    "sandbox",
                    "",
                    "/sandbox/dir",
                    "/second",
                    "//sandbox/./",
                ],
                names,
            ),
            pick(&["/second", "/sandbox/sub", "/", "second"], names >> 4),
        ];
        let preopens = (PREOPENS.iter().zip(mapped_paths).zip([first, second])).map(
            |((real_path, mapped_path), rights)| Preopen {
                mapped_path: mapped_path.into(),
                source: scratch.path(real_path).into(),
                rights: match rights {
                    0..0x90 => Rights::all(),
                    0x90..0xd0 => Rights::READ_ONLY,
                    0xd0 => Rights::empty(),
                    0xd1..0xe0 => Rights::READ_ONLY | Rights::FD_WRITE,
                    bit => Rights::all() - Rights::from_bits_truncate(1 << (bit - 0xe0)),
                },
            },
        );
        Self {
            snapshot: match streams & 1 {
                0 => Snapshot::Preview1,
                _ => Snapshot::Snapshot0,
            },
            options: Options {
                args: strings(pick(
                    &[&["program", "", "one"][..], &[], &["a\0b"]],
                    memory >> 6,
                )),
                env: strings(match memory & 0x20 {
                    0 => &["NAME=value", "EMPTY="],
                    _ => &[],
                }),
                preopens: preopens.collect(),
                stdio: stdio.each_ref().map(|fd| Stdio::Lent(fd.as_raw_fd())),
                limits: limits_of(limits),
                grant: grant_of(granted, groups),
            },
            memory_len: pick(&[0x4000, 0x1_0000, 0x1000, 0x1_0008, 512, 64, 8, 0], memory),
            memory_fill: pick(&[b'?', 0, b'/', b'.'], memory >> 3),
            _stdio: stdio,
        }
    }
}

fn pick<T: Copy>(from: &[T], index: u8) -> T {
    from[usize::from(index) % from.len()]
}

fn limits_of(byte: u8) -> Limits {
    let default = Limits::default();
    Limits {
        descriptors: pick(&[default.descriptors, 8, 6, 5], byte),
        path_len: if byte & 0x04 == 0 {
            default.path_len
        } else {
            16
        },
        iovecs: if byte & 0x08 == 0 { default.iovecs } else { 2 },
        subscriptions: if byte & 0x10 == 0 {
            default.subscriptions
        } else {
            2
        },
        symlink_hops: pick(&[default.symlink_hops, 2, 1, 0], byte >> 5),
        random_chunk: pick(&[default.random_chunk, 1, 7, 4097], byte >> 1),
        ..default
    }
}

fn grant_of(byte: u8, groups: u8) -> Grant {
    if byte < 0xa0 {
        return Grant::ALL;
    }
    let chosen = u16::from(byte & 3) << 8 | u16::from(groups);
    (capability::names().enumerate())
        .filter(|(index, _)| match byte {
            // One call, or two.
            0xf0.. => *index == usize::from(byte & 15) + 10 || *index == usize::from(groups),
            _ => *index < 10 && chosen & 1 << index != 0,
        })
        .filter_map(|(_, name)| capability::grant(name))
        .fold(Grant::NONE, Grant::union)
}

fn null() -> io::Result<OwnedFd> {
    Ok(File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?
        .into())
}

/// A stream that never blocks.
fn stream(kind: u8) -> io::Result<OwnedFd> {
    match kind {
        1 => Ok(io::pipe()?.0.into()),
        2 => Ok(UnixStream::pair()?.0.into()),
        3 => Ok(rustix::fs::memfd_create(
            "stream",
            rustix::fs::MemfdFlags::CLOEXEC,
        )?),
        4 => Ok(io::pipe()?.1.into()),
        5 => listener(),
        _ => null(),
    }
}

/// A listening socket with three pending connections, whose peers have closed them.
fn listener() -> io::Result<OwnedFd> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Relaxed);
    let name = format!("wasi-rs-fuzz-{}-{count}", std::process::id());
    let address = SocketAddr::from_abstract_name(name)?;
    let listener = UnixListener::bind_addr(&address)?;
    for _ in 0..3 {
        UnixStream::connect_addr(&address)?;
    }
    Ok(listener.into())
}

fn strings(strings: &[&str]) -> StringArray {
    StringArray::new(strings).expect("few strings")
}
