use super::param::GuestRange;
use super::path::{self, GuestPath, PathBytes};
use super::table::{Trap, needs};
use crate::abi::{Errno, Fd, Lookupflags, Size};
use crate::ctx::WasiCtx;
use crate::ctx::resolve::Follow;
use crate::memory::{GuestMemory, GuestPtr};

/// `path_create_directory(fd, path)`—Creates a directory, like `mkdirat` with mode 0777.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `path` leads outside memory. [`Errno::Badf`]: `fd` is not open.
/// [`Errno::Notcapable`]: without `PATH_CREATE_DIRECTORY`, or the path leads out.
/// [`Errno::Inval`]: the path is empty or has a NUL. [`Errno::Nametoolong`], [`Errno::Loop`]: it is
/// beyond the limits. What `mkdirat(2)` says.
pub fn path_create_directory(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    path: GuestRange<u8>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_create_directory, path, bytes)?;
    Ok(path.resolve(ctx, Follow::No)?.create_dir()?)
}

/// `path_remove_directory(fd, path)`—Removes an empty directory, like `unlinkat` with
/// `AT_REMOVEDIR`.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_REMOVE_DIRECTORY`. [`Errno::Inval`]: the path ends in `.`.
/// [`Errno::Notempty`]: it ends in `..`, or the directory has entries. [`Errno::Busy`]: it names a preopen that
/// has fewer rights than another one above it.
pub fn path_remove_directory(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    path: GuestRange<u8>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_remove_directory, path, bytes)?;
    Ok(path.resolve(ctx, Follow::No)?.remove_dir(path.bytes())?)
}

/// `path_unlink_file(fd, path)`—Removes a name of a file that is not a directory, like `unlinkat`.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_UNLINK_FILE`. [`Errno::Isdir`]: it is a directory.
/// [`Errno::Notdir`]: the path ends in a slash, and it is no directory.
pub fn path_unlink_file(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    path: GuestRange<u8>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_unlink_file, path, bytes)?;
    Ok(path.resolve(ctx, Follow::No)?.unlink()?)
}

/// `path_link(old_fd, old_flags, old_path, new_fd, new_path)`—Creates a hard link to a file, like `linkat`; to
/// a symbolic link itself, unless `old_flags` says to follow it.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_LINK_SOURCE` for `old_fd` and `PATH_LINK_TARGET` for `new_fd`; also
/// if the embedder grants more rights below `new_fd` than below `old_fd`. [`Errno::Perm`]: it is a directory.
/// What `linkat(2)` says.
pub fn path_link(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    old_fd: Fd,
    old_flags: u32,
    old_path: GuestRange<u8>,
    new_fd: Fd,
    new_path: GuestRange<u8>,
) -> Result<(), Trap> {
    let old_path = memory.region(old_path.ptr, old_path.len)?;
    let new_path = memory.region(new_path.ptr, new_path.len)?;
    let old_flags = Lookupflags::from_bits_truncate(old_flags);
    let [source, target] = needs::path_link;
    let [old_bytes, new_bytes] = &mut [PathBytes::new(), PathBytes::new()];
    let old = GuestPath::new(ctx, old_fd, source, old_path, old_bytes)?;
    let new = GuestPath::new(ctx, new_fd, target, new_path, new_bytes)?;
    let old = old.resolve_existing(ctx, old_flags.contains(Lookupflags::SYMLINK_FOLLOW))?;
    Ok(old.link_to(|| new.resolve(ctx, Follow::No))?)
}

