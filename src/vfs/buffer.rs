//! Streams in memory: input that an embedder gives a guest, and output that it collects from one.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Poll, Result, Stream, Wait};
use crate::abi::{Errno, Filestat, Filetype};
use crate::host::{Direction, Readiness};
use crate::memory::Iovecs;

/// Input: these bytes, and then the end of the file.
#[derive(Debug)]
pub struct Input {
    bytes: Vec<u8>,
    /// How many have been read.
    nread: Mutex<usize>,
}

impl Input {
    /// A stream of these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            nread: Mutex::new(0),
        }
    }

    fn nread(&self) -> MutexGuard<'_, usize> {
        self.nread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Input {
    fn stat(&self) -> Result<Filestat> {
        Ok(pipe_stat())
    }

    fn is_writable(&self) -> bool {
        false
    }

    fn read(&self, iovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        let mut nread = self.nread();
        let left = &self.bytes[*nread..];
        iovs.scatter(left);
        let count = left.len().min(iovs.len());
        *nread += count;
        Ok(count)
    }

    fn write(&self, _: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        Err(Errno::Badf)
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        let left = self.bytes.len() - *self.nread();
        Poll::Ready(Readiness {
            nbytes: left as u64,
            hangup: left == 0,
        })
    }
}

/// Output: collects what is written, up to a limit.
pub struct Output {
    limit: usize,
    when_full: Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// What has been written and not yet taken.
    bytes: Vec<u8>,
    /// How many bytes have been written in all, with those that were taken.
    total: usize,
    /// Whether there was more than the limit allows.
    overflowed: bool,
}

impl Output {
    /// A stream that takes `limit` bytes: a write beyond takes as many as fit, and the next fails with
    /// `ENOSPC`.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            when_full: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Calls `call` whenever more is written than the limit allows. Such a write then fails with `ENOSPC` even
    /// if a part of it fits, so that a `call` that stops the guest stops it in this very write.
    pub fn when_full(&self, call: impl Fn() + Send + Sync + 'static) {
        self.calls().push(Arc::new(call));
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Arc<dyn Fn() + Send + Sync>>> {
        (self.when_full.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was written since the last call.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.written().bytes)
    }

    /// Whether more was written than the limit allows.
    pub fn has_overflowed(&self) -> bool {
        self.written().overflowed
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Output {
    fn stat(&self) -> Result<Filestat> {
        Ok(pipe_stat())
    }

    fn is_readable(&self) -> bool {
        false
    }

    fn read(&self, _: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        Err(Errno::Badf)
    }

    fn write(&self, ciovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        let result = self.collect(ciovs);
        if result == Ok(ciovs.len()) || !self.has_overflowed() {
            return result;
        }
        // Called without the lock, as they may do anything.
        let calls = self.calls().clone();
        if calls.is_empty() {
            return result;
        }
        calls.iter().for_each(|call| call());
        Err(Errno::Nospc)
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Ready(Readiness::default())
    }
}

impl Output {
    fn collect(&self, ciovs: &Iovecs<'_>) -> Result<usize> {
        let mut written = self.written();
        let room = self.limit - written.total;
        let count = ciovs.len().min(room);
        written.overflowed |= count < ciovs.len();
        if count == 0 && !ciovs.is_empty() {
            return Err(Errno::Nospc);
        }
        let start = written.bytes.len();
        let reserved = written.bytes.try_reserve(count);
        reserved.map_err(|_| Errno::Nospc)?;
        written.bytes.resize(start + count, 0);
        ciovs.gather(&mut written.bytes[start..]);
        written.total += count;
        Ok(count)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A stream that is at its end for reading, and discards what is written.
#[derive(Debug)]
pub struct Null;

impl Stream for Null {
    fn stat(&self) -> Result<Filestat> {
        Ok(pipe_stat())
    }

    fn read(&self, _: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        Ok(0)
    }

    fn write(&self, ciovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        Ok(ciovs.len())
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Ready(Readiness::default())
    }
}

/// The attributes of a pipe, as far as guests see any.
pub fn pipe_stat() -> Filestat {
    Filestat {
        dev: 0,
        ino: 0,
        filetype: Filetype::SocketStream,
        nlink: 1,
        size: 0,
        atim: 0,
        mtim: 0,
        ctim: 0,
    }
}
