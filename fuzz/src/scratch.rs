//! The directories of guests, and what is beside them.
//!
//! ```text
//!   inside/    the first preopen: files, directories, and links of every kind
//!   second/    the second preopen
//!   outside/   what no guest may reach, read or change
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

/// The names that paths are made of. The empty one is replaced by the path of `outside`.
pub const VOCABULARY: [&[u8]; 64] = [
    b"file",
    b"empty",
    b"dir",
    b"nested",
    b"sub",
    b"link",
    b"dirlink",
    b"dangling",
    b"loop",
    b"out",
    b"outfile",
    b"abs",
    b"absfile",
    b"root",
    b"chain",
    b"evil",
    b"guestdir",
    b"guestfile",
    b"other",
    b"up",
    b"updir",
    b"deep0",
    b"deep30",
    b"slashes",
    b"fifo",
    b".",
    b"..",
    b"...",
    b"",
    b"secret",
    b"outside",
    b"inside",
    b"second",
    b"new",
    b"a",
    b"b",
    b"a\0b",
    b"\0",
    LONG,
    TOO_LONG,
    b"con",
    b"COM\xc2\xb9",
    b"\xff\xfe",
    b"proc",
    b"dev",
    b"self",
    b"sandbox",
    b"etc",
    b"back",
    b"hard",
    b"dotlink",
    b"dotdot",
    b"file ",
    b"file.",
    b"a\\b",
    b"..\\",
    b"c:",
    b"aux",
    b"x",
    b"y",
    b"z",
    b"passwd",
    b"fd",
    b"0",
];

const LONG: &[u8] = &[b'l'; 255];
const TOO_LONG: &[u8] = &[b'l'; 256];

/// The directories of this process.
pub struct Scratch {
    root: PathBuf,
    /// The content of a file outside, which must never be in a guest's memory.
    pub secret: [u8; 16],
    outside: Tree,
    /// The device and inode number of everything that no guest may see.
    hidden: Vec<(u64, u64)>,
    /// Both ends of the pipe in `inside`, so that opening it never blocks.
    fifo: Option<File>,
    clean: bool,
}

/// The attributes of every file below a directory, except access times.
pub type Tree = BTreeMap<PathBuf, Node>;

