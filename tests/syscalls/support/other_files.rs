use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use wasi_rs::abi::{Errno, Fdflags, Filestat, Oflags};
use wasi_rs::ctx::PreopenSource;
use wasi_rs::host;
#[cfg(unix)]
use wasi_rs::vfs::by_path::ByPath;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits};
use wasi_rs::vfs::{Dir, Directory, FileHandle, Name, OpenHow, Opened};

#[cfg(unix)]
use super::by_path::HostByPath;
use super::fixture::Fixture;
use super::iovecs::with_iovecs;

/// A file system that is not the host's, by its root. The test's own operations use the same root.
#[derive(Debug)]
pub struct OtherFiles {
    root: Mutex<Arc<dyn Directory>>,
    /// What becomes the lower layer when a guest gets it for the first time.
    laid: Mutex<Option<(MemoryFs, Over)>>,
    /// The directory of the host that its files are in, if they are.
    top: Option<TempDir>,
}

/// The kind of the lower layer of a file system in memory. It has all that was made before a guest gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Image,
    Directory,
}

impl OtherFiles {
    /// A file system in memory.
    pub fn in_memory() -> Self {
        Self {
            root: Mutex::new(MemoryFs::new(MemoryFsLimits::default()).root()),
            laid: Mutex::default(),
            top: None,
        }
    }

    /// A file system in memory over a lower layer.
    pub fn over(over: Over) -> Self {
        let fs = MemoryFs::new(MemoryFsLimits::default());
        Self {
            root: Mutex::new(fs.root()),
            laid: Mutex::new(Some((fs, over))),
            top: Some(tempfile::tempdir().unwrap()),
        }
    }

    fn root(&self) -> Arc<dyn Directory> {
        Arc::clone(&self.root.lock().unwrap())
    }

    /// Makes everything so far the lower layer, once.
    fn lay_below(&self) {
        let Some((laid, over)) = self.laid.lock().unwrap().take() else {
            return;
        };
        let fs = match (over, &self.top) {
            (Over::Directory, Some(top)) => {
                let dir = host::Dir::open_ambient(top.path()).unwrap();
                laid.all().unwrap().apply_to(&dir).unwrap();
                MemoryFs::over_host(dir, MemoryFsLimits::default()).unwrap()
            }
            _ => MemoryFs::over(
                Arc::new(laid.snapshot().unwrap()),
                MemoryFsLimits::default(),
            ),
        };
        *self.root.lock().unwrap() = fs.root();
    }

    /// A file system that is used by paths.
    #[cfg(unix)]
    pub fn by_path() -> Self {
        let top = tempfile::tempdir().unwrap();
        Self {
            root: Mutex::new(ByPath::new(HostByPath::new(top.path())).root()),
            laid: Mutex::default(),
            top: Some(top),
        }
    }

    /// The directory at `path`.
    fn dir(&self, path: &str) -> Arc<dyn Directory> {
        self.find_dir(path).expect(path)
    }

    /// The directory at `path`. Links to directories beside them are followed.
    fn find_dir(&self, path: &str) -> Option<Arc<dyn Directory>> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(self.root(), |dir, name| {
            let target = dir.read_link_at(as_name(name));
            let name = target.as_deref().unwrap_or(name.as_bytes());
            match dir.open_dir_at(Name::new(name)?).ok()? {
                Dir::Other(dir) => Some(dir),
                Dir::Host(_) => None,
            }
        })
    }

    /// The parent directory of `path`, and its last name.
    fn place<'p>(&self, path: &'p str) -> (Arc<dyn Directory>, Name<'p>) {
        let (above, name) = split(path);
        (self.dir(above), as_name(name))
    }

    fn open(&self, path: &str, oflags: Oflags) -> FileHandle {
        let (dir, name) = self.place(path);
        let how = OpenHow {
            read: true,
            write: true,
            oflags,
            fdflags: Fdflags::empty(),
            follow: false,
        };
        match dir.open_at(Some(name), how).expect(path) {
            Opened::File(file) => file,
            other => panic!("{other:?} is no file"),
        }
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn as_name(name: &str) -> Name<'_> {
    Name::new(name.as_bytes()).unwrap()
}

impl Fixture for OtherFiles {
    fn preopen(&self, path: &str) -> PreopenSource {
        self.lay_below();
        PreopenSource::Directory(self.dir(path))
    }

    fn create_dir(&self, path: &str) {
        let mut dir = self.root();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let name = as_name(name);
            let made = dir.create_dir_at(name);
            assert!(matches!(made, Ok(()) | Err(Errno::Exist)), "{path}");
            dir = match dir.open_dir_at(name).expect(path) {
                Dir::Other(dir) => dir,
                Dir::Host(dir) => panic!("{dir:?} is the host's"),
            };
        }
    }

    fn write(&self, path: &str, content: &[u8]) {
        let file = self.open(path, Oflags::CREAT | Oflags::TRUNC);
        let written = with_iovecs(&mut content.to_vec(), |ciovs| file.write_at(ciovs, 0));
        assert_eq!(written, Ok(content.len()));
    }

    fn symlink(&self, target: &str, path: &str) {
        let (dir, name) = self.place(path);
        dir.symlink_at(target.as_bytes(), name).unwrap();
    }

    fn hard_link(&self, old: &str, new: &str) {
        let ((dir, old), (new_dir, new)) = (self.place(old), self.place(new));
        dir.link_at(Some(old), &*new_dir, new).unwrap();
    }

    fn rename(&self, old: &str, new: &str) {
        let ((dir, old), (new_dir, new)) = (self.place(old), self.place(new));
        dir.rename_at(old, &*new_dir, new).unwrap();
    }

    fn remove(&self, path: &str) {
        let (dir, name) = self.place(path);
        (dir.unlink_at(name))
            .or_else(|_| dir.remove_dir_at(name))
            .unwrap();
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let file = self.open(path, Oflags::empty());
        let mut bytes = vec![0; file.stat().unwrap().size as usize];
        let nread = with_iovecs(&mut bytes, |iovs| file.read_at(iovs, 0));
        assert_eq!(nread, Ok(bytes.len()));
        bytes
    }

    fn read_link(&self, path: &str) -> String {
        let (dir, name) = self.place(path);
        String::from_utf8(dir.read_link_at(name).unwrap()).unwrap()
    }

    fn list(&self, path: &str) -> Vec<String> {
        let mut stream = self.dir(path).read_dir().unwrap();
        let mut names = Vec::new();
        let mut cookie = 0;
        while let Some(entry) = stream.read(cookie).unwrap() {
            names.push(String::from_utf8(entry.name.to_vec()).unwrap());
            cookie = entry.next;
        }
        names.split_off(2)
    }

    fn stat(&self, path: &str) -> Option<Filestat> {
        if path.is_empty() {
            return self.root().stat().ok();
        }
        let (above, name) = split(path);
        self.find_dir(above)?.stat_at(as_name(name)).ok()
    }
}
