//! Tests of open file descriptions, over files of the host and others.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use super::*;
use crate::abi::{Advice, Fdflags, Filesize, Filestat, Filetype, Oflags};
use crate::host::{Dir, Direction, Name, OpenHow, Readiness, SeekFrom, SetTime};
pub(super) use crate::iovecs::with_iovecs;
use crate::memory::Iovecs;

/// The greatest offset that [`Bytes`] accept.
const MAX_OFFSET: Filesize = 1 << 40;

fn stat(filetype: Filetype, size: usize) -> Filestat {
    Filestat {
        dev: 0,
        ino: 0,
        filetype,
        nlink: 1,
        size: size as Filesize,
        atim: 0,
        mtim: 0,
        ctim: 0,
    }
}

/// A file in memory.
#[derive(Debug, Default)]
struct Bytes {
    bytes: Mutex<Vec<u8>>,
    end_of_append: Mutex<Filesize>,
    /// Whether an append returns where it ended.
    tells: bool,
}

impl Bytes {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap()
    }
}

impl File for Bytes {
    fn stat(&self) -> Result<Filestat> {
        Ok(stat(Filetype::RegularFile, self.lock().len()))
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let bytes = self.lock();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        iovs.scatter(rest);
        Ok(rest.len().min(iovs.len()))
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let mut bytes = self.lock();
        let end = offset as usize + ciovs.len();
        let len = bytes.len().max(end);
        bytes.resize(len, 0);
        ciovs.gather(&mut bytes[offset as usize..end]);
        Ok(ciovs.len())
    }

    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        let nwritten = self.write_at(ciovs, self.stat()?.size)?;
        let end = self.stat()?.size;
        *self.end_of_append.lock().unwrap() = end;
        Ok((nwritten, self.tells.then_some(end)))
    }

    fn end_of_append(&self) -> Result<Filesize> {
        assert!(!self.tells, "it was told");
        Ok(*self.end_of_append.lock().unwrap())
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        self.lock().resize(size as usize, 0);
        Ok(())
    }

    fn set_times(&self, _: SetTime, _: SetTime) -> Result<()> {
        Err(Errno::Rofs)
    }

    fn check_offset(&self, offset: Filesize) -> Result<()> {
        if offset > MAX_OFFSET {
            return Err(Errno::Inval);
        }
        Ok(())
    }
}

static NEVER: &Interrupt = &Interrupt::NEVER;

fn wait(nonblock: bool) -> Wait<'static> {
    Wait {
        nonblock,
        interrupt: NEVER,
    }
}

