//! The directories of the races.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wasi_rs::abi::Rights;
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray, WasiCtx};

/// The content of files that a guest may see, and of those that it may not.
pub const INSIDE: &str = "inside";
pub const SECRET: &str = "SECRET";

/// ```text
///   inside/dir/secret         "inside"
///   inside/dir/sub/
///   inside/file               "inside"
///   inside/out…               links to outside, written in different ways
///   inside/dir/out            -> ../../outside
///   inside/leak               -> ../outside/secret
///   outside/secret            "SECRET"
///   outside/link              -> secret
///   outside/sub/SECRET
///   elsewhere/secret          "SECRET"
///   elsewhere/dir/secret      "inside": a directory that comes and goes
///   elsewhere/dir/sub/
/// ```
pub struct Arena {
    root: TempDir,
    outside: Snapshots,
}

/// Everything outside, before the race.
#[derive(Debug, PartialEq, Eq)]
struct Snapshots(BTreeMap<PathBuf, Seen>);

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    ino: u64,
    mode: u32,
    nlink: u64,
    mtime: (i64, i64),
    content: Vec<u8>,
}

/// The links to `outside` with their targets; `@` is the path of the arena.
pub const OUTS: [(&str, &str); 4] = [
    ("out", "../outside"),
    ("out_slashed", "../outside/"),
    ("out_absolute", "@/outside"),
    ("out_chain", "out_slashed/"),
];

impl Arena {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |below: &str| root.path().join(below);
        for dir in ["inside/dir/sub", "outside/sub", "elsewhere/dir/sub"] {
            fs::create_dir_all(at(dir)).unwrap();
        }
        for file in ["inside/dir/secret", "inside/file", "elsewhere/dir/secret"] {
            fs::write(at(file), INSIDE).unwrap();
        }
        for file in ["outside/secret", "outside/sub/SECRET", "elsewhere/secret"] {
            fs::write(at(file), SECRET).unwrap();
        }
        symlink("secret", at("outside/link")).unwrap();
        for (name, target) in OUTS {
            let target = target.replace('@', root.path().to_str().unwrap());
            symlink(target, at("inside").join(name)).unwrap();
        }
        symlink("../../outside", at("inside/dir/out")).unwrap();
        symlink("../outside/secret", at("inside/leak")).unwrap();
        let outside = Snapshots::of(root.path());
        Self { root, outside }
    }

    /// A path of the host in the arena.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// A guest that has `inside`.
    pub fn ctx(&self) -> WasiCtx {
        self.ctx_with(Limits::default())
    }

    /// A guest with limits of its own.
    pub fn ctx_with(&self, limits: Limits) -> WasiCtx {
        WasiCtx::new(Options {
            args: StringArray::default(),
            env: StringArray::default(),
            preopens: vec![Preopen {
                mapped_path: "/sandbox".into(),
                source: self.path("inside").into(),
                rights: Rights::all(),
            }],
            stdio: [0, 1, 2].map(Stdio::Lent),
            limits,
            grant: Grant::ALL,
        })
        .unwrap()
    }

    /// Whether an inode number is that of a file outside.
    pub fn is_outside(&self, ino: u64) -> bool {
        self.outside.0.values().any(|seen| seen.ino == ino)
    }

    /// Asserts that nothing outside has changed.
    #[track_caller]
    pub fn assert_untouched(&self) {
        assert_eq!(Snapshots::of(self.root.path()), self.outside);
    }
}

impl Snapshots {
    fn of(root: &Path) -> Self {
        let mut snapshots = Self(BTreeMap::new());
        snapshots.add(&root.join("outside"));
        // Renames into and out of this directory change its times.
        let secret = root.join("elsewhere/secret");
        snapshots.0.insert(secret.clone(), Seen::at(&secret));
        snapshots
    }

    fn add(&mut self, path: &Path) {
        self.0.insert(path.into(), Seen::at(path));
        if path.symlink_metadata().unwrap().is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.add(&entry.unwrap().path());
            }
        }
    }
}

impl Seen {
    fn at(path: &Path) -> Self {
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_file() {
            fs::read(path).unwrap()
        } else {
            Vec::new()
        };
        Self {
            ino: metadata.ino(),
            mode: metadata.mode(),
            nlink: metadata.nlink(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            content,
        }
    }
}

/// Exchanges two files.
#[cfg(target_os = "linux")]
pub fn exchange(one: &Path, other: &Path) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // Fails if a guest has just removed one of them.
    let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
}

/// Exchanges two files, by way of a third name.
#[cfg(not(target_os = "linux"))]
pub fn exchange(one: &Path, other: &Path) {
    let between = one.with_extension("between");
    let _ = fs::rename(one, &between);
    let _ = fs::rename(other, one);
    let _ = fs::rename(&between, other);
}
