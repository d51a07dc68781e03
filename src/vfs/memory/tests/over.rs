//! A file system over an image.

use super::*;
use crate::vfs::archive::{TarArchive, read_tar};
use crate::vfs::image::CHUNK;
use crate::vfs::memory::{Change, What};
use crate::vfs::tests::{read, write};

/// An image with a file of three chunks, which repeats four letters.
fn image() -> Arc<Image> {
    let fs = fresh();
    fs.file(b"big", &b"abcd".repeat(3 * CHUNK / 4), Some(5))
        .unwrap();
    fs.file(b"lib/one", b"1", Some(5)).unwrap();
    fs.file(b"lib/two", b"22", Some(5)).unwrap();
    fs.file(b"lib/deep/three", b"333", Some(5)).unwrap();
    fs.symlink(b"link", b"lib/one").unwrap();
    (fs.root())
        .link_at(Some(name("big")), &*fs.root(), name("same"))
        .unwrap();
    Arc::new(fs.snapshot().unwrap())
}

fn over(image: &Arc<Image>) -> MemoryFs {
    MemoryFs::over(Arc::clone(image), MemoryFsLimits::default())
}

fn content(dir: &dyn Directory, file: &str) -> String {
    let file = open(dir, file, NONE).unwrap();
    read(1 << 20, |iovs| file.read_at(iovs, 0))
}

fn overwrite(file: &FileHandle, text: &str, offset: u64) {
    write(text, |ciovs| file.write_at(ciovs, offset));
}

#[test]
fn all_of_the_image_is_there_and_takes_nothing() {
    let image = image();
    assert_eq!(image.files(), 7);
    assert_eq!(image.bytes(), 3 * CHUNK as u64 + 6);
    let fs = over(&image);
    let root = fs.root();
    assert_eq!(list(&*root), [".", "..", "big", "lib", "link", "same"]);
    assert_eq!(
        list(&*enter(&*root, "lib")),
        [".", "..", "deep", "one", "two"]
    );
    assert_eq!(stat(&*root, "big").ino, stat(&*root, "same").ino);
    assert_eq!(stat(&*root, "big").nlink, 2);
    assert_eq!(
        (stat(&*root, "lib").nlink, root.stat().unwrap().nlink),
        (3, 3)
    );
    assert_eq!(stat(&*enter(&*root, "lib"), "two").mtim, 5);
    assert_eq!(root.read_link_at(name("link")), Ok(b"lib/one".to_vec()));
    assert_eq!(content(&*enter(&*root, "lib"), "two"), "22");
    assert_eq!(fs.usage(), Usage::default());
    assert_eq!(fs.changes(), Ok(Vec::new()));
}

#[test]
fn what_is_written_is_copied_by_chunk_and_seen_by_all_who_have_the_file_open() {
    let image = image();
    let fs = over(&image);
    let root = fs.root();
    let reader = open(&*root, "same", NONE).unwrap();
    let before = stat(&*root, "big");
    let writer = open(&*root, "big", NONE).unwrap();
    overwrite(&writer, "XY", CHUNK as u64 + 1);
    assert_eq!(fs.usage().bytes, CHUNK as u64);
    let seen = read(6, |iovs| reader.read_at(iovs, CHUNK as u64 - 1));
    assert_eq!(seen, "daXYda");
    assert_eq!(stat(&*root, "big").ino, before.ino);
    assert_eq!(stat(&*root, "big").size, before.size);
    // Other file systems over the same image do not see it.
    assert_eq!(
        content(&*over(&image).root(), "big"),
        "abcd".repeat(3 * CHUNK / 4)
    );
    // After a truncation, the content below does not come back.
    writer.set_size(2).unwrap();
    writer.set_size(6).unwrap();
    assert_eq!(content(&*root, "same"), "ab\0\0\0\0");
    assert_eq!(fs.usage().bytes, 0);
    overwrite(&writer, "z", 4);
    assert_eq!(content(&*root, "same"), "ab\0\0z\0");
}

