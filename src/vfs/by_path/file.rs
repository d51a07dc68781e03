use std::sync::Arc;

use super::directory::times;
use super::{Attributes, ByPath, Handle, MAX_SAFE};
use crate::abi::{Errno, Filesize, Filestat, Filetype, Inode};
use crate::memory::Iovecs;
use crate::vfs::{File, Result, SetTime};

/// An open regular file.
#[derive(Debug)]
pub(super) struct PathFile {
    fs: Arc<ByPath>,
    handle: Handle,
    /// The inode number that was given to its name; 0 if the file system has its own.
    ino: Inode,
}

impl PathFile {
    pub fn new(fs: Arc<ByPath>, handle: Handle, ino: impl FnOnce() -> Inode) -> Self {
        let ino = if fs.gives_inos() { ino() } else { 0 };
        Self { fs, handle, ino }
    }

    fn fstat(&self) -> Result<Attributes> {
        self.fs.fs.fstat(self.handle)
    }

    /// Calls `call` with the remaining buffers and their offset until all is transferred, or less than was
    /// asked for. Returns the number of bytes. An error after some bytes ends the transfer without being
    /// reported.
    fn each(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        call: impl Fn(&Iovecs<'_>, Filesize) -> Result<usize>,
    ) -> Result<usize> {
        let (total, most) = (iovs.len(), self.fs.fs.max_transfer());
        let mut rest = iovs.clone();
        let mut done = 0;
        while done < total {
            let at = offset.saturating_add(done as Filesize);
            match call(&rest, at) {
                Ok(count) => {
                    let is_short = count < most.min(total - done);
                    done += count;
                    rest.advance(count);
                    if is_short {
                        break;
                    }
                }
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

impl Drop for PathFile {
    fn drop(&mut self) {
        self.fs.fs.close(self.handle);
    }
}

impl File for PathFile {
    fn stat(&self) -> Result<Filestat> {
        let mut found = self.fstat()?;
        // Checked when it was opened. The type of an open file does not change.
        found.filetype = Filetype::RegularFile;
        let ino = self.fs.ino_of(found.ino, || self.ino);
        Ok(self.fs.filestat(found, ino))
    }

    fn calls_back(&self) -> bool {
        self.fs.fs.calls_back()
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        self.each(iovs, offset, |rest, at| match at {
            // No file is that long.
            at if at > MAX_SAFE => Ok(0),
            at => self.fs.fs.read(self.handle, rest, at),
        })
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        self.each(ciovs, offset, |rest, at| match at {
            at if at > MAX_SAFE => Err(Errno::Fbig),
            at => self.fs.fs.write(self.handle, rest, at),
        })
    }

    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        let end = self.fstat()?.size;
        let nwritten = self.write_at(ciovs, end)?;
        Ok((nwritten, Some(end.saturating_add(nwritten as Filesize))))
    }

    fn end_of_append(&self) -> Result<Filesize> {
        // `append` always returns where it ended.
        Err(Errno::Io)
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        match size {
            size if i64::try_from(size).is_err() => Err(Errno::Inval),
            size if size > MAX_SAFE => Err(Errno::Fbig),
            size => self.fs.fs.set_size(self.handle, size),
        }
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        let times = times([atim, mtim], || self.fstat())?;
        self.fs.fs.set_times(self.handle, times)
    }

    fn check_offset(&self, offset: Filesize) -> Result<()> {
        if offset > MAX_SAFE {
            return Err(Errno::Inval);
        }
        Ok(())
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        self.fs.fs.sync(self.handle, data_only)
    }
}
