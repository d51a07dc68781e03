//! On a file system with several spellings of a name, as on macOS and Windows, none of them leads to what a
//! mount covers.

use std::any::Any;

use wasi_rs::vfs::{Dir, DirStream, Name, OpenHow, Opened, Result};

use super::*;

/// A directory that ignores case: all names are stored in lower case.
#[derive(Debug)]
struct Folding(Arc<dyn Directory>);

impl Folding {
    fn of(dir: Dir) -> Dir {
        match dir {
            Dir::Other(dir) => Dir::Other(Arc::new(Self(dir))),
            dir => dir,
        }
    }
}

/// Calls `call` with the name in lower case.
fn folded<T>(name: Name<'_>, call: impl FnOnce(Name<'_>) -> T) -> T {
    let lower = name.as_bytes().to_ascii_lowercase();
    call(Name::new(&lower).unwrap())
}

impl Directory for Folding {
    fn stat(&self) -> Result<Filestat> {
        self.0.stat()
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        folded(name, |name| self.0.stat_at(name))
    }

    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened> {
        let opened = match name {
            Some(name) => folded(name, |name| self.0.open_at(Some(name), how)),
            None => self.0.open_at(None, how),
        };
        Ok(match opened? {
            Opened::Dir(dir) => Opened::Dir(Self::of(dir)),
            opened => opened,
        })
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        folded(name, |name| self.0.open_dir_at(name)).map(Self::of)
    }

    fn open_dotdot(&self) -> Result<Dir> {
        self.0.open_dotdot().map(Self::of)
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        folded(name, |name| self.0.read_link_at(name))
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        self.0.read_dir()
    }

    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        folded(name, |name| self.0.create_dir_at(name))
    }

    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        folded(name, |name| self.0.unlink_at(name))
    }

    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        folded(name, |name| self.0.remove_dir_at(name))
    }

    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = new_dir.as_any().downcast_ref::<Self>().ok_or(Xdev)?;
        folded(old, |old| {
            folded(new, |new| self.0.rename_at(old, &*new_dir.0, new))
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn no_spelling_leads_to_what_is_covered() {
    let lower = MemoryFs::new(MemoryFsLimits::default());
    lower.file(b"ro/covered", b"covered", None).unwrap();
    lower.file(b"etc/app.json", b"covered", None).unwrap();
    let root: Arc<dyn Directory> = Arc::new(Folding(lower.root()));
    let guest = Guest::with_way(Way::Memory, |setup| {
        setup.preopens.clear();
        setup.other_preopens.push(of("/", root));
    });
    guest
        .ctx
        .mount(read_only(at("/ro", &library())), true)
        .unwrap();
    guest
        .ctx
        .mount(read_only(file("/etc/app.json", "{}")), true)
        .unwrap();
    for ro in ["ro", "RO", "Ro", "etc/../rO"] {
        reads(&guest, ROOT, &[(&format!("{ro}/theirs"), "theirs")]);
        assert_eq!(
            stat_errno(&guest, ROOT, &format!("{ro}/covered")),
            Noent,
            "{ro}"
        );
        assert_eq!(
            stat(&guest, ROOT, ro).dev,
            stat(&guest, ROOT, "ro").dev,
            "{ro}"
        );
        let it = || guest.at(ROOT, ro, &[]);
        guest.refuses("path_remove_directory", &[(ro, it(), Busy)]);
        let renamed = args(&[&it(), &guest.at(ROOT, "moved", &[])]);
        guest.refuses("path_rename", &[(ro, renamed, Busy)]);
        let replaced = args(&[&guest.at(ROOT, "etc", &[]), &it()]);
        guest.refuses("path_rename", &[(ro, replaced, Busy)]);
        let new = guest.at(ROOT, &format!("{ro}/new"), &[]);
        guest.refuses("path_create_directory", &[(ro, new, Notcapable)]);
    }
    for path in ["etc/app.json", "ETC/App.JSON"] {
        reads(&guest, ROOT, &[(path, "{}")]);
        let write = guest.open_args(ROOT, path, Open::FILE);
        guest.refuses("path_open", &[(path, write, Notcapable)]);
        guest.refuses(
            "path_unlink_file",
            &[(path, guest.at(ROOT, path, &[]), Busy)],
        );
    }
}

/// A hard link to the covered file is not covered.
#[cfg_attr(windows, ignore = "there, as by any spelling, it leads to the mount")]
#[test]
fn a_hard_link_to_what_is_covered_is_no_mount() {
    for guest in Guest::every_way(|setup| {
        super::lower(setup);
        setup.scratch.hard_link("file", "dir/other");
        setup.scratch.hard_link("file", "FILE2");
    }) {
        guest
            .ctx
            .mount(read_only(file("/file", "{}")), true)
            .unwrap();
        reads(&guest, ROOT, &[("file", "{}"), ("link", "{}")]);
        for path in ["dir/other", "dir/../dir/other", "FILE2"] {
            reads(&guest, ROOT, &[(path, "0123456789")]);
            guest.ok("path_unlink_file", guest.at(ROOT, path, &[]));
            guest
                .scratch
                .write(path.trim_start_matches("dir/../"), "0123456789");
        }
    }
}
