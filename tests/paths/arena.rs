//! The directories in which calls are made.

use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The time that calls set.
pub const TIME: u64 = 1_000_000_000;

/// The given directory is this deep below the fingerprinted one: further than any path goes up.
const ABOVE: &str = "1/2/3/4/5/6/7/8";

/// A scratch directory, with the given directory in it.
pub struct Arena {
    top: TempDir,
    pub given: PathBuf,
}

impl Arena {
    pub fn new() -> Self {
        // In memory if possible, as the tree is made anew after each change.
        let top = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let top = top.unwrap();
        let above = top.path().join(ABOVE);
        let given = above.join("given");
        for dir in ["dir/sub", "void", "locked", "shut", "fixed/dir"] {
            fs::create_dir_all(given.join(dir)).unwrap();
        }
        for file in ["dir/nested", "locked/file", "shut/file", "fixed/file"] {
            fs::write(given.join(file), file).unwrap();
        }
        fs::write(given.join("file"), "a file").unwrap();
        fs::write(given.join("other"), "another").unwrap();
        fs::write(given.join("secret"), "may not be read").unwrap();
        fs::write(above.join("file"), "outside").unwrap();
        for (link, target) in [
            ("link", "file"),
            ("dirlink", "dir"),
            ("slashed", "dir/"),
            ("fileslashed", "file/"),
            ("voidlink", "void"),
            ("dangling", "missing"),
            ("newdir", "missing/"),
            ("deep", "missing/file"),
            ("loop", "loop"),
            ("self", "."),
            ("out", ".."),
            ("dir/up", ".."),
            ("dir/sub/far", "../../file"),
            ("twice", "link"),
            ("around", "dir/sub/../nested"),
        ] {
            symlink(target, given.join(link)).unwrap();
        }
        let arena = Self { top, given };
        // Without the permission to search, to read and to write.
        arena.permit([0o600, 0o300, 0o500, 0o000]);
        arena
    }

    /// Sets the permissions of the directories and files that have fewer.
    fn permit(&self, modes: [u32; 4]) {
        for (name, mode) in ["locked", "shut", "fixed", "secret"].iter().zip(modes) {
            // A call may have removed it.
            let _ = fs::set_permissions(self.given.join(name), Permissions::from_mode(mode));
        }
    }

    /// A hash of all files: their names, and the attributes that calls change.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        fingerprint(self.top.path(), &mut hasher);
        hasher.finish()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.permit([0o700; 4]);
    }
}

fn fingerprint(path: &Path, hasher: &mut DefaultHasher) {
    let Ok(metadata) = path.symlink_metadata() else {
        return;
    };
    metadata.mode().hash(hasher);
    (metadata.mtime() == 1 && metadata.mtime_nsec() == 0).hash(hasher);
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            name.hash(hasher);
            fingerprint(&path.join(name), hasher);
        }
    } else if metadata.is_symlink() {
        fs::read_link(path).unwrap().hash(hasher);
    } else {
        metadata.nlink().hash(hasher);
        fs::read(path).unwrap_or_default().hash(hasher);
    }
}