/// Everything of a file that a call could change. If the content changes, so do the times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub dev: u64,
    pub ino: u64,
    mode: u32,
    nlink: u64,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl Node {
    fn of(path: &Path) -> Self {
        let metadata = path.symlink_metadata().unwrap();
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            mode: metadata.mode(),
            nlink: metadata.nlink(),
            size: metadata.len(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The attributes of every file below a directory.
pub fn tree(root: &Path) -> Tree {
    fn visit(path: PathBuf, tree: &mut Tree) {
        let node = Node::of(&path);
        if node.mode & libc::S_IFMT == libc::S_IFDIR {
            for entry in fs::read_dir(&path).unwrap() {
                visit(entry.unwrap().path(), tree);
            }
        }
        tree.insert(path, node);
    }
    let mut tree = Tree::new();
    visit(root.to_owned(), &mut tree);
    tree
}

const PREFIX: &str = "wasi-rs-fuzz-";

/// Removes the directories of processes that have ended: a fuzzer rarely exits normally.
fn remove_left_behind(base: &Path) {
    for entry in fs::read_dir(base).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A new directory of this process, in memory if possible, as guests create and remove files all the time.
pub fn make_root() -> PathBuf {
    let base = Some(PathBuf::from("/dev/shm")).filter(|shm| shm.is_dir());
    let base = base.unwrap_or_else(std::env::temp_dir);
    remove_left_behind(&base);
    let root = base.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    root
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    pub fn new() -> Self {
        let root = make_root();
        fs::create_dir_all(root.join("outside/dir")).unwrap();
        let mut secret = [0; 16];
        rustix::rand::getrandom(&mut secret, rustix::rand::GetRandomFlags::empty()).unwrap();
        fs::write(root.join("outside/secret"), secret).unwrap();
        fs::write(root.join("outside/file"), secret).unwrap();
        fs::write(root.join("outside/dir/nested"), secret).unwrap();
        symlink("../inside", root.join("outside/in")).unwrap();
        let outside = tree(&root.join("outside"));
        let above: Vec<_> = root.ancestors().map(Node::of).collect();
        let hidden = (outside.values().chain(&above)).map(|node| (node.dev, node.ino));
        let mut scratch = Self {
            root,
            secret,
            hidden: hidden.collect(),
            outside,
            fifo: None,
            clean: false,
        };
        scratch.reset();
        scratch
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Records that a guest may have changed what it was given.
    pub fn touch(&mut self) {
        self.clean = false;
    }

    /// Makes anew what guests are given.
    pub fn reset(&mut self) {
        if self.clean {
            return;
        }
        self.fifo = None;
        for preopen in ["inside", "second"] {
            let _ = fs::remove_dir_all(self.path(preopen));
        }
        self.make();
        self.clean = true;
    }

    fn make(&mut self) {
        for dir in ["inside/dir/sub", "second/dir"] {
            fs::create_dir_all(self.path(dir)).unwrap();
        }
        for (file, text) in [
            ("inside/file", "0123456789"),
            ("inside/empty", ""),
            ("inside/dir/nested", "nested"),
            ("inside/dir/file", "file"),
            ("second/file", "second"),
            ("second/dir/nested", "nested"),
        ] {
            fs::write(self.path(file), text).unwrap();
        }
        fs::hard_link(self.path("inside/file"), self.path("inside/hard")).unwrap();
        let outside = self.path("outside");
        let secret = self.path("outside/secret");
        for (link, target) in [
            ("link", Path::new("file")),
            ("dirlink", Path::new("dir")),
            ("dangling", Path::new("nothing")),
            ("loop", Path::new("loop")),
            ("out", Path::new("../outside")),
            ("outfile", Path::new("../outside/secret")),
            ("abs", &outside),
            ("absfile", &secret),
            ("root", Path::new("/")),
            ("evil", Path::new("../outside")),
            ("chain", Path::new("evil/")),
            ("guestdir", Path::new("/sandbox/dir/")),
            ("guestfile", Path::new("/sandbox/file")),
            ("other", Path::new("/second/dir")),
            ("up", Path::new("..")),
            ("updir", Path::new("dir/../../inside/dir")),
            ("slashes", Path::new("dir//")),
            ("dotlink", Path::new(".")),
            ("dotdot", Path::new("dir/..")),
            ("dir/up", Path::new("..")),
            ("dir/back", Path::new("../../second")),
            ("dir/sub/evil", Path::new("../../..")),
        ] {
            symlink(target, self.path("inside").join(link)).unwrap();
        }
        for depth in (0..=30).step_by(3) {
            let link = format!("inside/deep{depth}");
            let target = match depth {
                30 => "dir".to_owned(),
                _ => format!("deep{}/.", depth + 3),
            };
            symlink(target, self.path(&link)).unwrap();
        }
        for (link, target) in [
            ("link", "file"),
            ("out", "../outside"),
            ("other", "/sandbox"),
            ("back", "../inside"),
        ] {
            symlink(target, self.path("second").join(link)).unwrap();
        }
        let fifo = self.path("inside/fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let mut both = OpenOptions::new();
        both.read(true).write(true);
        both.custom_flags(libc::O_NONBLOCK);
        self.fifo = Some(both.open(fifo).unwrap());
    }

    /// Exchanges two names in `inside`, as another program on the host may at any time.
    pub fn exchange(&mut self, one: &str, other: &str) {
        self.touch();
        let [one, other] = [one, other].map(|name| self.path("inside").join(name));
        let _ = rustix::fs::renameat_with(CWD, one, CWD, other, rustix::fs::RenameFlags::EXCHANGE);
    }

    /// Asserts that nothing has changed outside of what guests are given.
    pub fn outside_is_unchanged(&self) -> Result<(), String> {
        let now = tree(&self.path("outside"));
        if now != self.outside {
            return Err(format!(
                "outside was\n{:#?}\nand is\n{now:#?}",
                self.outside
            ));
        }
        let mut names: Vec<_> = (fs::read_dir(&self.root).unwrap())
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        if names != ["inside", "outside", "second"] {
            return Err(format!(
                "beside what guests are given there is now {names:?}"
            ));
        }
        Ok(())
    }

    /// Whether this is a file that no guest may see.
    pub fn is_outside(&self, dev: u64, ino: u64) -> bool {
        self.hidden.contains(&(dev, ino))
    }

    /// Whether a path of the host is in what guests are given.
    pub fn is_given(&self, path: &Path) -> bool {
        ["inside", "second"]
            .iter()
            .any(|preopen| path.starts_with(self.path(preopen)))
    }

    /// The path of `outside` without its leading slash.
    pub fn outside_name(&self) -> Vec<u8> {
        let outside = self.path("outside");
        let bytes = OsStr::as_bytes(outside.as_os_str());
        bytes[1..].to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
