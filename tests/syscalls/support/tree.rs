use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All files below a directory: names, and everything about them that a call could change. The time
/// of the last access is left out, because looking changes it.
pub type Tree = BTreeMap<PathBuf, Node>;

#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    ino: u64,
    mode: u32,
    nlink: u64,
    len: u64,
    mtime: (i64, i64),
    content: Content,
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    Target(PathBuf),
    Other,
}

pub fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    visit(root, &mut tree);
    tree
}

fn visit(path: &Path, tree: &mut Tree) {
    let metadata = path.symlink_metadata().unwrap();
    let content = if metadata.is_symlink() {
        Content::Target(fs::read_link(path).unwrap())
    } else if metadata.is_file() && metadata.len() < 0x1_0000 {
        Content::Bytes(fs::read(path).unwrap())
    } else {
        Content::Other
    };
    let node = Node {
        ino: metadata.ino(),
        mode: metadata.mode(),
        nlink: metadata.nlink(),
        len: metadata.len(),
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        content,
    };
    tree.insert(path.to_owned(), node);
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            visit(&entry.unwrap().path(), tree);
        }
    }
}
