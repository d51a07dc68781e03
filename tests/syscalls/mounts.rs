//! Mounts below preopens: every way that a path can go leads to them, and none around them.

mod files;
mod later;
#[cfg(target_os = "linux")]
mod linux;
mod of_the_host;
mod random_paths;
mod rights;
mod spellings;

use std::sync::Arc;

use wasi_rs::abi::Errno::{
    self, Busy, Exist, Inval, Isdir, Noent, Notcapable, Notdir, Notempty, Xdev,
};
use wasi_rs::abi::{Dirent, Filestat, Filetype, Oflags, Rights};
use wasi_rs::ctx::{MountError, Preopen, PreopenSource};
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits};
use wasi_rs::vfs::{Directory, NameBuf};

use crate::readdir::list;
use crate::support::{
    BUF_LEN, DIR_RIGHTS, FOLLOW, Guest, NO_FOLLOW, OUT, Open, PREOPEN, Setup, Way, args,
};

/// The descriptors of `/`, and of what is mounted at `/usr/lib`.
const ROOT: u64 = PREOPEN;
const LIB: u64 = PREOPEN + 1;

/// What is mounted:
///
/// ```text
///   theirs       "theirs"
///   sub/deep     "deep"
///   own          -> sub/deep
///   out          -> ../../file
///   absolute     -> /dir/nested
/// ```
fn library() -> MemoryFs {
    let fs = MemoryFs::new(MemoryFsLimits::default());
    fs.file(b"theirs", b"theirs", None).unwrap();
    fs.file(b"sub/deep", b"deep", None).unwrap();
    fs.symlink(b"own", b"sub/deep").unwrap();
    fs.symlink(b"out", b"../../file").unwrap();
    fs.symlink(b"absolute", b"/dir/nested").unwrap();
    fs
}

fn at(path: &str, fs: &MemoryFs) -> Preopen {
    of(path, fs.root())
}

fn of(path: &str, root: Arc<dyn Directory>) -> Preopen {
    Preopen {
        mapped_path: path.into(),
        source: PreopenSource::Directory(root),
        rights: Rights::all(),
    }
}

fn read_only(preopen: Preopen) -> Preopen {
    Preopen {
        rights: Rights::READ_ONLY,
        ..preopen
    }
}

fn file(path: &str, content: &str) -> Preopen {
    let fs = MemoryFs::new(MemoryFsLimits::default());
    fs.file(b"content", content.as_bytes(), None).unwrap();
    Preopen {
        mapped_path: path.into(),
        source: PreopenSource::File(fs.root(), NameBuf::new(b"content".to_vec()).unwrap()),
        rights: Rights::all(),
    }
}

/// `inside` as `/`, with a directory to mount over, and links that lead there.
fn lower(setup: &mut Setup) {
    setup.preopens = vec![("/", "inside")];
    setup.scratch.create_dir("usr/lib");
    setup.scratch.write("usr/share", "share");
    setup.scratch.write("usr/lib/hidden", "hidden");
    setup.scratch.link("to_lib", "usr/lib");
    setup.scratch.link("absolute_lib", "/usr/lib");
    setup.scratch.link("usr/lib_here", "lib");
}

fn guests() -> Vec<Guest> {
    Guest::every_way(|setup| {
        lower(setup);
        setup.other_preopens.push(at("/usr/lib", &library()));
    })
}

/// Guests that have no mounts yet.
fn plain() -> Vec<Guest> {
    Guest::every_way(lower)
}

#[track_caller]
fn reads(guest: &Guest, fd: u64, rows: &[(&str, &str)]) {
    for (path, text) in rows {
        let fd = guest.open_at(fd, path, Open::READ);
        assert_eq!(guest.read(fd), *text, "{path}");
        guest.ok("fd_close", [fd]);
    }
}

fn stat_errno(guest: &Guest, fd: u64, path: &str) -> Errno {
    let call = args(&[&[fd, FOLLOW], &guest.store(path), &[OUT]]);
    guest.errno("path_filestat_get", call)
}

