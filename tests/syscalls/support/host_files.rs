use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use wasi_rs::abi::Filestat;
use wasi_rs::ctx::PreopenSource;

use super::fixture::Fixture;

/// A directory of the host, which is removed with all that is in it on drop.
#[derive(Debug)]
pub struct HostFiles {
    top: TempDir,
    preopen: fn(PathBuf) -> PreopenSource,
}

#[cfg(unix)]
pub use system::{filestat, filetype};

impl HostFiles {
    /// A new one. `preopen` makes preopens of paths in it.
    pub fn new(preopen: fn(PathBuf) -> PreopenSource) -> Self {
        let top = tempfile::tempdir().unwrap();
        Self { top, preopen }
    }

    fn path(&self, path: &str) -> PathBuf {
        match path {
            "" => self.top.path().to_owned(),
            _ => self.top.path().join(path),
        }
    }
}

impl Fixture for HostFiles {
    fn preopen(&self, path: &str) -> PreopenSource {
        (self.preopen)(self.path(path))
    }

    fn create_dir(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    fn write(&self, path: &str, content: &[u8]) {
        fs::write(self.path(path), content).unwrap();
    }

    fn symlink(&self, target: &str, path: &str) {
        system::symlink(target, self.path(path)).unwrap();
    }

    fn hard_link(&self, old: &str, new: &str) {
        fs::hard_link(self.path(old), self.path(new)).unwrap();
    }

    fn rename(&self, old: &str, new: &str) {
        fs::rename(self.path(old), self.path(new)).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.path(path);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir(&path))
            .unwrap();
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    fn read_link(&self, path: &str) -> String {
        let target = fs::read_link(self.path(path)).unwrap();
        system::with_slashes(target.to_str().unwrap())
    }

    fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn stat(&self, path: &str) -> Option<Filestat> {
        system::stat(&self.path(path))
    }

    fn host_path(&self, path: &str) -> Option<PathBuf> {
        Some(self.path(path))
    }
}

#[cfg(unix)]
mod system {
    use std::fs::{FileType, Metadata};
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::Path;

    use super::Filestat;
    use wasi_rs::abi::Filetype;

    pub use std::os::unix::fs::symlink;

    pub fn with_slashes(target: &str) -> String {
        target.to_owned()
    }

    pub fn stat(path: &Path) -> Option<Filestat> {
        Some(filestat(&path.symlink_metadata().ok()?))
    }

    pub fn filetype(of: FileType) -> Filetype {
        match of {
            kind if kind.is_dir() => Filetype::Directory,
            kind if kind.is_file() => Filetype::RegularFile,
            kind if kind.is_symlink() => Filetype::SymbolicLink,
            kind if kind.is_fifo() || kind.is_socket() => Filetype::SocketStream,
            _ => Filetype::CharacterDevice,
        }
    }

    pub fn filestat(metadata: &Metadata) -> Filestat {
        let nanos = |seconds: i64, nanos: i64| {
            let time = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            time.clamp(0, u64::MAX.into()) as u64
        };
        Filestat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: filetype(metadata.file_type()),
            nlink: metadata.nlink(),
            size: metadata.len(),
            atim: nanos(metadata.atime(), metadata.atime_nsec()),
            mtim: nanos(metadata.mtime(), metadata.mtime_nsec()),
            ctim: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::os::windows::fs::{symlink_dir, symlink_file};
    use std::path::Path;

    use super::Filestat;

    /// Windows has links to files and links to directories, and targets with backslashes alone.
    pub fn symlink(target: &str, path: impl AsRef<Path>) -> io::Result<()> {
        let target = target.replace('/', "\\");
        if path.as_ref().with_file_name(&target).is_dir() {
            symlink_dir(target, path)
        } else {
            symlink_file(target, path)
        }
    }

    pub fn with_slashes(target: &str) -> String {
        target.replace('\\', "/")
    }

    /// The standard library has no inode numbers here.
    pub fn stat(path: &Path) -> Option<Filestat> {
        wasi_rs::host::stat_ambient(path).ok()
    }
}
