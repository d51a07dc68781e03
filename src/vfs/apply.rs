//! Applies a layer (files, and names to remove) to a directory of the host.

use std::error::Error;
use std::fmt;

use crate::abi::{Errno, Fdflags, Filesize, Filetype, Oflags, Timestamp};
use crate::host::{self, Interrupt, Permissions};
use crate::memory::{Iovecs, LinearMemory};
use crate::vfs::image::{Blob, CHUNK};
use crate::vfs::memory::{Item, ItemContent, Layer};
use crate::vfs::{Dir, DirRef, FileHandle, Name, OpenHow, Opened, Result, SetTime, names_in};

/// Why a layer cannot be applied to a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyError {
    /// The path, relative to the directory, of the file that cannot be written or removed. What is not Unicode
    /// in it is replaced.
    pub path: String,
    /// The error of the host.
    pub errno: Errno,
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.path, self.errno)
    }
}

impl Error for ApplyError {}

fn at(path: &[u8]) -> impl Fn(Errno) -> ApplyError {
    move |errno| ApplyError {
        path: String::from_utf8_lossy(path).into_owned(),
        errno,
    }
}

impl Layer {
    /// Applies the layer to a directory of the host. Nothing outside of it is changed, as no symbolic link is
    /// followed.
    ///
    /// First all files are written to a new directory in `dir`; until that is done, nothing else is changed.
    /// Then names are removed, and each file is moved to its path by a rename. If that fails half-way, what has
    /// been done stays.
    ///
    /// Files that come from a directory of the host keep their permissions, and have them before their content
    /// is written: nobody can read a file on its way who could not read it before. All others have the
    /// permissions of new files.
    ///
    /// # Errors
    ///
    /// The path, and the host's error for it. [`Errno::Notdir`] or [`Errno::Loop`]: a file or a symbolic link
    /// is in the place of a directory.
    pub fn apply_to(&self, dir: &host::Dir) -> std::result::Result<(), ApplyError> {
        let root = DirRef::Host(dir);
        let staging = Staging::new(root).map_err(at(b""))?;
        let applied = self
            .stage(&staging)
            .and_then(|()| self.apply_items(root, &staging));
        let removed = staging.remove(root).map_err(at(&staging.name));
        applied.and(removed)
    }

    fn stage(&self, staging: &Staging) -> std::result::Result<(), ApplyError> {
        for (number, item) in self.items.iter().enumerate() {
            staging.add(number, item).map_err(at(&item.path))?;
        }
        Ok(())
    }

    fn apply_items(
        &self,
        root: DirRef<'_>,
        staging: &Staging,
    ) -> std::result::Result<(), ApplyError> {
        for path in &self.removed {
            remove_path(root, path).map_err(at(path))?;
        }
        let mut made = Vec::new();
        for (number, item) in self.items.iter().enumerate() {
            let applied = apply_item(root, staging, number, item);
            made.push(applied.map_err(at(&item.path))?);
        }
        // Last, and from the bottom up: a rename into a directory changes its `mtim`, and needs a permission
        // that the directory may not end up with.
        for (item, made) in self.items.iter().zip(made).rev() {
            if item.is_dir() {
                let permissions = item.permissions.filter(|_| made);
                let set = in_parent(root, &item.path, |dir, name| {
                    set_mtim(dir, name, item.mtim)?;
                    permissions.map_or(Ok(()), |to| set_permissions(dir, name, to))
                });
                set.map_err(at(&item.path))?;
            }
        }
        Ok(())
    }
}

