//! Descriptors that are not the host's: a file of another file system, and a stream of the embedder.

use std::sync::{Arc, Mutex};

use wasi_rs::abi::Errno::{self, Again, Inval, Notdir, Notsock, Notsup, Spipe, Success};
use wasi_rs::abi::{Fdflags, Fdstat, Filesize, Filestat, Filetype, Rights, RightsPair};
use wasi_rs::ctx::{Descriptor, FdEntry};
use wasi_rs::host::{Direction, Readiness, SetTime};
use wasi_rs::memory::Iovecs;
use wasi_rs::vfs::{File, FileHandle, OpenFile, Poll, Stream, StreamHandle, Wait};

use crate::support::{BUF, Guest, OUT, OUT2};

/// The attributes of a file of this type.
pub fn stat(filetype: Filetype, size: usize) -> Filestat {
    Filestat {
        dev: 1,
        ino: 2,
        filetype,
        nlink: 1,
        size: size as Filesize,
        atim: 3,
        mtim: 4,
        ctim: 5,
    }
}

/// A file in memory, with the times of its creation.
#[derive(Debug, Default)]
struct Bytes(Mutex<Vec<u8>>);

impl File for Bytes {
    fn stat(&self) -> Result<Filestat, Errno> {
        Ok(stat(Filetype::RegularFile, self.0.lock().unwrap().len()))
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        let bytes = self.0.lock().unwrap();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        iovs.scatter(rest);
        Ok(rest.len().min(iovs.len()))
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        let mut bytes = self.0.lock().unwrap();
        let end = offset as usize + ciovs.len();
        let len = bytes.len().max(end);
        bytes.resize(len, 0);
        ciovs.gather(&mut bytes[offset as usize..end]);
        Ok(ciovs.len())
    }

    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>), Errno> {
        Ok((self.write_at(ciovs, self.stat()?.size)?, None))
    }

    fn end_of_append(&self) -> Result<Filesize, Errno> {
        Ok(self.stat()?.size)
    }

    fn set_size(&self, size: Filesize) -> Result<(), Errno> {
        self.0.lock().unwrap().resize(size as usize, 0);
        Ok(())
    }

    fn set_times(&self, _: SetTime, _: SetTime) -> Result<(), Errno> {
        Err(Errno::Rofs)
    }
}

/// A stream with these bytes, as of a device or a pipe, which discards what is written.
#[derive(Debug)]
struct Source(Filetype, Mutex<Vec<u8>>);

impl Stream for Source {
    fn stat(&self) -> Result<Filestat, Errno> {
        Ok(stat(self.0, 0))
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize, Errno> {
        let mut bytes = self.1.lock().unwrap();
        if wait.nonblock && bytes.is_empty() {
            return Err(Again);
        }
        let nread = bytes.len().min(iovs.len());
        iovs.scatter(&bytes);
        bytes.drain(..nread);
        Ok(nread)
    }

    fn write(&self, ciovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize, Errno> {
        Ok(ciovs.len())
    }

    fn poll(&self, direction: Direction) -> Poll<'_> {
        let nbytes = self.1.lock().unwrap().len() as u64;
        Poll::Ready(Readiness {
            nbytes: if direction == Direction::Read {
                nbytes
            } else {
                0
            },
            hangup: nbytes == 0,
        })
    }
}

/// Gives the guest a descriptor with all rights of its type.
fn insert(guest: &Guest, descriptor: Descriptor, fdflags: Fdflags) -> u64 {
    let all = RightsPair {
        base: Rights::all(),
        inheriting: Rights::all(),
    };
    let entry = FdEntry::new(descriptor, all, Rights::all(), fdflags);
    guest.ctx.reserve().unwrap().fill(entry).into()
}

fn file(guest: &Guest, fdflags: Fdflags) -> u64 {
    let file = FileHandle::Other(Box::<Bytes>::default());
    let file = OpenFile::new(file, fdflags);
    insert(guest, Descriptor::File(file), fdflags)
}

pub fn stream(guest: &Guest, stream: impl Stream) -> u64 {
    let stream = StreamHandle::Other(Arc::new(stream));
    insert(guest, Descriptor::Stream(stream), Fdflags::empty())
}

/// A stream with these bytes, as of a pipe.
pub fn source(guest: &Guest, bytes: &str) -> u64 {
    let bytes = Mutex::new(bytes.into());
    stream(guest, Source(Filetype::SocketStream, bytes))
}

fn moved(guest: &Guest, fd: u64, offset: i64, whence: u64) -> u64 {
    let outcome = guest.call("fd_seek", [fd, offset.cast_unsigned(), whence, OUT]);
    outcome.wrote_within(&[(OUT, 8)]).u64_at(OUT)
}

#[test]
fn a_file_is_read_and_written_where_its_offset_is() {
    let guest = Guest::new();
    let fd = file(&guest, Fdflags::empty());
    guest.write(fd, "hello world");
    assert_eq!(guest.record::<u64>("fd_tell", &[fd]), 11);
    assert_eq!(moved(&guest, fd, -5, 1), 6);
    assert_eq!(guest.read(fd), "world");
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 5]]);
    let outcome = guest.call("fd_pread", [fd, iovs, iovs_len, 0, OUT]);
    outcome.wrote(&[(BUF, b"hello"), (OUT, &5_u32.to_le_bytes())]);
    assert_eq!(guest.record::<u64>("fd_tell", &[fd]), 11);
    assert_eq!(moved(&guest, fd, 2, 2), 13);
    guest.write(fd, "!");
    assert_eq!(moved(&guest, fd, 5, 0), 5);
    assert_eq!(guest.read(fd), " world\0\0!");
    let stat: Filestat = guest.record("fd_filestat_get", &[fd]);
    assert_eq!((stat.size, stat.ino, stat.mtim), (14, 2, 4));
}

