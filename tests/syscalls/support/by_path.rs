//! A file system that is used by paths, over the host's.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirEntryExt, FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use wasi_rs::abi::{Errno, Filesize, Filetype, Timestamp};
use wasi_rs::memory::Iovecs;
use wasi_rs::vfs::Result;
use wasi_rs::vfs::by_path::{Access, Attributes, Entry, Handle, PathFs};

use super::host_files::{filestat, filetype};

/// So small that tests need more than one call.
const CHUNK: usize = 3 << 10;

/// The files below a directory of the host.
#[derive(Debug)]
pub struct HostByPath {
    top: PathBuf,
    open: Mutex<HashMap<Handle, Arc<File>>>,
    next: AtomicU64,
}

impl HostByPath {
    pub fn new(top: &Path) -> Self {
        Self {
            top: top.to_owned(),
            open: Mutex::default(),
            next: AtomicU64::new(7),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        let names = path.strip_prefix('/').expect("an absolute path");
        for name in names.split('/').filter(|_| !names.is_empty()) {
            assert!(!["", ".", ".."].contains(&name), "{path}");
        }
        self.top.join(names)
    }

    fn file(&self, handle: Handle) -> Result<Arc<File>> {
        let open = self.open.lock().unwrap();
        open.get(&handle).cloned().ok_or(Errno::Badf)
    }
}

fn time(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(time)
}

fn timespec(time: Timestamp) -> Timespec {
    Timespec {
        tv_sec: (time / 1_000_000_000) as i64,
        tv_nsec: (time % 1_000_000_000) as _,
    }
}

fn attributes(metadata: &Metadata) -> Attributes {
    let stat = filestat(metadata);
    Attributes {
        filetype: stat.filetype,
        ino: Some(stat.ino),
        nlink: stat.nlink,
        size: stat.size,
        atim: stat.atim,
        mtim: stat.mtim,
        ctim: stat.ctim,
    }
}

fn done<T>(result: io::Result<T>) -> Result<T> {
    Ok(result?)
}

impl PathFs for HostByPath {
    fn lstat(&self, path: &str) -> Result<Option<Attributes>> {
        match fs::symlink_metadata(self.path(path)) {
            Ok(metadata) => Ok(Some(attributes(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn open(&self, path: &str, access: Access) -> Result<Handle> {
        let mut options = OpenOptions::new();
        options
            .read(access.read)
            .write(access.write || access.create);
        options.create_new(access.create);
        let file = options.open(self.path(path))?;
        let handle = self.next.fetch_add(1, Relaxed);
        self.open.lock().unwrap().insert(handle, Arc::new(file));
        Ok(handle)
    }

    fn close(&self, handle: Handle) {
        let closed = self.open.lock().unwrap().remove(&handle);
        assert!(closed.is_some(), "it was closed before");
    }

    fn fstat(&self, handle: Handle) -> Result<Attributes> {
        Ok(attributes(&self.file(handle)?.metadata()?))
    }

    fn max_transfer(&self) -> usize {
        CHUNK
    }

    fn read(&self, handle: Handle, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let mut bytes = vec![0; iovs.len().min(CHUNK)];
        let nread = self.file(handle)?.read_at(&mut bytes, offset)?;
        iovs.scatter(&bytes[..nread]);
        Ok(nread)
    }

    fn write(&self, handle: Handle, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        let mut bytes = vec![0; ciovs.len().min(CHUNK)];
        ciovs.gather(&mut bytes);
        done(self.file(handle)?.write_at(&bytes, offset))
    }

    fn set_size(&self, handle: Handle, size: Filesize) -> Result<()> {
        done(self.file(handle)?.set_len(size))
    }

    fn set_times(&self, handle: Handle, [atim, mtim]: [Timestamp; 2]) -> Result<()> {
        let times = FileTimes::new()
            .set_accessed(time(atim))
            .set_modified(time(mtim));
        done(self.file(handle)?.set_times(times))
    }

    fn sync(&self, handle: Handle, _: bool) -> Result<()> {
        done(self.file(handle)?.sync_all())
    }

    fn set_times_at(&self, path: &str, _: Filetype, [atim, mtim]: [Timestamp; 2]) -> Result<()> {
        let times = Timestamps {
            last_access: timespec(atim),
            last_modification: timespec(mtim),
        };
        let set = utimensat(CWD, self.path(path), &times, AtFlags::SYMLINK_NOFOLLOW);
        done(set.map_err(io::Error::from))
    }

    fn create_dir(&self, path: &str) -> Result<()> {
        done(fs::create_dir(self.path(path)))
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        done(fs::remove_dir(self.path(path)))
    }

    fn unlink(&self, path: &str) -> Result<()> {
        done(fs::remove_file(self.path(path)))
    }

    fn rename(&self, old: &str, new: &str) -> Result<()> {
        done(fs::rename(self.path(old), self.path(new)))
    }

    fn link(&self, old: &str, new: &str) -> Result<()> {
        done(fs::hard_link(self.path(old), self.path(new)))
    }

    fn symlink(&self, target: &str, path: &str) -> Result<()> {
        done(symlink(target, self.path(path)))
    }

    fn read_link(&self, path: &str) -> Result<Vec<u8>> {
        let target = fs::read_link(self.path(path))?;
        Ok(target.into_os_string().into_vec())
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.path(path))? {
            let entry = entry?;
            entries.push(Entry {
                name: entry.file_name().into_vec(),
                filetype: filetype(entry.file_type()?),
                ino: Some(entry.ino()),
            });
        }
        Ok(entries)
    }
}