/// Applies an item. Returns whether it was created: false for a directory that existed.
fn apply_item(root: DirRef<'_>, staging: &Staging, number: usize, item: &Item) -> Result<bool> {
    in_parent(root, &item.path, |dir, name| {
        if !item.is_dir() {
            let staged = number.to_string();
            let staged = Name::new(staged.as_bytes()).ok_or(Errno::Inval)?;
            staging.dir.as_ref().rename_at(staged, dir, name)?;
            return Ok(true);
        }
        match dir.create_dir_at(name) {
            Err(Errno::Exist) => dir.open_dir_at(name).map(|_| false),
            result => {
                result?;
                if let Some(permissions) = item.permissions {
                    set_permissions(dir, name, permissions.with_owner())?;
                }
                Ok(true)
            }
        }
    })
}

/// Sets the permissions of a directory.
fn set_permissions(parent: DirRef<'_>, name: Name<'_>, permissions: Permissions) -> Result<()> {
    match parent.open_dir_at(name)? {
        Dir::Host(dir) => Ok(dir.set_permissions(permissions)?),
        Dir::Other(_) => Err(Errno::Notsup),
    }
}

fn set_mtim(dir: DirRef<'_>, name: Name<'_>, mtim: Timestamp) -> Result<()> {
    let mtim = SetTime::At(mtim);
    dir.set_times_at(name, mtim, mtim)
}

/// Calls `call` with the directory that the last name of a path is in, and that name. Symbolic links on the way
/// are refused.
fn in_parent<T>(
    root: DirRef<'_>,
    path: &[u8],
    call: impl FnOnce(DirRef<'_>, Name<'_>) -> Result<T>,
) -> Result<T> {
    let mut names = path.split(|byte| *byte == b'/').map(Name::new);
    let last = names.next_back().flatten().ok_or(Errno::Inval)?;
    let mut dir: Option<Dir> = None;
    for name in names {
        let above = dir.as_ref().map_or(root, Dir::as_ref);
        dir = Some(above.open_dir_at(name.ok_or(Errno::Inval)?)?);
    }
    call(dir.as_ref().map_or(root, Dir::as_ref), last)
}

/// Removes what is at a path, if it is there, directories with all that is in them.
fn remove_path(root: DirRef<'_>, path: &[u8]) -> Result<()> {
    match in_parent(root, path, remove) {
        Err(Errno::Noent) => Ok(()),
        result => result,
    }
}

/// Removes a name, and if it is a directory all that is in it. Symbolic links are removed, not followed.
fn remove(parent: DirRef<'_>, name: Name<'_>) -> Result<()> {
    if parent.stat_at(name)?.filetype != Filetype::Directory {
        return parent.unlink_at(name);
    }
    // A stack of the directories that are being emptied, each with the names that are still to be removed.
    let dir = parent.open_dir_at(name)?;
    let names = names_in(dir.as_ref())?;
    let mut within = vec![(dir, names)];
    while let Some((dir, names)) = within.last_mut() {
        let Some(next) = names.last() else {
            within.pop();
            let (above, name) = match within.last_mut() {
                Some((above, names)) => (above.as_ref(), names.pop()),
                None => (parent, Some(name.as_bytes().to_vec())),
            };
            let name = name.as_deref().and_then(Name::new).ok_or(Errno::Inval)?;
            above.remove_dir_at(name)?;
            continue;
        };
        let name = Name::new(next).ok_or(Errno::Inval)?;
        if dir.as_ref().stat_at(name)?.filetype == Filetype::Directory {
            let dir = dir.as_ref().open_dir_at(name)?;
            let names = names_in(dir.as_ref())?;
            within.push((dir, names));
        } else {
            dir.as_ref().unlink_at(name)?;
            names.pop();
        }
    }
    Ok(())
}

/// The directory that files are written to before they are moved to their paths. Their names in it are the
/// numbers of their items.
struct Staging {
    name: Vec<u8>,
    dir: Dir,
}

impl Staging {
    fn new(root: DirRef<'_>) -> Result<Self> {
        let number = getrandom::u64().map_err(|_| Errno::Io)?;
        let name = format!(".wasi-rs-{number:016x}").into_bytes();
        let dir = {
            let name = Name::new(&name).ok_or(Errno::Inval)?;
            root.create_dir_at(name)?;
            set_permissions(root, name, Permissions::OWNER)?;
            root.open_dir_at(name)?
        };
        Ok(Self { name, dir })
    }

