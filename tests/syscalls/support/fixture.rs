use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use wasi_rs::abi::{Filestat, Filetype};
use wasi_rs::ctx::PreopenSource;

/// A file system for the guests of a test, and operations of the test itself in it.
///
/// To test another file system, implement this, and add a [`Way`](super::Way) that makes it.
///
/// A path has its names separated by slashes, and begins at the top of the test's files; `""` is the top
/// itself. A link at its end is not followed. The target of a link has slashes as well. Each operation panics
/// if it fails.
pub trait Fixture: Debug + Send + Sync {
    /// The directory at `path`, as a preopen.
    fn preopen(&self, path: &str) -> PreopenSource;

    /// Creates a directory, and missing ones above it.
    fn create_dir(&self, path: &str);

    /// Creates a file, or replaces its content.
    fn write(&self, path: &str, content: &[u8]);

    /// Creates a symbolic link.
    fn symlink(&self, target: &str, path: &str);

    /// Creates a hard link to a file.
    fn hard_link(&self, old: &str, new: &str);

    /// Renames a file or directory.
    fn rename(&self, old: &str, new: &str);

    /// Removes a file, a link or an empty directory.
    fn remove(&self, path: &str);

    /// The content of a file.
    fn read(&self, path: &str) -> Vec<u8>;

    /// The target of a symbolic link.
    fn read_link(&self, path: &str) -> String;

    /// The names in a directory, without `.` and `..`, in any order.
    fn list(&self, path: &str) -> Vec<String>;

    /// The attributes of what is there, if anything is.
    fn stat(&self, path: &str) -> Option<Filestat>;

    /// The path on the host; `None` if it is not on the host.
    fn host_path(&self, path: &str) -> Option<PathBuf> {
        let _ = path;
        None
    }
}

/// Everything at a path and below: names, and all that a call could change of them. Access times are left out,
/// as looking changes them.
pub type Tree = BTreeMap<String, (Filestat, Content)>;

#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    Target(String),
    Other,
}

/// Everything at `path` and below it.
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
