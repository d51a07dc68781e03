use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Tree, tree};

/// A directory with all that a test touches: `inside`, which guests get, and `outside`, which they
/// must never reach.
///
/// ```text
///   inside/file            "0123456789"
///   inside/empty           ""
///   inside/dir/nested      "nested"
///   inside/dir/sub/
///   inside/link            -> file
///   inside/dirlink         -> dir
///   inside/dangling        -> nothing
///   inside/loop            -> loop
///   outside/secret         "secret"
///   outside/dir/
/// ```
#[derive(Debug)]
pub struct Scratch(TempDir);

impl Scratch {
    pub(super) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        for dir in ["inside/dir/sub", "outside/dir"] {
            fs::create_dir_all(scratch.path(dir)).unwrap();
        }
        for (file, text) in [
            ("inside/file", "0123456789"),
            ("inside/empty", ""),
            ("inside/dir/nested", "nested"),
            ("outside/secret", "secret"),
        ] {
            fs::write(scratch.path(file), text).unwrap();
        }
        for (link, target) in [
            ("link", "file"),
            ("dirlink", "dir"),
            ("dangling", "nothing"),
            ("loop", "loop"),
        ] {
            scratch.link(link, target);
        }
        scratch
    }

    /// A path of the host below the scratch directory.
    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// A path of the host below what the guest gets.
    pub fn inside(&self, below: &str) -> PathBuf {
        self.path("inside").join(below)
    }

    /// Makes a symbolic link in what the guest gets, as the embedder or an earlier program could.
    pub fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.inside(name)).unwrap();
    }

    /// The text of a file below what the guest gets.
    #[track_caller]
    pub fn text(&self, below: &str) -> String {
        fs::read_to_string(self.inside(below)).unwrap()
    }

    /// Everything below the scratch directory.
    pub fn tree(&self) -> Tree {
        tree(self.0.path())
    }
}
