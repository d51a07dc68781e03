use std::error::Error;
use std::fmt;

use super::directory::MemoryDir;
use super::node::Node;
use super::{MemoryFs, now};
use crate::abi::{Errno, Filetype, Timestamp};
use crate::vfs::{Directory, Name, SetTime};

/// Why a file that the embedder wants in a file system in memory cannot be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The path of the file, or of what is in its way. What is not Unicode in it is replaced.
    pub path: String,
    /// [`Errno::Inval`] if it is no valid path, otherwise the error that a guest would get.
    pub errno: Errno,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.path, self.errno)
    }
}

impl Error for BuildError {}

impl BuildError {
    fn new(path: &[u8], errno: Errno) -> Self {
        Self {
            path: String::from_utf8_lossy(path).into_owned(),
            errno,
        }
    }
}

/// How the embedder creates files. Paths begin at the root, with or without a slash; they have no `.`, `..` or
/// NUL. Missing parent directories are created; symbolic links are not followed.
impl MemoryFs {
    /// Creates a directory, unless it exists.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: the path is not valid. [`Errno::Notdir`]: a file or a symbolic link is in the way.
    /// [`Errno::Nametoolong`], [`Errno::Nospc`].
    pub fn create_dir(&self, path: &[u8]) -> Result<(), BuildError> {
        self.open_or_create_dir(path).map(drop)
    }

    /// Creates a file with this content. `atim` and `mtim` are in nanoseconds since 1970; `None` is now.
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir). [`Errno::Exist`]: the name is taken. [`Errno::Fbig`]: it has more
    /// than 2^44 bytes.
    pub fn file(
        &self,
        path: &[u8],
        content: &[u8],
        mtime: Option<Timestamp>,
    ) -> Result<(), BuildError> {
        self.add(path, |dir, name| {
            let node = Node::with_bytes(dir.volume(), Filetype::RegularFile, now(), content)?;
            if let Some(mtime) = mtime.map(SetTime::At) {
                node.set_times(mtime, mtime);
            }
            dir.add(name, node)
        })
    }

    /// Creates a symbolic link to `target`, which has from 1 to 4,095 bytes.
    ///
    /// # Errors
    ///
    /// As [`file`](Self::file). [`Errno::Noent`]: the target is empty. [`Errno::Inval`]: it has a NUL.
    pub fn symlink(&self, path: &[u8], target: &[u8]) -> Result<(), BuildError> {
        self.add(path, |dir, name| {
            if target.contains(&0) {
                return Err(Errno::Inval);
            }
            dir.symlink_at(target, name)
        })
    }

    fn add(
        &self,
        path: &[u8],
        add: impl FnOnce(MemoryDir, Name<'_>) -> Result<(), Errno>,
    ) -> Result<(), BuildError> {
        let refused = |errno| BuildError::new(path, errno);
        let (above, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&[][..], path),
        };
        let name = Name::new(name).ok_or(refused(Errno::Inval))?;
        let dir = self.open_or_create_dir(above)?;
        add(dir, name).map_err(refused)
    }

    fn open_or_create_dir(&self, path: &[u8]) -> Result<MemoryDir, BuildError> {
        let mut dir = self.root_dir();
        let mut end = 0;
        for component in path.split(|byte| *byte == b'/') {
            end += component.len() + 1;
            if component.is_empty() {
                continue;
            }
            let refused = |errno| BuildError::new(&path[..end - 1], errno);
            let name = Name::new(component).ok_or(refused(Errno::Inval))?;
            dir = dir.open_or_create_dir_at(name).map_err(refused)?;
        }
        Ok(dir)
    }
}
