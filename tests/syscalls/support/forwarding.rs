//! A file system that counts as not the host's, though each operation of a directory or a file is forwarded to
//! one of the host's.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use wasi_rs::abi::{Advice, Dircookie, Errno, Fdflags, Filesize, Filestat, Filetype};
use wasi_rs::ctx::PreopenSource;
use wasi_rs::host::{self, Interrupt, SeekFrom};
use wasi_rs::memory::Iovecs;
use wasi_rs::vfs::{
    Dir, DirEntry, DirStream, Directory, File, FileHandle, Name, OpenHow, Opened, Result, SetTime,
};

/// The directory of the host at `path`, as one of this file system.
pub fn preopen(path: PathBuf) -> PreopenSource {
    let dir = host::Dir::open_ambient(&path).unwrap();
    PreopenSource::Directory(Arc::new(Forwarding(Arc::new(dir))))
}

/// A directory. Paths in it are always walked, as it has none of the operations on whole paths.
#[derive(Debug)]
struct Forwarding(Arc<host::Dir>);

impl Forwarding {
    fn dir(dir: host::Dir) -> Dir {
        Dir::Other(Arc::new(Self(Arc::new(dir))))
    }
}

/// The directory of the host that operations are forwarded to.
fn behind(dir: &dyn Directory) -> Result<&host::Dir> {
    let dir: Option<&Forwarding> = dir.as_any().downcast_ref();
    dir.map(|dir| &*dir.0).ok_or(Errno::Xdev)
}

impl Directory for Forwarding {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.0.stat()?)
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        Ok(self.0.stat_at(name)?)
    }

    fn open_at(&self, name: Option<Name<'_>>, mut how: OpenHow) -> Result<Opened> {
        // With it, the host would append whatever the offset.
        how.fdflags -= Fdflags::APPEND;
        let file = self.0.open_at(name, how, &Interrupt::NEVER)?;
        Ok(match file.stat()?.filetype {
            Filetype::Directory => Opened::Dir(Self::dir(file.try_into()?)),
            Filetype::RegularFile => {
                Opened::File(FileHandle::Other(Box::new(ForwardingFile(file))))
            }
            _ => Opened::File(FileHandle::Host(file)),
        })
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        Ok(Self::dir(self.0.open_dir_at(name)?))
    }

    fn open_dotdot(&self) -> Result<Dir> {
        Ok(Self::dir(self.0.open_dotdot()?))
    }

    fn check_search(&self) -> Result<()> {
        Ok(self.0.check_search()?)
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        Ok(self.0.read_link_at(name)?)
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        Ok(Box::new(Listing {
            dir: Arc::clone(&self.0),
            entries: host::ReadDir::new(Arc::default()),
            at: None,
        }))
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        Ok(self.0.set_times(atim, mtim)?)
    }

    fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> Result<()> {
        Ok(self.0.set_times_at(name, atim, mtim)?)
    }

    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        Ok(self.0.create_dir_at(name)?)
    }

    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        Ok(self.0.unlink_at(name)?)
    }

    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        Ok(self.0.remove_dir_at(name)?)
    }

    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        Ok(self.0.rename_at(old, behind(new_dir)?, new)?)
    }

    fn link_at(&self, old: Option<Name<'_>>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        Ok(self.0.link_at(old, behind(new_dir)?, new)?)
    }

    fn symlink_at(&self, target: &[u8], name: Name<'_>) -> Result<()> {
        Ok(self.0.symlink_at(target, name)?)
    }

    fn sync(&self) -> Result<()> {
        Ok(self.0.sync()?)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A regular file.
#[derive(Debug)]
struct ForwardingFile(host::File);

impl File for ForwardingFile {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.0.stat()?)
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        Ok(self.0.read_at(iovs, offset)?)
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        Ok(self.0.write_at(ciovs, offset)?)
    }

    /// In two steps, as no two threads of a test append to one file.
    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        let end = self.stat()?.size;
        let nwritten = self.write_at(ciovs, end)?;
        Ok((nwritten, Some(end + nwritten as Filesize)))
    }

    /// Never called, as [`append`](Self::append) returns where it ended.
    fn end_of_append(&self) -> Result<Filesize> {
        Err(Errno::Io)
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        Ok(self.0.set_size(size)?)
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        Ok(self.0.set_times(atim, mtim)?)
    }

    fn check_offset(&self, offset: Filesize) -> Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        Ok(())
    }

    fn allocate(&self, offset: Filesize, len: Filesize) -> Result<()> {
        Ok(self.0.allocate(offset, len)?)
    }

    fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<()> {
        Ok(self.0.advise(offset, len, advice)?)
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        if data_only {
            self.0.datasync()?;
        } else {
            self.0.sync()?;
        }
        Ok(())
    }
}

/// A directory stream.
#[derive(Debug)]
struct Listing {
    dir: Arc<host::Dir>,
    entries: host::ReadDir,
    /// The cookie of the next entry; `None` before the first.
    at: Option<Dircookie>,
}

impl DirStream for Listing {
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        if self.at != Some(cookie) {
            self.entries.seek(&self.dir, cookie, &Interrupt::NEVER)?;
            self.at = Some(cookie);
        }
        let entry = self.entries.read(&self.dir, &Interrupt::NEVER)?;
        if let Some(entry) = &entry {
            self.at = Some(entry.next);
        }
        Ok(entry)
    }
}
