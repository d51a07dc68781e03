//! Compares with Linux's own mounts, in a mount namespace in which this test is run once more.

use std::env;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// The variable with the directory of the mounts, in the process that asks Linux.
const ASKED: &str = "WASI_TESTS_MOUNTS";

/// A call with its paths.
#[derive(Clone, Copy, Debug)]
enum Call {
    Stat(&'static str),
    Rmdir(&'static str),
    Unlink(&'static str),
    Mkdir(&'static str),
    Symlink(&'static str),
    Readlink(&'static str),
    Link(&'static str, &'static str),
    Rename(&'static str, &'static str),
    /// With `O_CREAT`; and with `O_EXCL` as well.
    Create(&'static str),
    CreateNew(&'static str),
    Write(&'static str),
    List(&'static str),
}

use Call::*;

/// In an order in which each finds what it needs: those that succeed come last.
const CALLS: &[Call] = &[
    Stat("usr/lib/theirs"),
    Stat("usr/lib/hidden"),
    Stat("usr/lib/../share"),
    Stat("usr/lib/sub/../../share/"),
    Stat("to_lib/theirs"),
    Stat("to_lib/../share"),
    Stat("usr/lib/out"),
    Stat("etc/app/below"),
    Stat("etc/app/"),
    Rmdir("usr/lib"),
    Rmdir("usr/lib/"),
    Rmdir("usr/lib/."),
    Rmdir("usr/lib/.."),
    Rmdir("usr/lib/sub"),
    Rmdir("usr"),
    Rmdir("etc/app"),
    Unlink("usr/lib"),
    Unlink("etc/app"),
    Mkdir("usr/lib"),
    Mkdir("usr/lib/"),
    Mkdir("etc/app"),
    Symlink("usr/lib"),
    Symlink("etc/app"),
    Readlink("usr/lib"),
    Readlink("etc/app"),
    Link("file", "usr/lib"),
    Link("file", "etc/app"),
    Link("file", "usr/lib/new"),
    Link("usr/lib/theirs", "new"),
    Link("usr/lib/theirs", "usr/lib"),
    Link("usr/lib", "new"),
    Link("usr/lib", "file"),
    Link("etc/app", "new"),
    Link("etc/app", "etc/new"),
    Link("nothing", "usr/lib"),
    Rename("usr/lib", "moved"),
    Rename("usr/lib/", "moved"),
    Rename("empty_dir", "usr/lib"),
    Rename("empty_dir", "usr/lib/"),
    Rename("file", "usr/lib"),
    Rename("nothing", "usr/lib"),
    Rename("usr/lib", "empty_dir"),
    Rename("usr/lib", "file"),
    Rename("usr/lib", "nothing/x"),
    Rename("etc/app", "moved"),
    Rename("file", "etc/app"),
    Rename("empty_dir", "etc/app"),
    Rename("etc/app", "empty_dir"),
    Rename("usr/lib/theirs", "theirs"),
    Rename("file", "usr/lib/file"),
    Rename("usr/lib/sub", "sub"),
    Rename("empty_dir", "usr/lib/empty_dir"),
    Rename("empty_dir", "usr"),
    Rename("empty_dir", "etc"),
    Create("usr/lib"),
    Create("usr/lib/"),
    CreateNew("usr/lib"),
    CreateNew("etc/app"),
    Write("usr/lib"),
    Write("etc/app/"),
    List("etc/app"),
    List("usr/lib"),
    Write("etc/app"),
    Create("etc/app"),
    Rename("usr/lib", "usr/lib"),
    Rename("usr", "usr2"),
    Stat("usr2/lib/theirs"),
    Stat("usr/lib/theirs"),
    Stat("usr2/lib/../share"),
    Rename("usr2/lib/theirs", "usr2/lib/sub/theirs"),
    Stat("usr2/lib/sub/theirs"),
];

/// Creates the directories that both have.
fn lay(root: &Path) {
    for dir in ["usr/lib", "etc", "empty_dir"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for file in ["file", "usr/share", "usr/lib/hidden", "etc/app"] {
        fs::write(root.join(file), file).unwrap();
    }
    std::os::unix::fs::symlink("usr/lib", root.join("to_lib")).unwrap();
}

/// The answer of Linux to a call in a directory.
fn asked(root: &Path, call: Call) -> io::Result<()> {
    let at = |path: &str| root.join(path);
    let c = |path: PathBuf| CString::new(path.as_os_str().as_bytes()).unwrap();
    let open = |path: &str, options: &mut fs::OpenOptions| options.open(at(path)).map(drop);
    let writing = || fs::File::options().write(true).to_owned();
    match call {
        Stat(path) => fs::metadata(at(path)).map(drop),
        Rmdir(path) => Ok(rustix::fs::rmdir(c(at(path)))?),
        Unlink(path) => Ok(rustix::fs::unlink(c(at(path)))?),
        Mkdir(path) => Ok(rustix::fs::mkdir(c(at(path)), 0o777.into())?),
        Symlink(path) => Ok(rustix::fs::symlink("target", c(at(path)))?),
        Readlink(path) => fs::read_link(at(path)).map(drop),
        Link(old, new) => fs::hard_link(at(old), at(new)),
        Rename(old, new) => Ok(rustix::fs::rename(c(at(old)), c(at(new)))?),
        Create(path) => open(path, writing().create(true)),
        CreateNew(path) => open(path, writing().create_new(true)),
        Write(path) => open(path, &mut writing()),
        List(path) => fs::read_dir(at(path)).map(drop),
    }
}

/// The answer that a guest gets.
fn told(guest: &Guest, call: Call) -> Errno {
    let at = |path: &str| guest.at(ROOT, path, &[]);
    let open = |path: &str, open: Open| guest.errno("path_open", guest.open_args(ROOT, path, open));
    let create = Open::FILE.oflags(Oflags::CREAT);
    match call {
        Stat(path) => stat_errno(guest, ROOT, path),
        Rmdir(path) => guest.errno("path_remove_directory", at(path)),
        Unlink(path) => guest.errno("path_unlink_file", at(path)),
        Mkdir(path) => guest.errno("path_create_directory", at(path)),
        Symlink(path) => guest.errno("path_symlink", args(&[&guest.store("target"), &at(path)])),
        Readlink(path) => guest.errno("path_readlink", args(&[&at(path), &[OUT, 10, OUT]])),
        Link(old, new) => guest.errno("path_link", both(at(old), &[NO_FOLLOW], at(new))),
        Rename(old, new) => guest.errno("path_rename", args(&[&at(old), &at(new)])),
        Create(path) => open(path, create),
        CreateNew(path) => open(path, create.oflags(Oflags::CREAT | Oflags::EXCL)),
        Write(path) => open(path, Open::FILE),
        List(path) => open(
            path,
            Open {
                base: DIR_RIGHTS,
                ..Open::DIR
            },
        ),
    }
}

/// Runs this test in a mount namespace of its own, with the mounts. Returns its output; `None` if the system
/// does not allow that.
fn ask(root: &Path) -> Option<Vec<String>> {
    let script = r#"
        mount -t tmpfs none "$1/usr/lib" && printf theirs > "$1/usr/lib/theirs" &&
        mkdir "$1/usr/lib/sub" && : > "$1/usr/lib/sub/deep" && ln -s ../../file "$1/usr/lib/out" &&
        mount --bind "$1/usr/lib/theirs" "$1/etc/app" &&
        exec "$0" mounts::linux::mount_points_answer_as_linux_has_it --exact --nocapture"#;
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-ec", script])
        .args([env::current_exe().unwrap().as_path(), root])
        .env(ASKED, root)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = (text.lines())
        .filter_map(|line| line.strip_prefix("asked: "))
        .map(str::to_owned)
        .collect();
    (answers.len() == CALLS.len()).then_some(answers)
}

#[test]
fn mount_points_answer_as_linux_has_it() {
    if let Some(root) = env::var_os(ASKED) {
        println!();
        for call in CALLS {
            let errno =
                asked(Path::new(&root), *call).map_or_else(Errno::from, |()| Errno::Success);
            println!("asked: {errno:?}");
        }
        return;
    }
    let root = TempDir::new().unwrap();
    lay(root.path());
    let Some(answers) = ask(root.path()) else {
        eprintln!("not checked: the system permits no namespace of mounts");
        return;
    };
    for way in Way::on_host() {
        let root = TempDir::new().unwrap();
        lay(root.path());
        let guest = Guest::with_way(way, |setup| {
            setup.preopens.clear();
            setup.other_preopens = vec![
                Preopen {
                    mapped_path: "/".into(),
                    source: PreopenSource::Path(root.path().to_owned()),
                    rights: Rights::all(),
                },
                at("/usr/lib", &library()),
                file("/etc/app", "theirs"),
            ];
        });
        let each = CALLS.iter().zip(&answers);
        let differ: Vec<_> = each
            .map(|(call, answer)| (call, format!("{:?}", told(&guest.fresh(), *call)), answer))
            .filter(|(_, told, answer)| told != *answer)
            .collect();
        assert!(differ.is_empty(), "{way:?}: {differ:#?}");
    }
}