#[test]
fn a_file_keeps_its_flags_and_does_the_rest() {
    let guest = Guest::new();
    let fd = file(&guest, Fdflags::APPEND | Fdflags::SYNC);
    let fdstat: Fdstat = guest.record("fd_fdstat_get", &[fd]);
    let flags = (Fdflags::APPEND | Fdflags::SYNC).bits();
    assert_eq!(
        (fdstat.fs_filetype, fdstat.fs_flags),
        (Filetype::RegularFile, flags)
    );
    guest.write(fd, "abc");
    assert_eq!(moved(&guest, fd, 1, 0), 1);
    guest.write(fd, "de");
    assert_eq!(guest.record::<u64>("fd_tell", &[fd]), 5);
    guest.ok("fd_fdstat_set_flags", [fd, 0]);
    assert_eq!(moved(&guest, fd, 0, 0), 0);
    guest.write(fd, "X");
    assert_eq!(guest.read(fd), "bcde");
    guest.ok("fd_allocate", [fd, 0, 9]);
    guest.ok("fd_filestat_set_size", [fd, 7]);
    guest.ok("fd_advise", [fd, 0, 0, 0]);
    guest.ok("fd_datasync", [fd]);
    guest.ok("fd_sync", [fd]);
    let stat: Filestat = guest.record("fd_filestat_get", &[fd]);
    assert_eq!(stat.size, 7);
    assert_eq!(
        guest.errno("fd_filestat_set_times", [fd, 0, 0, 1]),
        Errno::Rofs
    );
    assert_eq!(
        guest.errno("fd_readdir", [fd, BUF, 64, 0, OUT]),
        Errno::Notcapable
    );
}

#[test]
fn a_stream_is_read_and_written_and_has_no_offsets() {
    let guest = Guest::new();
    let bytes = Mutex::new("input".into());
    let fd = stream(&guest, Source(Filetype::CharacterDevice, bytes));
    assert_eq!(guest.read(fd), "input");
    assert_eq!(guest.read(fd), "");
    guest.ok("fd_fdstat_set_flags", [fd, Fdflags::NONBLOCK.bits().into()]);
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 5]]);
    assert_eq!(guest.errno("fd_read", [fd, iovs, iovs_len, OUT]), Again);
    guest.write(fd, "output");
    let rows = [
        ("fd_pread", vec![fd, iovs, iovs_len, 0, OUT], Spipe),
        ("fd_pwrite", vec![fd, iovs, iovs_len, 0, OUT], Spipe),
        ("fd_seek", vec![fd, 0, 0, OUT], Spipe),
        ("fd_tell", vec![fd, OUT], Spipe),
        ("fd_allocate", vec![fd, 0, 1], Spipe),
        ("fd_filestat_set_size", vec![fd, 1], Inval),
        ("fd_filestat_set_times", vec![fd, 0, 0, 1], Notsup),
        ("fd_sync", vec![fd], Inval),
        ("fd_datasync", vec![fd], Inval),
        ("fd_advise", vec![fd, 1 << 63, 0, 0], Inval),
        ("fd_advise", vec![fd, 0, 0, 0], Success),
        ("fd_readdir", vec![fd, BUF, 64, 0, OUT], Notdir),
    ];
    for (name, args, errno) in rows {
        assert_eq!(guest.errno(name, args), errno, "{name}");
    }
}

#[test]
fn a_stream_that_is_no_socket() {
    let guest = Guest::new();
    let fd = source(&guest, "input");
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 5]]);
    let rows = [
        ("sock_accept", vec![fd, 0, OUT]),
        ("sock_recv", vec![fd, iovs, iovs_len, 0, OUT, OUT2]),
        ("sock_send", vec![fd, iovs, iovs_len, 0, OUT]),
        ("sock_shutdown", vec![fd, 1]),
    ];
    for (name, args) in rows {
        assert_eq!(guest.errno(name, args), Notsock, "{name}");
    }
}
