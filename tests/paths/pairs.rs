//! Every call with every path, and with every pair of them.

use wasi_rs::abi::Oflags;

use crate::calls::{Call, Mode};

/// Longer than a name may be.
fn long() -> String {
    "n".repeat(256)
}

/// One path of each kind, with what can come after it.
fn paths() -> Vec<String> {
    let names = [
        "missing",
        "file",
        "dir",
        "void",
        "link",
        "dirlink",
        "slashed",
        "fileslashed",
        "voidlink",
        "dangling",
        "newdir",
        "deep",
        "loop",
        "self",
        "twice",
        "around",
        "out",
        "secret",
    ];
    let mut paths: Vec<String> = vec!["".into(), long(), "..".into()];
    for behind in ["", "/", "/.", "/..", "/new"] {
        paths.push(format!("{}{behind}", long()));
        paths.extend(names.map(|name| format!("{name}{behind}")));
    }
    paths.extend(
        [
            ".",
            "./",
            "././/",
            "dir/nested",
            "dir/sub",
            "dir/sub/",
            "dir/sub/far",
            "dir/up/file",
            "dir/up/up",
            "dir/up/dir/nested/",
            "missing/../file",
            "file/../file",
            "link/../file",
            "dirlink/nested",
            "dirlink/../file",
            "dir//nested",
            "self/self/file",
            "self/dir/.",
            "locked",
            "locked/",
            "locked/.",
            "locked/..",
            "locked/file",
            "locked/file/",
            "locked/missing",
            "locked/../file",
            "shut",
            "shut/.",
            "shut/file",
            "shut/missing",
            "fixed",
            "fixed/file",
            "fixed/dir",
            "fixed/new",
            "fixed/new/",
            "fixed/dir/",
            "fixed/file/",
            "fixed/../file",
        ]
        .map(String::from),
    );
    paths
}

/// Fewer paths, for calls that take each with each.
fn fewer() -> Vec<String> {
    let mut paths: Vec<String> = [
        "",
        "missing",
        "file",
        "other",
        "dir",
        "void",
        "link",
        "dirlink",
        "voidlink",
        "dangling",
        "newdir",
        "loop",
        "twice",
        ".",
        "..",
        "./",
        "dir/.",
        "dir/..",
        "void/.",
        "file/",
        "dir/",
        "void/",
        "missing/",
        "link/",
        "dirlink/",
        "dangling/",
        "loop/",
        "file/.",
        "missing/.",
        "file/new",
        "missing/new",
        "loop/new",
        "dir/nested",
        "dir/sub",
        "dir/sub/",
        "dir/new",
        "dir/new/",
        "dir/sub/new",
        "void/new",
        "locked/new",
        "locked/file",
        "locked/.",
        "fixed/new",
        "fixed/file",
        "fixed/dir",
        "fixed/dir/",
        "fixed/new/",
        "secret",
    ]
    .map(String::from)
    .into();
    paths.extend([long(), format!("{}/", long()), format!("{}/new", long())]);
    paths
}

pub fn of_one_path() -> Vec<Call> {
    let mut calls = vec![];
    for path in &paths() {
        let path = || path.clone();
        calls.extend([
            Call::CreateDirectory(path()),
            Call::RemoveDirectory(path()),
            Call::UnlinkFile(path()),
            Call::Readlink(path()),
        ]);
        for follow in [false, true] {
            calls.push(Call::FilestatGet(path(), follow));
            calls.push(Call::FilestatSetTimes(path(), follow));
            for oflags in (0..16).map(Oflags::from_bits_truncate) {
                for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
                    calls.push(Call::Open(path(), follow, oflags, mode));
                }
            }
        }
        for target in ["", "file", "missing", "..", "../.."] {
            calls.push(Call::Symlink(target.into(), path()));
        }
        calls.push(Call::Symlink("t".repeat(4095), path()));
    }
    calls
}

pub fn of_two_paths() -> Vec<Call> {
    let mut calls = vec![];
    for old in &fewer() {
        for new in &fewer() {
            for follow in [false, true] {
                calls.push(Call::Link(old.clone(), follow, new.clone()));
            }
            calls.push(Call::Rename(old.clone(), new.clone()));
        }
    }
    calls
}
