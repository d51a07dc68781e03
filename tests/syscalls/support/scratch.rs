use std::path::PathBuf;

use wasi_rs::abi::{Filestat, Filetype};
use wasi_rs::ctx::PreopenSource;

use super::fixture::{Fixture, Tree, tree};

/// A directory with all that a test touches: `inside`, for guests, and `outside`, which they must never reach.
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
///
/// Paths begin at `inside`; those that begin with `../` lead to the rest.
#[derive(Debug)]
pub struct Scratch(Box<dyn Fixture>);

impl Scratch {
    pub(super) fn new(fixture: Box<dyn Fixture>) -> Self {
        let scratch = Self(fixture);
        for dir in ["dir/sub", "../outside/dir"] {
            scratch.create_dir(dir);
        }
        for (file, text) in [
            ("file", "0123456789"),
            ("empty", ""),
            ("dir/nested", "nested"),
            ("../outside/secret", "secret"),
        ] {
            scratch.write(file, text);
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

    /// A directory as a preopen. Unlike other paths, this one is relative to the parent directory of `inside`
    /// and `outside`.
    pub fn preopen(&self, path_from_top: &str) -> PreopenSource {
        self.0.preopen(path_from_top)
    }

    /// Creates a directory, and missing ones above it.
    pub fn create_dir(&self, path: &str) {
        self.0.create_dir(&from_top(path));
    }

    /// Creates a file, or replaces its content.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.0.write(&from_top(path), content.as_ref());
    }

    /// Creates a symbolic link, as the embedder or another program could.
    pub fn link(&self, path: &str, target: impl AsRef<str>) {
        self.0.symlink(target.as_ref(), &from_top(path));
    }

    /// Creates a hard link to a file.
    pub fn hard_link(&self, old: &str, new: &str) {
        self.0.hard_link(&from_top(old), &from_top(new));
    }

    /// Renames a file or directory.
    pub fn rename(&self, old: &str, new: &str) {
        self.0.rename(&from_top(old), &from_top(new));
    }

    /// Removes a file, a link or an empty directory.
    pub fn remove(&self, path: &str) {
        self.0.remove(&from_top(path));
    }

    /// The text of a file.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.0.read(&from_top(path))).unwrap()
    }

    /// The target of a symbolic link.
    pub fn target(&self, path: &str) -> String {
        self.0.read_link(&from_top(path))
    }

    /// The attributes of a file; links are not followed.
    #[track_caller]
    pub fn stat(&self, path: &str) -> Filestat {
        self.0.stat(&from_top(path)).expect(path)
    }

    /// The type of a file; links are not followed. `None` if it does not exist.
    pub fn filetype(&self, path: &str) -> Option<Filetype> {
        self.0.stat(&from_top(path)).map(|stat| stat.filetype)
    }

    /// Whether it exists; links are not followed.
    pub fn exists(&self, path: &str) -> bool {
        self.filetype(path).is_some()
    }

    /// Whether it is a directory.
    pub fn is_dir(&self, path: &str) -> bool {
        self.filetype(path) == Some(Filetype::Directory)
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self, path: &str) -> bool {
        self.filetype(path) == Some(Filetype::SymbolicLink)
    }

    /// Everything.
    pub fn tree(&self) -> Tree {
        tree(&*self.0, "")
    }

    /// Everything at a path and below it.
    pub fn tree_of(&self, path: &str) -> Tree {
        tree(&*self.0, &from_top(path))
    }

    /// Whether the files are on the host.
    #[cfg(target_os = "linux")]
    pub fn is_on_host(&self) -> bool {
        self.0.host_path("").is_some()
    }

    /// The path of a file on the host.
    ///
    /// # Panics
    ///
    /// The file system is not the host's.
    #[track_caller]
    pub fn host_path(&self, path: &str) -> PathBuf {
        (self.0.host_path(&from_top(path))).expect("a path of the host")
    }

    /// The absolute path of a file on the host, for the target of a link: the host would follow it where guests
    /// must not. If it is not on the host, the path in its file system.
    pub fn absolute(&self, path: &str) -> String {
        let path = from_top(path);
        match self.0.host_path(&path) {
            Some(host) => host.to_str().unwrap().replace('\\', "/"),
            None => format!("/{path}"),
        }
    }
}

/// The same path, relative to the parent directory of `inside` and `outside`.
fn from_top(path: &str) -> String {
    match (path, path.strip_prefix("..")) {
        (".", _) => "inside".to_owned(),
        (_, Some(rest)) => rest.trim_start_matches('/').to_owned(),
        _ => format!("inside/{path}"),
    }
}
