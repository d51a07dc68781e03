use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use wasi_rs::abi::{Filestat, Filetype};
use wasi_rs::ctx::PreopenSource;

/// A file system that guests of a test are given, and what the test does in it behind their backs.
///
/// One more file system is one more implementation, and a [`Way`](super::Way) that makes it.
///
/// A path is of names with a slash between each two, from the top of what the test has; `""` is the top
/// itself. No link at its end is followed. A link's target has slashes between its names as well. Each
/// operation panics where it fails.
pub trait Fixture: Debug + Send + Sync {
    /// The directory at `path`, as a preopen.
    fn preopen(&self, path: &str) -> PreopenSource;

    /// Makes a directory, and those above it that are missing.
    fn create_dir(&self, path: &str);

    /// Makes a file, or replaces what is in it.
    fn write(&self, path: &str, content: &[u8]);

    /// Makes a symbolic link.
    fn symlink(&self, target: &str, path: &str);

    /// Makes another name for a file.
    fn hard_link(&self, old: &str, new: &str);

    /// Moves a name.
    fn rename(&self, old: &str, new: &str);

    /// Removes a file, a link or an empty directory.
    fn remove(&self, path: &str);

    /// What is in a file.
    fn read(&self, path: &str) -> Vec<u8>;

    /// Where a symbolic link points.
    fn read_link(&self, path: &str) -> String;

    /// The names in a directory, without `.` and `..`, in any order.
    fn list(&self, path: &str) -> Vec<String>;

    /// The attributes of what is there, if anything is.
    fn stat(&self, path: &str) -> Option<Filestat>;

    /// The path by which the host knows what is there; `None` if the host does not know it.
    fn host_path(&self, path: &str) -> Option<PathBuf> {
        let _ = path;
        None
    }
}

/// All that is at a path and below: names, and everything about them that a call could change. The time of
/// the last access is left out, because looking changes it.
pub type Tree = BTreeMap<String, (Filestat, Content)>;

#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    Target(String),
    Other,
}

/// What is at `path` and below it.
pub fn tree(fixture: &dyn Fixture, path: &str) -> Tree {
    let mut tree = Tree::new();
    visit(fixture, path.to_owned(), &mut tree);
    tree
}

fn visit(fixture: &dyn Fixture, path: String, tree: &mut Tree) {
    let stat = fixture.stat(&path).expect(&path);
    let content = match stat.filetype {
        Filetype::SymbolicLink => Content::Target(fixture.read_link(&path)),
        Filetype::RegularFile if stat.size < 0x1_0000 => Content::Bytes(fixture.read(&path)),
        _ => Content::Other,
    };
    if stat.filetype == Filetype::Directory {
        for name in fixture.list(&path) {
            visit(fixture, join(&path, &name), tree);
        }
    }
    tree.insert(path, (Filestat { atim: 0, ..stat }, content));
}

/// The path of a name in the directory `path`.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}