/// Reads up to `len` bytes by `call`.
pub(super) fn read(len: usize, call: impl FnOnce(&Iovecs<'_>) -> Result<usize>) -> String {
    let mut bytes = vec![0; len];
    let nread = with_iovecs(&mut bytes, call).unwrap();
    String::from_utf8(bytes[..nread].to_vec()).unwrap()
}

/// Writes all of `text` by `call`.
pub(super) fn write(text: &str, call: impl FnOnce(&Iovecs<'_>) -> Result<usize>) {
    let nwritten = with_iovecs(&mut text.as_bytes().to_vec(), call);
    assert_eq!(nwritten, Ok(text.len()));
}

fn tell(file: &OpenFile) -> Filesize {
    file.seek(SeekFrom::Current(0), NEVER).unwrap()
}

/// All of the file, by `pread`s.
fn content(file: &OpenFile) -> String {
    read(64, |iovs| file.handle().read_at(iovs, 0))
}

/// Runs a test with an empty file that was opened with these flags: once of the host, twice of another file
/// system.
fn each_file(fdflags: Fdflags, test: impl Fn(OpenFile)) {
    let scratch = tempfile::tempdir().unwrap();
    let how = OpenHow {
        read: true,
        write: true,
        oflags: Oflags::CREAT,
        fdflags,
        follow: false,
    };
    let dir = Dir::open_ambient(scratch.path()).unwrap();
    let host = FileHandle::Host(dir.open_at(Name::new(b"f"), how, NEVER).unwrap());
    test(OpenFile::new(host, fdflags));
    for tells in [true, false] {
        let bytes = Bytes {
            tells,
            ..Bytes::default()
        };
        let other = FileHandle::Other(Box::new(bytes));
        test(OpenFile::new(other, fdflags));
    }
}

#[test]
fn reads_and_writes_move_the_offset_and_positional_ones_do_not() {
    each_file(Fdflags::empty(), |file| {
        write("0123456789", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(tell(&file), 10);
        assert_eq!(file.seek(SeekFrom::Start(2), NEVER), Ok(2));
        assert_eq!(read(4, |iovs| file.handle().read_at(iovs, 6)), "6789");
        write("ab", |ciovs| file.handle().write_at(ciovs, 4));
        assert_eq!(read(5, |iovs| file.read(iovs, NEVER)), "23ab6");
        assert_eq!(file.bytes_left(NEVER), Ok(Some(3)));
        assert_eq!(
            read(5, |iovs| file.read_interruptible(iovs, wait(false))),
            "789"
        );
        assert_eq!(read(5, |iovs| file.read(iovs, NEVER)), "");
        assert_eq!(tell(&file), 10);
        write("!", |ciovs| file.write_interruptible(ciovs, wait(false)));
        assert_eq!(content(&file), "0123ab6789!");
    });
}

#[test]
fn the_offset_moves_as_far_as_the_file_accepts() {
    each_file(Fdflags::empty(), |file| {
        write("text", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(file.seek(SeekFrom::End(-1), NEVER), Ok(3));
        for refused in [
            SeekFrom::Current(-4),
            SeekFrom::End(-5),
            SeekFrom::Start(1 << 63),
            SeekFrom::Current(i64::MAX),
        ] {
            assert_eq!(file.seek(refused, NEVER), Err(Errno::Inval), "{refused:?}");
            assert_eq!(tell(&file), 3);
        }
        // Beyond 2 GiB the file is asked; after that the greatest offset is known.
        for far in [1 << 31, MAX_OFFSET, 1 << 32] {
            assert_eq!(file.seek(SeekFrom::Start(far), NEVER), Ok(far));
        }
        assert_eq!(file.bytes_left(NEVER), Ok(Some(0)));
        assert_eq!(file.seek(SeekFrom::Start(6), NEVER), Ok(6));
        assert_eq!(read(5, |iovs| file.read(iovs, NEVER)), "");
        assert_eq!(file.stat().unwrap().size, 4);
        write("end", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(content(&file), "text\0\0end");
    });
}

#[test]
fn a_file_that_is_not_the_hosts_limits_its_offsets() {
    let file = OpenFile::new(FileHandle::Other(Box::<Bytes>::default()), Fdflags::empty());
    assert_eq!(
        file.seek(SeekFrom::Start(MAX_OFFSET), NEVER),
        Ok(MAX_OFFSET)
    );
    let beyond = SeekFrom::Start(MAX_OFFSET + 1);
    assert_eq!(file.seek(beyond, NEVER), Err(Errno::Inval));
    assert_eq!(file.seek(SeekFrom::Current(1), NEVER), Err(Errno::Inval));
    assert_eq!(tell(&file), MAX_OFFSET);
}

#[test]
fn an_append_goes_to_the_end_and_the_offset_behind_it() {
    each_file(Fdflags::APPEND, |file| {
        write("abcd", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(tell(&file), 4);
        assert_eq!(file.seek(SeekFrom::Start(1), NEVER), Ok(1));
        assert_eq!(read(2, |iovs| file.read(iovs, NEVER)), "bc");
        // Writing nothing does not move the offset.
        write("", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(tell(&file), 3);
        write("ef", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(read(9, |iovs| file.read(iovs, NEVER)), "");
        write("gh", |ciovs| file.write_interruptible(ciovs, wait(false)));
        assert_eq!(file.seek(SeekFrom::Current(-3), NEVER), Ok(5));
        assert_eq!(content(&file), "abcdefgh");
    });
}

#[test]
fn appending_can_be_set_and_unset() {
    each_file(Fdflags::empty(), |file| {
        write("abcd", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(file.seek(SeekFrom::Start(0), NEVER), Ok(0));
        file.set_fdflags(Fdflags::APPEND, NEVER).unwrap();
        write("ef", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(tell(&file), 6);
        file.set_fdflags(Fdflags::empty(), NEVER).unwrap();
        assert_eq!(file.seek(SeekFrom::Start(1), NEVER), Ok(1));
        write("XY", |ciovs| file.write(ciovs, NEVER));
        assert_eq!(content(&file), "aXYdef");
    });
}

#[test]
fn a_file_has_defaults() {
    each_file(Fdflags::empty(), |file| {
        let handle = file.handle();
        handle.allocate(2, 6).unwrap();
        handle.allocate(0, 1).unwrap();
        assert_eq!(handle.stat().unwrap().size, 8);
        for (offset, len) in [(1 << 63, 0), (u64::MAX, 1), (1 << 62, 1 << 62)] {
            assert_eq!(handle.allocate(offset, len), Err(Errno::Fbig));
        }
        handle.set_size(1).unwrap();
        assert_eq!(handle.stat().unwrap().size, 1);
        assert_eq!(handle.advise(0, 0, Advice::Willneed), Ok(()));
        for (offset, len) in [(1 << 63, 0), (0, 1 << 63)] {
            let refused = handle.advise(offset, len, Advice::Normal);
            assert_eq!(refused, Err(Errno::Inval));
        }
        assert_eq!(handle.sync(true), Ok(()));
        assert_eq!(handle.sync(false), Ok(()));
        assert!(!handle.is_terminal());
        if handle.host().is_none() {
            assert_eq!(handle.as_dir().map(drop), Err(Errno::Notdir));
        }
    });
}

/// A stream in memory: what was written can be read.
#[derive(Debug, Default)]
struct Queue {
    bytes: Mutex<Vec<u8>>,
    /// Whether more may be written.
    open: AtomicBool,
}

impl Stream for Queue {
    fn stat(&self) -> Result<Filestat> {
        Ok(stat(Filetype::SocketStream, 0))
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        let mut bytes = self.bytes.lock().unwrap();
        if bytes.is_empty() && self.open.load(Relaxed) {
            return Err(if wait.nonblock {
                Errno::Again
            } else {
                Errno::Intr
            });
        }
        let nread = bytes.len().min(iovs.len());
        iovs.scatter(&bytes);
        bytes.drain(..nread);
        Ok(nread)
    }

    fn write(&self, ciovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        let mut written = vec![0; ciovs.len()];
        ciovs.gather(&mut written);
        self.bytes.lock().unwrap().extend(&written);
        Ok(written.len())
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Ready(Readiness {
            nbytes: self.bytes.lock().unwrap().len() as u64,
            hangup: !self.open.load(Relaxed),
        })
    }
}

#[test]
fn a_stream_that_is_not_the_hosts_is_read_and_written() {
    let queue = Queue::default();
    queue.open.store(true, Relaxed);
    let stream = StreamHandle::Other(Arc::new(queue));
    write("hello", |ciovs| stream.write(ciovs, NEVER));
    let ready = stream.poll(Direction::Read);
    assert!(matches!(
        ready,
        Poll::Ready(Readiness {
            nbytes: 5,
            hangup: false
        })
    ));
    assert_eq!(read(3, |iovs| stream.read(iovs, NEVER)), "hel");
    write("!", |ciovs| {
        stream.write_interruptible(ciovs.clone(), wait(true))
    });
    assert_eq!(
        read(9, |iovs| stream.read_interruptible(iovs, wait(true))),
        "lo!"
    );
    let nothing = |nonblock| {
        with_iovecs(&mut [0; 4], |iovs| {
            stream.read_interruptible(iovs, wait(nonblock))
        })
    };
    assert_eq!(nothing(true), Err(Errno::Again));
    assert_eq!(nothing(false), Err(Errno::Intr));
    assert_eq!(stream.stat().unwrap().filetype, Filetype::SocketStream);
    assert!(stream.is_lent() && !stream.is_terminal());
    assert_eq!(stream.host_or(Errno::Spipe).unwrap_err(), Errno::Spipe);
}
