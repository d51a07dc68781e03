//! Streams in memory: what an embedder gives a guest to read, and what it collects of what a guest writes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Poll, Result, Stream, Wait};
use crate::abi::{Errno, Filestat, Filetype};
use crate::host::{Direction, Readiness};
use crate::memory::Iovecs;

/// Bytes to be read, and then the end.
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

/// Collects what is written, up to a limit.
pub struct Output {
    limit: usize,
    when_full: Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// What has not been taken yet.
    bytes: Vec<u8>,
    /// How much it is with what has been taken.
    total: usize,
    /// Whether there was more than the limit allows.
    overflowed: bool,
}

impl Output {
    /// A stream that takes `limit` bytes and no more: beyond, as much is taken as there is room for, and
    /// then `ENOSPC` is the answer.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            when_full: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Has `call` called whenever more is written than the limit allows, which then is `ENOSPC` whatever there was
    /// room for: what ends the guest that writes ends it in this very call.
    pub fn when_full(&self, call: impl Fn() + Send + Sync + 'static) {
        self.calls().push(Arc::new(call));
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Arc<dyn Fn() + Send + Sync>>> {
        (self.when_full.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been written since this was asked last.
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
        // They may do anything, and are called without the lock.
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

/// Has nothing to read, and takes all that is written.
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

/// The attributes of a pipe, of which a guest sees no more than that.
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
