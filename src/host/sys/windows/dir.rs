use std::fs;
use std::io;
use std::os::windows::fs::{OpenOptionsExt as _, symlink_dir, symlink_file};
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::path::{Component, Path};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_DIRECTORY, ERROR_DIRECTORY_NOT_SUPPORTED,
    ERROR_INVALID_PARAMETER, ERROR_NO_UNICODE_TRANSLATION, ERROR_NOT_A_REPARSE_POINT,
    ERROR_STOPPED_ON_SYMLINK, ERROR_TOO_MANY_LINKS, GENERIC_READ, GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_FLAG_WRITE_THROUGH,
    FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES,
};

use super::errno::{error, is};
use super::file::{self, File};
use super::{name, nt, stat};
use crate::abi::{Errno, Filestat, Filetype, Oflags};
use crate::host::{Interrupt, Links, Name, OpenHow, Permissions, SYNCHRONOUS, SetTime, Step};

/// Whether the system may take two names for the same. Always true: Windows ignores case, and has short names.
pub fn may_be_same(_: &[u8], _: &[u8]) -> bool {
    true
}

/// An open directory: the capability for everything below it.
///
/// It is shared for everything, deletion and renaming included, as on POSIX.
#[derive(Debug)]
pub struct Dir(cap_std::fs::Dir);

impl AsHandle for Dir {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

impl From<fs::File> for Dir {
    fn from(file: fs::File) -> Self {
        Self(cap_std::fs::Dir::from_std_file(file))
    }
}

impl TryFrom<File> for Dir {
    type Error = io::Error;

    /// The same as a directory.
    ///
    /// # Errors
    ///
    /// `ERROR_DIRECTORY`: it is none that the guest opened.
    fn try_from(file: File) -> io::Result<Self> {
        fs::File::try_from(file).map(Self::from)
    }
}

impl Dir {
    /// Opens a directory by a path of the embedder.
    pub fn open_ambient(path: &Path) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        require_directory(options.open(path)?).map(Self::from)
    }

    /// Opens a name in this directory, or the directory itself. A symbolic link is an error.
    pub fn open_at(&self, name: Option<Name<'_>>, how: OpenHow, _: &Interrupt) -> io::Result<File> {
        let file = match name {
            None => self.open_directory(Component::CurDir.as_ref(), how)?,
            Some(name) => {
                let path = Path::new(name::component(name)?);
                if how.oflags.contains(Oflags::DIRECTORY) {
                    self.open_directory(path, how)?
                } else {
                    self.open_file(path, how)?
                }
            }
        };
        Ok(File::new(file, how.fdflags))
    }

    /// Opens `bytes` if it is a single name in this directory, and not a symbolic link that is to be followed.
    ///
    /// All other paths must be walked. Windows has nothing like `openat2(2)`, and resolves links differently
    /// than POSIX: a link to a file does not lead to a directory, and `..` is resolved in the text.
    pub fn open_beneath(
        &self,
        bytes: &[u8],
        how: OpenHow,
        _: Links,
        interrupt: &Interrupt,
    ) -> io::Result<Step<File>> {
        let Some(name) = Name::new(bytes) else {
            return Ok(Step::Walk);
        };
        match self.open_at(Some(name), how, interrupt) {
            Err(error) if how.follow && is(&error, ERROR_STOPPED_ON_SYMLINK) => Ok(Step::Walk),
            result => result.map(Step::Done),
        }
    }

    fn open_directory(&self, path: &Path, how: OpenHow) -> io::Result<fs::File> {
        if how.oflags.contains(Oflags::CREAT | Oflags::DIRECTORY) {
            return Err(error(ERROR_INVALID_PARAMETER));
        }
        let file = self.open_to_read(path, FollowSymlinks::No)?;
        if how.write || how.oflags.intersects(Oflags::CREAT | Oflags::TRUNC) {
            return Err(error(ERROR_DIRECTORY_NOT_SUPPORTED));
        }
        Ok(file)
    }

    fn open_file(&self, path: &Path, how: OpenHow) -> io::Result<fs::File> {
        let create = how.oflags.contains(Oflags::CREAT);
        let truncate = how.oflags.contains(Oflags::TRUNC);
        let mut access = 0;
        if how.read || !how.write {
            access |= GENERIC_READ;
        }
        if how.write || truncate {
            access |= GENERIC_WRITE;
        }
        let mut flags = 0;
        if how.fdflags.intersects(SYNCHRONOUS) {
            flags |= FILE_FLAG_WRITE_THROUGH;
        }
        // With this flag a directory can be opened, too; without it none can, not even in a race.
        let or_directory = access == GENERIC_READ && !create;
        if or_directory {
            flags |= FILE_FLAG_BACKUP_SEMANTICS;
        }
        let mut options = OpenOptions::new();
        options
            // cap-std requires write access to create and truncate; the access mode is what `access` says.
            .write(create || truncate)
            .access_mode(access)
            .create(create)
            .create_new(create && how.oflags.contains(Oflags::EXCL))
            .truncate(truncate)
            .custom_flags(flags)
            .follow(FollowSymlinks::No);
        match self.open(path, &options) {
            // The error for a directory, and for a link to one.
            Err(error) if is(&error, ERROR_ACCESS_DENIED) && !or_directory => {
                match self.open_to_read(path, FollowSymlinks::No) {
                    Ok(_) => Err(self::error(ERROR_DIRECTORY_NOT_SUPPORTED)),
                    Err(link) if is(&link, ERROR_STOPPED_ON_SYMLINK) => Err(link),
                    Err(_) => Err(error),
                }
            }
            result => result,
        }
    }