#[test]
fn without_room_a_chunk_is_not_copied() {
    let fs = MemoryFs::over(
        image(),
        MemoryFsLimits {
            bytes: 100_000,
            files: 0,
        },
    );
    let file = open(&*fs.root(), "big", NONE).unwrap();
    overwrite(&file, "X", 0);
    let written =
        crate::vfs::tests::with_iovecs(&mut [0; 1], |ciovs| file.write_at(ciovs, CHUNK as u64));
    assert_eq!(written, Err(Errno::Nospc));
    assert_eq!(fs.usage().bytes, CHUNK as u64);
    assert_eq!(fs.root().create_dir_at(name("new")), Err(Errno::Nospc));
    // Names of the image cost nothing, so they can always be removed.
    fs.root().unlink_at(name("big")).unwrap();
    fs.root().unlink_at(name("same")).unwrap();
    assert_eq!(read(1, |iovs| file.read_at(iovs, 1)), "b");
    drop(file);
    assert_eq!(fs.usage(), Usage::default());
}

#[test]
fn names_of_the_image_are_moved_removed_and_replaced_in_their_order() {
    let image = image();
    let fs = over(&image);
    let root = fs.root();
    let lib = enter(&*root, "lib");
    let inos = ["lib", "big"].map(|file| stat(&*root, file).ino);
    let mut stream = root.read_dir().unwrap();
    let cookie = stream.read(3).unwrap().unwrap().next;
    root.create_dir_at(name("new")).unwrap();
    let new = enter(&*root, "new");
    root.rename_at(name("lib"), &*new, name("moved")).unwrap();
    create(&*lib, "four");
    root.rename_at(name("link"), &*root, name("big")).unwrap();
    assert_eq!(list(&*root), [".", "..", "big", "same", "new"]);
    assert_eq!(stream.read(cookie).unwrap().unwrap().name, b"same");
    assert_eq!(
        list(&*enter(&*new, "moved")),
        [".", "..", "deep", "one", "two", "four"]
    );
    assert_eq!([stat(&*new, "moved").ino, stat(&*root, "same").ino], inos);
    assert_eq!(as_directory(lib.open_dotdot().unwrap()).stat(), new.stat());
    assert_eq!(stat(&*root, "same").nlink, 1);
    assert_eq!(root.remove_dir_at(name("lib")), Err(Errno::Noent));
    assert_eq!(
        lib.rename_at(name("deep"), &*lib, name("one")),
        Err(Errno::Notdir)
    );
    assert_eq!(
        root.rename_at(name("new"), &*lib, name("x")),
        Err(Errno::Inval)
    );
    let deep = enter(&*lib, "deep");
    assert_eq!(lib.remove_dir_at(name("deep")), Err(Errno::Notempty));
    deep.unlink_at(name("three")).unwrap();
    lib.remove_dir_at(name("deep")).unwrap();
    assert_eq!(deep.stat().unwrap().nlink, 0);
    assert_eq!(open(&*deep, "x", Oflags::CREAT).err(), Some(Errno::Noent));
    assert_eq!(
        list(&*over(&image).root()),
        [".", "..", "big", "lib", "link", "same"]
    );
}

#[test]
fn files_that_nobody_changes_are_forgotten_when_they_are_closed() {
    let fs = fresh();
    for file in 0..1000 {
        fs.file(format!("{file}").as_bytes(), b"x", None).unwrap();
    }
    let fs = over(&Arc::new(fs.snapshot().unwrap()));
    let root = fs.root();
    let kept = open(&*root, "5", NONE).unwrap();
    overwrite(&open(&*root, "7", NONE).unwrap(), "y", 0);
    for file in 0..1000 {
        assert!(fs.0.read().nodes_below() <= 300);
        open(&*root, &file.to_string(), NONE).unwrap();
    }
    overwrite(&kept, "z", 0);
    assert_eq!(
        ["5", "7", "8"].map(|file| content(&*root, file)),
        ["z", "y", "x"]
    );
}

/// The changes as text.
fn changes(fs: &MemoryFs) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let say = |change: &Change| {
        let path = text(&change.path);
        match &change.what {
            What::Removed => format!("- {path} {:?}", change.filetype),
            What::Renamed(from) => format!("> {path} {}", text(from)),
            What::Created => format!("+ {path} {:?}", change.filetype),
            What::Modified => format!("~ {path}"),
        }
    };
    fs.changes().unwrap().iter().map(say).collect()
}