fn stat(guest: &Guest, fd: u64, path: &str) -> Filestat {
    guest.scoped(|| {
        let path = guest.store(path);
        guest.record("path_filestat_get", &args(&[&[fd, FOLLOW], &path]))
    })
}

fn names(guest: &Guest, fd: u64, path: &str) -> Vec<String> {
    let fd = guest.open_at(fd, path, Open::DIR);
    let mut names: Vec<_> = (list(guest, fd, BUF_LEN, 0).into_iter())
        .map(|(name, _)| name)
        .filter(|name| name != "." && name != "..")
        .collect();
    guest.ok("fd_close", [fd]);
    names.sort_unstable();
    names
}

fn both(old: Vec<u64>, flags: &[u64], new: Vec<u64>) -> Vec<u64> {
    args(&[&old[..1], flags, &old[1..], &new])
}

#[test]
fn every_way_leads_into_a_mount_and_out_of_it() {
    for guest in guests() {
        reads(
            &guest,
            ROOT,
            &[
                ("usr/lib/theirs", "theirs"),
                ("usr//./lib/./sub//deep", "deep"),
                ("dir/../usr/lib/theirs", "theirs"),
                ("usr/lib/sub/../theirs", "theirs"),
                ("usr/lib/own", "deep"),
                ("to_lib/theirs", "theirs"),
                ("absolute_lib/theirs", "theirs"),
                ("usr/lib_here/sub/deep", "deep"),
                ("usr/lib/../share", "share"),
                ("usr/lib/../../file", "0123456789"),
                ("usr/lib/sub/../../lib/sub/../../../dir/nested", "nested"),
                ("usr/lib/out", "0123456789"),
                ("usr/lib/absolute", "nested"),
                ("to_lib/../share", "share"),
                ("absolute_lib/../share", "share"),
            ],
        );
        reads(
            &guest,
            LIB,
            &[
                ("theirs", "theirs"),
                ("own", "deep"),
                ("out", "0123456789"),
                ("absolute", "nested"),
                ("../share", "share"),
                ("sub/../../share", "share"),
                ("../../file", "0123456789"),
                ("../../usr/lib/theirs", "theirs"),
                ("../../../usr/lib/theirs", "theirs"),
            ],
        );
        let usr = guest.open("usr", Open::DIR);
        reads(
            &guest,
            usr,
            &[("lib/theirs", "theirs"), ("lib/../share", "share")],
        );
        let sub = guest.open("usr/lib/sub", Open::DIR);
        reads(&guest, sub, &[("deep", "deep")]);
        for (fd, path) in [
            (usr, "lib/../../file"),
            (sub, "../theirs"),
            (usr, "lib/out"),
        ] {
            assert_eq!(stat_errno(&guest, fd, path), Notcapable, "{path}");
        }
        let outside = "usr/lib/../../../outside/secret";
        assert_eq!(stat_errno(&guest, ROOT, outside), Noent);
    }
}

#[test]
fn what_a_mount_hides_is_not_there() {
    for guest in guests() {
        for (fd, path) in [
            (ROOT, "usr/lib/hidden"),
            (ROOT, "to_lib/hidden"),
            (ROOT, "usr/share/../lib/hidden"),
            (LIB, "hidden"),
            (LIB, "../lib/hidden"),
        ] {
            let expected = if path.contains("share") {
                Notdir
            } else {
                Noent
            };
            assert_eq!(stat_errno(&guest, fd, path), expected, "{path}");
        }
        let usr = guest.open("usr", Open::DIR);
        assert_eq!(stat_errno(&guest, usr, "lib/hidden"), Noent);
        assert_eq!(
            names(&guest, ROOT, "usr/lib"),
            ["absolute", "out", "own", "sub", "theirs"]
        );
    }
}