    /// Attributes of a path below this directory. Windows has no such call: the caller must walk.
    pub fn stat_beneath(&self, _: &[u8], _: bool, _: Links) -> io::Result<Step<Filestat>> {
        Ok(Step::Walk)
    }

    /// Opens the directory at a path. Windows has no such call: the caller must walk.
    pub fn open_parent(&self, _: &[u8], _: Links) -> io::Result<Step<Self>> {
        Ok(Step::Walk)
    }

    /// Opens a directory in this one. A symbolic link is an error.
    pub fn open_dir_at(&self, name: Name<'_>) -> io::Result<Self> {
        let name = name::component(name)?;
        self.open_to_read(Path::new(name), FollowSymlinks::No)
            .map(Self::from)
    }

    /// Opens `..`: the present parent directory, wherever that is.
    ///
    /// Windows opens that only by a path. While this directory is open, none above it can be renamed, so the
    /// path stays valid.
    pub fn open_dotdot(&self) -> io::Result<Self> {
        let path = winx::file::get_file_path(&self.to_file()?)?;
        Self::open_ambient(path.parent().ok_or(io::ErrorKind::NotFound)?)
    }

    /// Opens the directory at a path below this one.
    fn open_to_read(&self, path: &Path, follow: FollowSymlinks) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options
            .access_mode(GENERIC_READ)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .follow(follow);
        require_directory(self.open(path, &options)?)
    }

    /// Opens this directory again, to read its entries.
    pub(super) fn open_to_list(&self) -> io::Result<fs::File> {
        self.open_to_read(Component::CurDir.as_ref(), FollowSymlinks::No)
    }

    /// Opens a name; a symbolic link itself is opened, not its target.
    fn open_with_access(&self, name: Name<'_>, access: u32) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options
            .access_mode(access)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
            .follow(FollowSymlinks::No);
        self.open(Path::new(name::component(name)?), &options)
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<fs::File> {
        match self.0.open_with(path, options) {
            Ok(file) => Ok(file.into_std()),
            // A loop of links. For hard links this error means something else.
            Err(error) if is(&error, ERROR_TOO_MANY_LINKS) => {
                Err(self::error(ERROR_STOPPED_ON_SYMLINK))
            }
            Err(error) => Err(error),
        }
    }

    /// Checks that this directory may be searched. On Windows the permissions of its entries decide that.
    pub fn check_search(&self) -> io::Result<()> {
        Ok(())
    }

    /// `fstat(2)`.
    pub fn stat(&self) -> io::Result<Filestat> {
        stat::fstat(&self.to_file()?)
    }

    /// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    pub fn stat_at(&self, name: Name<'_>) -> io::Result<Filestat> {
        let file = self.open_with_access(name, FILE_READ_ATTRIBUTES)?;
        let mut stat = stat::fstat(&file)?;
        if stat.filetype == Filetype::SymbolicLink {
            stat.size = target_of(&file).map_or(0, |target| target.len() as u64);
        }
        Ok(stat)
    }

    /// `None`: Windows has other permissions, which a new file inherits from its directory.
    pub fn permissions_at(&self, _: Name<'_>) -> io::Result<Option<Permissions>> {
        Ok(None)
    }

    /// Does nothing, as Windows has other permissions.
    pub fn set_permissions(&self, _: Permissions) -> io::Result<()> {
        Ok(())
    }

    /// `utimensat(2)` of the directory itself.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times(&self.to_file()?, atim, mtim)
    }

    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`.
    pub fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times(
            &self.open_with_access(name, FILE_WRITE_ATTRIBUTES)?,
            atim,
            mtim,
        )
    }

    /// `mkdirat(2)`. Permissions are inherited from this directory.
    pub fn create_dir_at(&self, name: Name<'_>) -> io::Result<()> {
        nt::create_dir(self.as_handle(), &name::wide(name)?)
    }

    /// `unlinkat(2)`.
    pub fn unlink_at(&self, name: Name<'_>) -> io::Result<()> {
        let file = self.open_with_access(name, DELETE)?;
        match is_directory(&file)? {
            true => Err(error(ERROR_DIRECTORY_NOT_SUPPORTED)),
            false => nt::remove(file.as_handle()),
        }
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`.
    pub fn remove_dir_at(&self, name: Name<'_>) -> io::Result<()> {
        let dir = require_directory(self.open_with_access(name, DELETE)?)?;
        nt::remove(dir.as_handle())
    }

    /// `renameat(2)`. A directory below which something is open cannot be renamed: `EPERM`.
    pub fn rename_at(&self, old: Name<'_>, new_dir: &Dir, new: Name<'_>) -> io::Result<()> {
        let file = self.open_with_access(old, DELETE)?;
        let new_name = name::wide(new)?;
        let directory = is_directory(&file)?;
        let replaces = match new_dir.open_with_access(new, FILE_READ_ATTRIBUTES) {
            // A name that differs only in case may be that of the same file.
            Ok(replaced) if is_same(&file, &replaced)? => None,
            Ok(replaced) => Some(is_directory(&replaced)?),
            Err(_) => None,
        };
        match (directory, replaces) {
            (true, Some(false)) => return Err(error(ERROR_DIRECTORY)),
            (false, Some(true)) => return Err(error(ERROR_DIRECTORY_NOT_SUPPORTED)),
            _ => {}
        }
        let rename = || nt::rename(file.as_handle(), new_dir.as_handle(), &new_name);
        match rename() {
            // Not every file system can rename a directory over an empty one.
            Err(error)
                if replaces == Some(true)
                    && (is(&error, ERROR_ACCESS_DENIED) || is(&error, ERROR_ALREADY_EXISTS)) =>
            {
                new_dir.remove_dir_at(new)?;
                rename()
            }
            result => result,
        }
    }

    /// `linkat(2)`: another name for a file, or for a symbolic link itself. Without `old`, of this directory:
    /// that fails, with `EPERM` if no other error comes first.
    pub fn link_at(&self, old: Option<Name<'_>>, new_dir: &Dir, new: Name<'_>) -> io::Result<()> {
        let Some(old) = old else {
            let taken = new_dir.open_with_access(new, FILE_READ_ATTRIBUTES).is_ok();
            return Err(error(if taken {
                ERROR_ALREADY_EXISTS
            } else {
                ERROR_ACCESS_DENIED
            }));
        };
        let new = name::wide(new)?;
        let file = self.open_with_access(old, FILE_WRITE_ATTRIBUTES)?;
        nt::link(file.as_handle(), new_dir.as_handle(), &new)
    }

    /// `symlinkat(2)`. The target is relative, and each of its names is valid on Windows.
    ///
    /// Windows has links to files and links to directories. The kind is chosen by what the target is now, if
    /// that is below this directory; a guest can go through either kind.
    pub fn symlink_at(&self, target: &[u8], name: Name<'_>) -> io::Result<()> {
        let (text, directory) = name::target(target)?;
        let name = name::component(name)?;
        let leads_to_directory = || {
            self.open_to_read(text.as_ref(), FollowSymlinks::Yes)
                .is_ok()
        };
        let directory = directory || leads_to_directory();
        // Links can only be made by a path. This handle does not share deletion: while it is open, neither the
        // directory nor one above it can be renamed, so the path stays valid.
        let held = self.0.open_dir(Component::CurDir)?.into_std_file();
        let path = winx::file::get_file_path(&held)?.join(name);
        if directory {
            symlink_dir(text, path)
        } else {
            symlink_file(text, path)
        }
    }

    /// `readlinkat(2)`: the target of a symbolic link.
    ///
    /// # Errors
    ///
    /// `ERROR_NOT_A_REPARSE_POINT`: it is no symbolic link. [`Errno::Notcapable`]: its target is on a drive or
    /// a share, for which a guest has no path.
    pub fn read_link_at(&self, name: Name<'_>) -> io::Result<Vec<u8>> {
        let file = self.open_with_access(name, FILE_READ_ATTRIBUTES)?;
        if !file.metadata()?.is_symlink() {
            return Err(error(ERROR_NOT_A_REPARSE_POINT));
        }
        target_of(&file)
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        file::sync(&self.to_file()?)
    }

    fn to_file(&self) -> io::Result<fs::File> {
        Ok(self.as_handle().try_clone_to_owned()?.into())
    }
}

/// Whether it is a directory. A link to one is not.
fn is_directory(file: &fs::File) -> io::Result<bool> {
    Ok(file.metadata()?.is_dir())
}

/// Whether both are the same file.
fn is_same(a: &fs::File, b: &fs::File) -> io::Result<bool> {
    let [a, b] = [stat::fstat(a)?, stat::fstat(b)?];
    Ok((a.dev, a.ino) == (b.dev, b.ino))
}

/// The file, if it is a directory.
fn require_directory(file: fs::File) -> io::Result<fs::File> {
    match is_directory(&file)? {
        true => Ok(file),
        false => Err(error(ERROR_DIRECTORY)),
    }
}

/// The target of an open symbolic link, with the separators of a guest.
fn target_of(link: &fs::File) -> io::Result<Vec<u8>> {
    let target = winx::file::read_link(link)?;
    if matches!(target.components().next(), Some(Component::Prefix(_))) {
        return Err(io::Error::other(Errno::Notcapable));
    }
    let target = target.into_os_string().into_string();
    let target = target.map_err(|_| error(ERROR_NO_UNICODE_TRANSLATION))?;
    Ok(target.replace('\\', "/").into_bytes())
}