#[test]
fn changes_are_told_against_the_image() {
    let made = fresh();
    made.file(b"a/b", b"", None).unwrap();
    assert_eq!(changes(&made), ["+ a Directory", "+ a/b RegularFile"]);

    type Do = fn(&dyn Directory);
    let cases: &[(Do, &[&str])] = &[
        (|_| {}, &[]),
        (
            |root| overwrite(&open(root, "big", NONE).unwrap(), "X", 0),
            &["~ big", "~ same"],
        ),
        (
            |root| drop(open(root, "link2", Oflags::CREAT)),
            &["+ link2 RegularFile"],
        ),
        (
            |root| root.unlink_at(name("big")).unwrap(),
            &["- big RegularFile"],
        ),
        (
            |root| root.rename_at(name("lib"), root, name("x")).unwrap(),
            &["> x lib"],
        ),
        // Renamed, and renamed back.
        (
            |root| {
                root.rename_at(name("lib"), root, name("x")).unwrap();
                root.rename_at(name("x"), root, name("lib")).unwrap();
                root.rename_at(name("big"), root, name("x")).unwrap();
                root.rename_at(name("x"), root, name("big")).unwrap();
            },
            &[],
        ),
        // As editors save.
        (
            |root| {
                overwrite(&create(root, "tmp"), "new", 0);
                root.rename_at(name("tmp"), root, name("big")).unwrap();
            },
            &["~ big"],
        ),
        (
            |root| {
                root.unlink_at(name("link")).unwrap();
                root.create_dir_at(name("link")).unwrap();
            },
            &["- link SymbolicLink", "+ link Directory"],
        ),
        (
            |root| {
                let lib = enter(root, "lib");
                lib.rename_at(name("one"), root, name("one")).unwrap();
                overwrite(&open(root, "one", NONE).unwrap(), "X", 0);
                lib.unlink_at(name("two")).unwrap();
                enter(&*lib, "deep").unlink_at(name("three")).unwrap();
                lib.remove_dir_at(name("deep")).unwrap();
                root.remove_dir_at(name("lib")).unwrap();
            },
            &["- lib Directory", "> one lib/one", "~ one"],
        ),
        (
            |root| {
                root.rename_at(name("lib"), root, name("x")).unwrap();
                enter(root, "x").unlink_at(name("two")).unwrap();
                create(&*enter(root, "x"), "four");
            },
            &["- lib/two RegularFile", "> x lib", "+ x/four RegularFile"],
        ),
        (
            |root| {
                root.rename_at(name("big"), root, name("x")).unwrap();
                root.rename_at(name("link"), root, name("big")).unwrap();
                root.link_at(Some(name("same")), root, name("y")).unwrap();
            },
            &["> big link", "> x big", "+ y RegularFile"],
        ),
        (
            |root| {
                let mtim = SetTime::At(7);
                root.set_times_at(name("link"), SetTime::Omit, mtim)
                    .unwrap();
                root.set_times_at(name("lib"), SetTime::Omit, mtim).unwrap();
            },
            &["~ link"],
        ),
    ];
    let image = image();
    for (change, told) in cases {
        let fs = over(&image);
        change(&*fs.root());
        assert_eq!(changes(&fs), *told);
        // A tar archive restores all of it.
        let tar = tar(&fs.all().unwrap());
        let back = over(&Arc::new(read_tar(tar, Default::default()).unwrap()));
        assert_eq!(tree(&back), tree(&fs));
        let snapshot = over(&Arc::new(fs.snapshot().unwrap()));
        assert_eq!(tree(&snapshot), tree(&fs));
    }
}

/// All names, with what they stand for.
fn tree(fs: &MemoryFs) -> Vec<String> {
    let mut all = Vec::new();
    visit(&*fs.root(), String::new(), &mut all);
    all
}

fn visit(dir: &dyn Directory, path: String, all: &mut Vec<String>) {
    let mut names = list(dir).split_off(2);
    names.sort();
    for entry in names {
        let Filestat {
            filetype,
            nlink,
            size,
            mtim,
            ..
        } = stat(dir, &entry);
        let path = format!("{path}/{entry}");
        let mtim = if filetype == Filetype::Directory {
            0
        } else {
            mtim
        };
        all.push(format!("{path} {filetype:?} {nlink} {size} {mtim}"));
        match filetype {
            Filetype::Directory => visit(&*enter(dir, &entry), path, all),
            Filetype::SymbolicLink => all.push(format!("{:?}", dir.read_link_at(name(&entry)))),
            _ => all.push(content(dir, &entry)),
        }
    }
}