    fn remove(&self, root: DirRef<'_>) -> Result<()> {
        remove(root, Name::new(&self.name).ok_or(Errno::Inval)?)
    }

    /// Creates what an item describes, except a directory.
    fn add(&self, number: usize, item: &Item) -> Result<()> {
        let text = number.to_string();
        let name = Name::new(text.as_bytes()).ok_or(Errno::Inval)?;
        let dir = self.dir.as_ref();
        match &item.content {
            ItemContent::Dir => return Ok(()),
            ItemContent::Link(target) => dir.symlink_at(target, name)?,
            ItemContent::File(content) => write(dir, name, content, item.permissions)?,
            ItemContent::Again(first) => {
                let first = first.to_string();
                let first = Name::new(first.as_bytes()).ok_or(Errno::Inval)?;
                return dir.link_at(Some(first), dir, name);
            }
        }
        set_mtim(dir, name, item.mtim)
    }
}

/// Writes a file. Chunks that hold no data become holes.
fn write(
    dir: DirRef<'_>,
    name: Name<'_>,
    content: &Blob,
    permissions: Option<Permissions>,
) -> Result<()> {
    let how = OpenHow {
        read: false,
        write: true,
        oflags: Oflags::CREAT | Oflags::EXCL,
        fdflags: Fdflags::empty(),
        follow: false,
    };
    let Opened::File(file) = dir.open_at(Some(name), how, &Interrupt::NEVER)? else {
        return Err(Errno::Io);
    };
    if let (Some(file), Some(permissions)) = (file.host(), permissions) {
        file.set_permissions(permissions)?;
    }
    let _held = content.prepare()?;
    file.set_size(content.len())?;
    let mut offset = 0;
    while let Some(next) = content.next_data(offset) {
        // To the end of the chunk; the next one may be a hole.
        let chunk = CHUNK as Filesize;
        let end = ((next / chunk + 1) * chunk).min(content.len());
        let mut bytes = Vec::with_capacity(CHUNK);
        let len = (end - next) as usize;
        content.read(next, len, &mut |piece| bytes.extend_from_slice(piece))?;
        write_all(&file, &mut bytes, next)?;
        offset = end;
    }
    Ok(())
}

fn write_all(file: &FileHandle, mut bytes: &mut [u8], mut offset: Filesize) -> Result<()> {
    while !bytes.is_empty() {
        let written = {
            let memory = LinearMemory::exclusive(bytes);
            file.write_at(&Iovecs::all_of(&memory), offset)?
        };
        if written == 0 {
            return Err(Errno::Io);
        }
        bytes = &mut bytes[written..];
        offset += written as Filesize;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staged_files_are_readable_by_their_owner_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = host::Dir::open_ambient(scratch.path()).unwrap();
        let staging = Staging::new(DirRef::Host(&dir)).unwrap();
        // `None` if the system has no such permissions.
        let is_own = |dir: &host::Dir, name: &[u8], own| {
            let name = Name::new(name).unwrap();
            let permissions = dir.permissions_at(name).unwrap();
            permissions.is_none_or(|permissions| permissions == own)
        };
        assert!(is_own(&dir, &staging.name, Permissions::OWNER));
        let own = Permissions::of_mode(0o4400);
        let item = Item {
            path: b"secret".to_vec(),
            mtim: 0,
            permissions: Some(own),
            content: ItemContent::File(b"secret".to_vec().into()),
        };
        staging.add(0, &item).unwrap();
        let Dir::Host(staged) = &staging.dir else {
            panic!("another file system");
        };
        assert!(is_own(staged, b"0", own));
        assert_eq!(own, Permissions::of_mode(0o400));
        staging.remove(DirRef::Host(&dir)).unwrap();
    }
}