#[test]
fn its_name_means_what_is_mounted() {
    for guest in guests() {
        let here = stat(&guest, ROOT, "usr/lib");
        assert_ne!(here.dev, stat(&guest, ROOT, "usr").dev);
        assert_eq!(here.filetype, Filetype::Directory);
        for (fd, path) in [
            (ROOT, "usr/lib/"),
            (ROOT, "to_lib"),
            (ROOT, "usr/lib/."),
            (ROOT, "usr/lib/sub/.."),
            (ROOT, "absolute_lib"),
            (LIB, "."),
            (LIB, "../lib"),
        ] {
            let there = stat(&guest, fd, path);
            assert_eq!((there.dev, there.ino), (here.dev, here.ino), "{path}");
        }
        let times = args(&[&[ROOT, FOLLOW], &guest.store("usr/lib"), &[1, 2, 0b0101]]);
        guest.ok("path_filestat_set_times", times);
        assert_eq!(stat(&guest, LIB, ".").mtim, 2);
        assert_ne!(guest.scratch.stat("usr/lib").mtim, 2);
        let lib = guest.open("usr/lib", Open::DIR);
        guest.ok("path_create_directory", guest.at(lib, "new", &[]));
        assert_eq!(stat(&guest, LIB, "new").filetype, Filetype::Directory);
        assert!(!guest.scratch.exists("usr/lib/new"));
    }
}

#[test]
fn it_is_listed_once_and_as_what_it_is() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup
            .scratch
            .write("bin", "a file where a directory is mounted");
        for path in ["/usr/lib", "/bin", "/not/there", "/usr/also"] {
            setup.other_preopens.push(at(path, &library()));
        }
    }) {
        for (path, expected) in [
            ("usr", &["also", "lib", "lib_here", "share"][..]),
            ("not", &["there"]),
            ("usr/also", &["absolute", "out", "own", "sub", "theirs"]),
        ] {
            assert_eq!(names(&guest, ROOT, path), expected, "{path}");
        }
        let root = guest.open(".", Open::DIR);
        for (name, entry) in list(&guest, root, BUF_LEN, 0) {
            if name == "bin" || name == "not" {
                let stat = stat(&guest, ROOT, &name);
                assert_eq!(
                    (entry.d_ino, entry.d_type),
                    (stat.ino, Filetype::Directory),
                    "{name}"
                );
            }
        }
        let usr = guest.open("usr", Open::DIR);
        each_cookie_leads_on(&guest, usr);
    }
}

/// Asserts that a listing can go on after each entry, whatever the size of the buffer, and that cookies fit a
/// `long`.
fn each_cookie_leads_on(guest: &Guest, fd: u64) {
    let all: Vec<(String, Dirent)> = list(guest, fd, BUF_LEN, 0);
    for (index, (name, entry)) in all.iter().enumerate() {
        assert!(i32::try_from(entry.d_next).is_ok(), "{name}");
        for len in [BUF_LEN, 40] {
            let rest = list(guest, fd, len, entry.d_next);
            let names = |entries: &[(String, Dirent)]| -> Vec<String> {
                entries.iter().map(|(name, _)| name.clone()).collect()
            };
            assert_eq!(names(&rest), names(&all[index + 1..]), "behind {name}");
        }
    }
}