/// `path_rename(fd, old_path, new_fd, new_path)`—Renames a file or directory, like `renameat`.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_RENAME_SOURCE` for `fd` and `PATH_RENAME_TARGET` for `new_fd`; also
/// if the embedder grants more rights below `new_fd` than below `fd`. [`Errno::Busy`]: a path names the
/// directory that it is relative to, ends in `.` or `..`, or names a preopen that has fewer rights than another
/// one above it. [`Errno::Notdir`]: a path ends in a slash, and it is no directory. What `renameat(2)` says.
pub fn path_rename(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    old_path: GuestRange<u8>,
    new_fd: Fd,
    new_path: GuestRange<u8>,
) -> Result<(), Trap> {
    let old_path = memory.region(old_path.ptr, old_path.len)?;
    let new_path = memory.region(new_path.ptr, new_path.len)?;
    let [source, target] = needs::path_rename;
    let [old_bytes, new_bytes] = &mut [PathBytes::new(), PathBytes::new()];
    let old = GuestPath::new(ctx, fd, source, old_path, old_bytes)?;
    let new = GuestPath::new(ctx, new_fd, target, new_path, new_bytes)?;
    let old = old.resolve(ctx, Follow::No)?;
    Ok(old.rename_to(|| new.resolve(ctx, Follow::No))?)
}

/// `path_symlink(old_path, fd, new_path)`—Creates a symbolic link to `old_path`, like `symlinkat`.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_SYMLINK`. [`Errno::Perm`]: `old_path` is absolute.
/// [`Errno::Notcapable`]: it leads out of `fd`. [`Errno::Inval`]: it is empty or has a NUL.
pub fn path_symlink(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    old_path: GuestRange<u8>,
    fd: Fd,
    new_path: GuestRange<u8>,
) -> Result<(), Trap> {
    let old_path = memory.region(old_path.ptr, old_path.len)?;
    let new_path = memory.region(new_path.ptr, new_path.len)?;
    let [target, new_bytes] = &mut [PathBytes::new(), PathBytes::new()];
    let new = GuestPath::new(ctx, fd, needs::path_symlink, new_path, new_bytes)?;
    let target = path::read(ctx, old_path, target)?;
    if target.starts_with(b"/") {
        return Err(Errno::Perm.into());
    }
    ctx.check_path(target)?;
    let place = new.resolve(ctx, Follow::No)?;
    if new.base().mapped_path() != Some(b"/") && escapes_lexically(new.bytes(), target) {
        return Err(Errno::Notcapable.into());
    }
    Ok(place.symlink(target)?)
}

/// Whether the text of `target` leads above the directory that `path` is relative to. Links are checked
/// whenever they are followed; this check keeps a guest from creating links that lead programs outside of the
/// sandbox astray.
fn escapes_lexically(path: &[u8], target: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut components: Vec<_> = path.split(|byte| *byte == b'/').collect();
    while components.last().is_some_and(|last| last.is_empty()) {
        components.pop();
    }
    components.pop();
    components.extend(target.split(|byte| *byte == b'/'));
    for component in components {
        match component {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

/// `path_readlink(fd, path, buf) -> bufused`—Writes the target of a symbolic link, without a NUL, cut off at
/// the end of the buffer, like `readlinkat`.
///
/// # Errors
///
/// As [`path_create_directory`], with `PATH_READLINK`. [`Errno::Inval`]: it is no link.
///
/// # Parity
///
/// Node needs room for a NUL, and returns `ENOBUFS` if there is none.
pub fn path_readlink(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    path: GuestRange<u8>,
    buf: GuestRange<u8>,
    bufused: GuestPtr<Size>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let buf = memory.region(buf.ptr, buf.len)?;
    let bufused = memory.place(bufused)?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_readlink, path, bytes)?;
    let target = path.resolve_existing(ctx, false)?.read_link()?;
    bufused.write(buf.write(&target) as Size);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::escapes_lexically;

    #[test]
    fn a_target_is_relative_to_the_directory_of_the_link() {
        for (path, target, expected) in [
            ("l", "t", false),
            ("l", "..", true),
            ("l", "a/..", false),
            ("l", "a/../..", true),
            ("d/l", "../t", false),
            ("d/l/", "../t", false),
            ("d//./l", "..", false),
            ("d/l", "../../t", true),
            ("d/../l", "../t", true),
        ] {
            assert_eq!(
                escapes_lexically(path.as_bytes(), target.as_bytes()),
                expected,
                "{path} -> {target}"
            );
        }
    }
}