#[test]
fn a_snapshot_shares_what_it_has_with_the_file_system_and_changes_no_more() {
    let fs = fresh();
    let file = create(&*fs.root(), "file");
    overwrite(&file, &"x".repeat(CHUNK + 10), 0);
    let first = over(&Arc::new(fs.snapshot().unwrap()));
    overwrite(&file, "y", 0);
    overwrite(&file, &"z".repeat(10), CHUNK as u64 + 10);
    file.set_size(CHUNK as u64 + 15).unwrap();
    let used = fs.usage();
    let second = over(&Arc::new(fs.snapshot().unwrap()));
    assert_eq!(fs.usage(), used);
    assert_eq!(content(&*first.root(), "file"), "x".repeat(CHUNK + 10));
    let now = "y".to_owned() + &"x".repeat(CHUNK + 9) + &"z".repeat(5);
    assert_eq!(content(&*second.root(), "file"), now);
    // An image of a file system that is itself over an image.
    let over_it = open(&*second.root(), "file", NONE).unwrap();
    over_it.set_size(3).unwrap();
    over_it.set_size(CHUNK as u64 + 3).unwrap();
    overwrite(&over_it, "!", CHUNK as u64);
    let third = over(&Arc::new(second.snapshot().unwrap()));
    drop((fs, first, second, file, over_it));
    let now = "yxx".to_owned() + &"\0".repeat(CHUNK - 3) + "!\0\0";
    assert_eq!(content(&*third.root(), "file"), now);
}

#[test]
fn an_image_is_found_by_its_handle_while_it_is_held() {
    let image = image();
    let handle = image.handle().unwrap();
    assert_eq!(image.handle(), Ok(handle));
    let found = std::thread::spawn(move || Image::open(handle))
        .join()
        .unwrap();
    assert!(Arc::ptr_eq(&found.unwrap(), &image));
    assert!(Image::open(handle.wrapping_add(1)).is_none());
    drop(image);
    assert!(Image::open(handle).is_none());
}

#[test]
fn a_tar_archive_of_the_changes_has_whiteouts_of_what_is_gone() {
    let fs = over(&image());
    let root = fs.root();
    root.unlink_at(name("link")).unwrap();
    root.rename_at(name("lib"), &*root, name("library"))
        .unwrap();
    overwrite(&open(&*root, "big", NONE).unwrap(), "X", 0);
    let tar = tar(&fs.changed().unwrap());
    let read = over(&Arc::new(read_tar(tar, Default::default()).unwrap()));
    let names = [".", "..", ".wh.lib", ".wh.link", "big", "library", "same"];
    assert_eq!(list(&*read.root()), names);
    assert_eq!(stat(&*read.root(), "same").nlink, 2);
    assert_eq!(list(&*enter(&*read.root(), "library")).len(), 5);
    // A name that readers would take for a whiteout is refused.
    create(&*root, ".wh.big");
    let refused = |layer, limit| TarArchive::new(layer, limit).err();
    let changed = fs.changed().unwrap();
    assert_eq!(refused(&changed, u64::MAX), Some(Errno::Inval));
    let all = fs.all().unwrap();
    assert_eq!(refused(&all, 10_000), Some(Errno::Fbig));
    // It is written as a whole, or not at all.
    let archive = TarArchive::new(&all, u64::MAX).unwrap();
    let mut bytes = archive.to_vec().unwrap();
    assert_eq!(bytes.len() as u64, archive.size());
    assert_eq!(refused(&all, archive.size() - 1), Some(Errno::Fbig));
    bytes.fill(0);
    bytes.pop();
    assert_eq!(archive.write(&mut bytes), Err(Errno::Overflow));
}

fn tar(layer: &Layer) -> Vec<u8> {
    TarArchive::new(layer, u64::MAX).unwrap().to_vec().unwrap()
}
