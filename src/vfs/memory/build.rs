use std::error::Error;
use std::fmt;

use super::directory::MemoryDir;
use super::node::Node;
use super::{MemoryFs, now};
use crate::abi::{Errno, Filetype, Timestamp};
use crate::vfs::{Directory, Name, SetTime};

/// Why a file system in memory does not get a file that the embedder wants in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// Where the file was to be, or what is in its way. What of it is not Unicode is replaced.
    pub path: String,
    /// What is wrong: [`Errno::Inval`] if it is no path, otherwise what a guest would be told.
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

/// The embedder's way to lay files. Paths lead from the root, with a slash before them or without; they have
/// no `.`, no `..` and no NUL. The directories that a path leads through are made where they are missing;
/// symbolic links are not followed.
impl MemoryFs {
    /// Makes a directory, unless it is there.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is no such path. [`Errno::Notdir`]: a file or a symbolic link is in the way.
    /// [`Errno::Nametoolong`], [`Errno::Nospc`].
    pub fn create_dir(&self, path: &[u8]) -> Result<(), BuildError> {
        self.open_or_create_dir(path).map(drop)
    }

    /// Makes a file of these bytes, with `atim` and `mtim` as given, in nanoseconds after 1970; none is now.
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir). [`Errno::Exist`]: there is something of that name.
    /// [`Errno::Fbig`]: it has more than 2^44 bytes.
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

    /// Makes a symbolic link to `target`, which has from 1 to 4,095 bytes.
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
