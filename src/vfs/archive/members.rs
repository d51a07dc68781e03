use super::{ArchiveError, ArchiveLimits, Result, wrong};
use crate::abi::{Errno, Timestamp};
use crate::vfs::MAX_PATH;
use crate::vfs::Name;
use crate::vfs::image::{Blob, Builder, Image, NodeId};

/// Makes an image of the members of an archive, which are added one by one.
///
/// Paths are made relative as tar does it, by removing leading slashes. A path with `..` is refused, and so is
/// one below a symbolic link of the archive: nothing is written through links. Of several members with the same
/// name the last counts, but a file does not replace a directory, nor a directory a file: that is refused.
#[derive(Debug)]
pub(super) struct Members {
    builder: Builder,
    limits: ArchiveLimits,
    bytes: u64,
    files: u64,
}

/// The components of a path.
fn names(path: &[u8]) -> Result<Vec<Name<'_>>> {
    if path.len() > MAX_PATH {
        return wrong("has too long a name");
    }
    if std::str::from_utf8(path).is_err() {
        return wrong("has a name that is not UTF-8");
    }
    let components = path.split(|byte| *byte == b'/');
    let names = components.filter(|component| !matches!(*component, b"" | b"."));
    names
        .map(|name| match name {
            b".." => wrong("has '..' in its name"),
            name => Name::new(name).ok_or_else(|| ArchiveError::new("has a NUL in its name")),
        })
        .collect()
}

/// The words for an error of the builder.
fn refused(errno: Errno) -> ArchiveError {
    ArchiveError::new(match errno {
        Errno::Isdir => "is a file in the place of a directory",
        Errno::Notdir => "lies below something that is no directory",
        Errno::Nametoolong => "has too long a name",
        Errno::Perm => "is a hard link to a directory",
        _ => "is one file too many",
    })
}

impl Members {
    pub fn new(limits: ArchiveLimits) -> Self {
        Self {
            builder: Builder::new(0),
            limits,
            bytes: 0,
            files: 0,
        }
    }

    pub fn finish(self) -> Image {
        self.builder.finish()
    }

    /// Counts a name against the limit.
    fn count(&mut self) -> Result<()> {
        self.files += 1;
        if self.files > self.limits.files {
            return wrong(format!("is beyond the {} files allowed", self.limits.files));
        }
        Ok(())
    }

    /// Counts the size of a file against the limit.
    fn count_bytes(&mut self, bytes: u64) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.bytes {
            return wrong(format!("is beyond the {} bytes allowed", self.limits.bytes));
        }
        Ok(())
    }

    fn dir_of(&mut self, names: &[Name<'_>], mtim: Timestamp) -> Result<NodeId> {
        let mut dir = Image::ROOT;
        for name in names {
            if self.builder.find(dir, *name).is_none() {
                self.count()?;
            }
            dir = self.builder.dir(dir, *name, mtim).map_err(refused)?;
        }
        Ok(dir)
    }

    /// The parent directory of a member, created if it does not exist, and the member's name in it.
    fn place<'p>(&mut self, path: &'p [u8], mtim: Timestamp) -> Result<(NodeId, Name<'p>)> {
        let names = names(path)?;
        let Some((name, above)) = names.split_last() else {
            return wrong("has no name");
        };
        let dir = self.dir_of(above, mtim)?;
        self.count()?;
        Ok((dir, *name))
    }

    /// Adds a directory, which may exist already.
    ///
    /// # Errors
    ///
    /// The path is refused, or is that of a file.
    pub fn dir(&mut self, path: &[u8], mtim: Timestamp) -> Result<()> {
        let dir = self.dir_of(&names(path)?, mtim)?;
        self.builder.set_mtim(dir, mtim);
        Ok(())
    }

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// As [`Members::dir`].
    pub fn file(&mut self, path: &[u8], mtim: Timestamp, content: Blob) -> Result<()> {
        self.count_bytes(content.len())?;
        let (dir, name) = self.place(path, mtim)?;
        (self.builder.file(dir, name, mtim, content)).map_err(refused)?;
        Ok(())
    }

    /// Adds a symbolic link. Its target may be anything, as links are resolved within the file system.
    ///
    /// # Errors
    ///
    /// As [`Members::dir`]. No link can have the target.
    pub fn symlink(&mut self, path: &[u8], mtim: Timestamp, target: &[u8]) -> Result<()> {
        if target.is_empty() || target.len() > MAX_PATH || target.contains(&0) {
            return wrong("is a symbolic link to no path");
        }
        let (dir, name) = self.place(path, mtim)?;
        (self.builder.symlink(dir, name, mtim, target)).map_err(refused)?;
        Ok(())
    }

    /// Adds a hard link to a file that has been added before.
    ///
    /// # Errors
    ///
    /// As [`Members::dir`]. There is no such file.
    pub fn hard_link(&mut self, path: &[u8], mtim: Timestamp, target: &[u8]) -> Result<()> {
        let names = names(target).map_err(|error| {
            ArchiveError::new(format!("is a hard link to what {}", error.problem))
        })?;
        let find = |(dir, _), name: &Name<'_>| self.builder.find(dir, *name);
        let found = names.iter().try_fold((Image::ROOT, true), find);
        let (id, _) = found.ok_or_else(|| {
            let target = String::from_utf8_lossy(target);
            ArchiveError::new(format!("is a hard link to {target:?}, which is not there"))
        })?;
        let (dir, name) = self.place(path, mtim)?;
        self.builder.link(dir, name, id).map_err(refused)
    }
}