#[test]
fn its_name_is_neither_removed_nor_replaced() {
    for guest in guests() {
        guest.scratch.create_dir("empty_dir");
        let at = |path: &str| guest.at(ROOT, path, &[]);
        for path in ["usr/lib", "usr/lib/", "to_lib/../lib", "usr/lib/../lib"] {
            guest.refuses("path_remove_directory", &[(path, at(path), Busy)]);
            guest.refuses("path_unlink_file", &[(path, at(path), Isdir)]);
            guest.refuses("path_create_directory", &[(path, at(path), Exist)]);
            let link = both(at("file"), &[NO_FOLLOW], at(path));
            guest.refuses("path_link", &[(path, link, Exist)]);
            let symlink = args(&[&guest.store("file"), &at(path)]);
            guest.refuses("path_symlink", &[(path, symlink, Exist)]);
            guest.refuses(
                "path_rename",
                &[
                    ("away", args(&[&at(path), &at("away")]), Busy),
                    ("replaced", args(&[&at("empty_dir"), &at(path)]), Busy),
                    ("by a file", args(&[&at("file"), &at(path)]), Isdir),
                    ("by nothing", args(&[&at("nothing"), &at(path)]), Noent),
                ],
            );
            let create = Open::FILE.oflags(Oflags::CREAT | Oflags::EXCL);
            let open = guest.open_args(ROOT, path.trim_end_matches('/'), create);
            guest.refuses("path_open", &[(path, open, Exist)]);
            let read = args(&[&at(path), &[OUT, 10, OUT]]);
            guest.refuses("path_readlink", &[(path, read, Inval)]);
        }
    }
}

/// A C library in a guest finds the descriptor by its name, and passes `.` as the path.
#[test]
fn its_descriptor_means_its_name() {
    for guest in guests() {
        for path in [".", "./"] {
            let remove = guest.at(LIB, path, &[]);
            guest.refuses("path_remove_directory", &[(path, remove, Busy)]);
        }
        let root = guest.at(ROOT, ".", &[]);
        guest.refuses("path_remove_directory", &[("/", root, Inval)]);
        let sub = guest.at(LIB, "sub/.", &[]);
        guest.refuses("path_remove_directory", &[("sub/.", sub, Inval)]);
        let rename = args(&[&guest.at(LIB, ".", &[]), &guest.at(ROOT, "moved", &[])]);
        guest.refuses("path_rename", &[("away", rename, Busy)]);
    }
}

#[test]
fn nothing_is_moved_across() {
    for guest in guests() {
        let ours = || guest.at(ROOT, "file", &[]);
        for theirs in [
            guest.at(ROOT, "usr/lib/theirs", &[]),
            guest.at(LIB, "theirs", &[]),
        ] {
            let into = guest.at(ROOT, "usr/lib/new", &[]);
            let out = guest.at(LIB, "../new", &[]);
            let link = both(ours(), &[NO_FOLLOW], into.clone());
            guest.refuses("path_link", &[("in", link, Xdev)]);
            guest.refuses("path_rename", &[("in", args(&[&ours(), &into]), Xdev)]);
            let link = both(theirs.clone(), &[NO_FOLLOW], out.clone());
            guest.refuses("path_link", &[("out", link, Xdev)]);
            guest.refuses("path_rename", &[("out", args(&[&theirs, &out]), Xdev)]);
        }
        let root = both(
            guest.at(ROOT, "usr/lib", &[]),
            &[NO_FOLLOW],
            guest.at(ROOT, "new", &[]),
        );
        guest.refuses("path_link", &[("the mount itself", root, Xdev)]);
        // A rename within one file system works by whichever path it is named.
        let renamed = args(&[
            &guest.at(ROOT, "usr/lib/theirs", &[]),
            &guest.at(LIB, "sub/ours", &[]),
        ]);
        guest.ok("path_rename", renamed);
        reads(&guest, ROOT, &[("usr/lib/sub/ours", "theirs")]);
    }
}

#[test]
fn it_is_moved_with_the_directories_above_it() {
    for guest in guests() {
        let renamed = args(&[
            &guest.at(ROOT, "usr", &[]),
            &guest.at(ROOT, "dir/moved", &[]),
        ]);
        guest.ok("path_rename", renamed);
        reads(
            &guest,
            ROOT,
            &[
                ("dir/moved/lib/theirs", "theirs"),
                ("dir/moved/lib/../share", "share"),
            ],
        );
        assert_eq!(stat_errno(&guest, ROOT, "usr/lib/theirs"), Noent);
        // By its name it is unchanged.
        reads(&guest, LIB, &[("theirs", "theirs")]);
        assert_eq!(stat_errno(&guest, LIB, "../share"), Noent);
    }
}

