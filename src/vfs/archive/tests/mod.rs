//! Tests of archives and the images that are made of them.

mod tar;
mod zip;

use std::sync::Arc;

use super::*;
use crate::abi::{Fdflags, Filestat, Filetype, Oflags};
use crate::vfs::image::Image;
use crate::vfs::memory::MemoryFs;
use crate::vfs::tests::read;
use crate::vfs::{Dir, Directory, FileHandle, Name, OpenHow, Opened};

const LIMITS: ArchiveLimits = ArchiveLimits {
    bytes: 10_000,
    files: 50,
};

/// The path of a file, and its content.
type File<'f> = (&'f str, &'f [u8]);

#[test]
fn both_kinds_refuse_the_same_files() {
    let names: Vec<_> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, &b""[..])).collect();
    let cases: &[(&[File<'_>], &str)] = &[
        (&[("a/../b", b"")], "\"a/../b\" has '..' in its name"),
        (&[("..", b"")], "\"..\" has '..' in its name"),
        (&[("/../a", b"")], "\"/../a\" has '..' in its name"),
        (
            &[("d/x", b""), ("d", b"")],
            "\"d\" is a file in the place of a directory",
        ),
        (
            &[("d", b""), ("d/", b"")],
            "\"d/\" lies below something that is no directory",
        ),
        (
            &[("d", b""), ("d/x", b"")],
            "\"d/x\" lies below something that is no directory",
        ),
        (
            &[("big", &[0; 10_001])],
            "\"big\" is beyond the 10000 bytes allowed",
        ),
        (
            &[("one", &[0; 5_000]), ("two", &[0; 5_001])],
            "\"two\" is beyond the 10000 bytes allowed",
        ),
        (&many, "\"50\" is beyond the 50 files allowed"),
    ];
    for (files, problem) in cases {
        assert_eq!(tar::refusal_of(files), *problem);
        assert_eq!(zip::refusal_of(files), *problem);
    }
}

/// An image as lines, one for each name, with what it stands for.
fn tree(image: Image) -> Vec<String> {
    let mut all = Vec::new();
    let fs = MemoryFs::over(Arc::new(image), Default::default());
    visit(&*fs.root(), String::new(), &mut all);
    all
}

fn visit(dir: &dyn Directory, path: String, all: &mut Vec<String>) {
    let mut stream = dir.read_dir().unwrap();
    let mut cookie = 2;
    while let Some(entry) = stream.read(cookie).unwrap() {
        cookie = entry.next;
        let path = format!("{path}/{}", String::from_utf8_lossy(entry.name));
        let name = Name::new(entry.name).unwrap();
        let Filestat { nlink, mtim, .. } = dir.stat_at(name).unwrap();
        match entry.filetype {
            Filetype::Directory => {
                all.push(format!("{path}/"));
                let Ok(Dir::Other(below)) = dir.open_dir_at(name) else {
                    panic!("{path} cannot be opened");
                };
                visit(&*below, path, all);
            }
            Filetype::SymbolicLink => {
                let target = dir.read_link_at(name).unwrap();
                all.push(format!("{path} -> {}", String::from_utf8_lossy(&target)));
            }
            _ => {
                let text = content(dir, name);
                all.push(format!("{path} {nlink} {mtim} {text}"));
            }
        }
    }
}

fn open(dir: &dyn Directory, name: Name<'_>) -> crate::vfs::Result<FileHandle> {
    let how = OpenHow {
        read: true,
        write: false,
        oflags: Oflags::empty(),
        fdflags: Fdflags::empty(),
        follow: false,
    };
    match dir.open_at(Some(name), how)? {
        Opened::File(file) => Ok(file),
        other => panic!("{other:?} is no file"),
    }
}

fn content(dir: &dyn Directory, name: Name<'_>) -> String {
    let file = open(dir, name).unwrap();
    read(1 << 16, |iovs| file.read_at(iovs, 0))
}
