use super::dirs::{Dirs, Key};
use super::names::{DOTDOT, Found};
use super::tree::{Child, Seen, Tree};
use crate::vfs::Result;

/// A name of a tree.
#[derive(Debug)]
pub(super) struct Step<'w, T> {
    /// The path from the root, without a slash at its start.
    pub path: &'w [u8],
    /// The last name of the path.
    pub name: &'w [u8],
    /// The directory that the name is in, and what `visit` returned for that.
    pub dir: Key,
    pub above: &'w T,
    pub found: Found<'w>,
}

/// Goes through all names of a tree, each directory before what is in it. For a directory, `visit` returns the
/// value that the names in it are visited with, or `None` to skip them. Not recursive, however deep the tree
/// is.
///
/// # Errors
///
/// Those of `visit`, and of listing a directory below.
pub(super) fn walk<T>(
    tree: &Tree,
    root: T,
    mut visit: impl FnMut(&Step<'_, T>) -> Result<Option<T>>,
) -> Result<()> {
    let mut within = vec![(Dirs::ROOT, root, DOTDOT, 0)];
    let mut path = Vec::new();
    while let Some((dir, above, cookie, path_len)) = within.last_mut() {
        path.truncate(*path_len);
        let listing = tree.dirs.listing(*dir)?;
        let Some((next, name, found)) = listing.after(*cookie) else {
            within.pop();
            continue;
        };
        *cookie = next;
        if *path_len > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let step = Step {
            path: &path,
            name,
            dir: *dir,
            above,
            found,
        };
        let enter = visit(&step)?;
        if let (Some(above), Seen::Child(Child::Dir(key))) = (enter, tree.seen(found)) {
            within.push((key, above, DOTDOT, path.len()));
        }
    }
    Ok(())
}