/// The file system of the directory has none of these names.
#[test]
fn a_directory_with_a_mount_point_is_not_empty() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.scratch.create_dir("holds");
        setup.scratch.create_dir("other");
        setup.other_preopens.push(at("/holds/it", &library()));
    }) {
        let at = |path: &str| guest.at(ROOT, path, &[]);
        for path in ["holds", "other/../holds", "holds/it/../../holds"] {
            guest.refuses("path_remove_directory", &[(path, at(path), Notempty)]);
            let over = args(&[&at("other"), &at(path)]);
            guest.refuses("path_rename", &[(path, over, Notempty)]);
        }
        guest.ok("path_rename", args(&[&at("holds"), &at("holds")]));
        guest.ok("path_rename", args(&[&at("holds"), &at("other")]));
        reads(&guest, ROOT, &[("other/it/theirs", "theirs")]);
        guest.ctx.unmount("/holds/it", true).unwrap();
        guest.ok("path_remove_directory", at("other"));
    }
}

#[test]
fn missing_directories_are_there_to_be_looked_at() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.other_preopens.push(at("/made/up/here", &library()));
        setup.other_preopens.push(at("/made/too", &library()));
    }) {
        reads(
            &guest,
            ROOT,
            &[
                ("made/up/here/theirs", "theirs"),
                ("made/too/sub/deep", "deep"),
                ("made/up/here/../../../file", "0123456789"),
                ("made/up/../../file", "0123456789"),
            ],
        );
        reads(
            &guest,
            PREOPEN + 1,
            &[("../../too/theirs", "theirs"), ("out", "0123456789")].map(|(path, text)| {
                if path == "out" {
                    ("../../../file", text)
                } else {
                    (path, text)
                }
            }),
        );
        assert_eq!(names(&guest, ROOT, "made"), ["too", "up"]);
        assert!(
            !guest.scratch.exists("made"),
            "nothing is made on the file system"
        );
        for path in ["made/new", "made/up/new"] {
            let new = guest.at(ROOT, path, &[]);
            guest.refuses("path_create_directory", &[(path, new, Notcapable)]);
        }
        guest.refuses(
            "path_create_directory",
            &[("made", guest.at(ROOT, "made", &[]), Exist)],
        );
        guest.ctx.unmount("/made/up/here", true).unwrap();
        assert_eq!(stat_errno(&guest, ROOT, "made/up"), Noent);
        reads(&guest, ROOT, &[("made/too/theirs", "theirs")]);
        guest.ctx.unmount("/made/too", true).unwrap();
        assert_eq!(stat_errno(&guest, ROOT, "made"), Noent);
        guest.ok("path_create_directory", guest.at(ROOT, "made", &[]));
    }
}

#[test]
fn a_preopen_that_cannot_be_mounted_has_its_descriptor() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.other_preopens.push(at("/file/below", &library()));
        setup.other_preopens.push(at("/dangling/below", &library()));
    }) {
        reads(&guest, PREOPEN + 1, &[("theirs", "theirs")]);
        reads(&guest, PREOPEN + 2, &[("theirs", "theirs")]);
        assert_eq!(stat_errno(&guest, ROOT, "file/below"), Notdir);
        assert_eq!(stat_errno(&guest, PREOPEN + 1, ".."), Notcapable);
    }
}

/// A directory of the host beside another one is reached only by its own descriptor, as in node:wasi.
#[test]
fn preopens_of_the_host_are_not_mounted() {
    for guest in Guest::every_way_of_host(|setup| {
        setup.preopens = vec![("/", "inside"), ("/dir/other", "outside")];
    }) {
        assert_eq!(stat_errno(&guest, ROOT, "dir/other"), Noent);
        assert_eq!(stat_errno(&guest, PREOPEN + 1, ".."), Notcapable);
        assert_eq!(names(&guest, ROOT, "dir"), ["nested", "sub"]);
    }
}
