use super::*;
use crate::abi::Filetype;
use crate::vfs::tests::{read, write};

#[test]
fn opening_creates_truncates_and_refuses() {
    let root = fresh().root();
    make_dir(&*root, "dir");
    root.symlink_at(b"file", name("link")).unwrap();
    assert_eq!(open(&*root, "file", NONE).err(), Some(Errno::Noent));
    let file = create(&*root, "file");
    write("text", |ciovs| file.write_at(ciovs, 0));
    open(&*root, "file", Oflags::CREAT).unwrap();
    assert_eq!(stat(&*root, "file").size, 4);
    open(&*root, "file", Oflags::TRUNC).unwrap();
    assert_eq!(file.stat().unwrap().size, 0);
    let excl = Oflags::CREAT | Oflags::EXCL;
    for (at, oflags, write, refused) in [
        ("file", excl, false, Errno::Exist),
        ("dir", excl, false, Errno::Exist),
        ("link", excl, false, Errno::Exist),
        ("file", Oflags::DIRECTORY, false, Errno::Notdir),
        ("link", Oflags::DIRECTORY, false, Errno::Notdir),
        ("link", NONE, false, Errno::Loop),
        ("link", Oflags::CREAT, false, Errno::Loop),
        ("dir", Oflags::CREAT, false, Errno::Isdir),
        ("dir", Oflags::TRUNC, false, Errno::Isdir),
        ("dir", NONE, true, Errno::Isdir),
        ("none", Oflags::DIRECTORY, false, Errno::Noent),
    ] {
        let opened = root.open_at(Some(name(at)), how(oflags, write));
        assert_eq!(opened.err(), Some(refused), "{at} {oflags:?}");
    }
    for (oflags, refused) in [(Oflags::CREAT, Errno::Isdir), (excl, Errno::Exist)] {
        assert_eq!(root.open_at(None, how(oflags, false)).err(), Some(refused));
    }
    for opened in [
        root.open_at(Some(name("dir")), how(NONE, false)),
        root.open_at(None, how(Oflags::DIRECTORY, false)),
    ] {
        assert!(matches!(opened, Ok(Opened::Dir(_))));
    }
    for no_dir in ["file", "link"] {
        let refused = root.open_dir_at(name(no_dir)).err();
        assert_eq!(refused, Some(Errno::Notdir));
    }
}

#[test]
fn names_are_made_once_and_removed_by_their_kind() {
    let root = fresh().root();
    let dir = make_dir(&*root, "dir");
    create(&*dir, "file");
    create(&*root, "file");
    for taken in ["dir", "file"] {
        assert_eq!(root.create_dir_at(name(taken)), Err(Errno::Exist));
        assert_eq!(root.symlink_at(b"x", name(taken)), Err(Errno::Exist));
    }
    assert_eq!(root.unlink_at(name("dir")), Err(Errno::Isdir));
    assert_eq!(root.unlink_at(name("none")), Err(Errno::Noent));
    assert_eq!(root.remove_dir_at(name("file")), Err(Errno::Notdir));
    assert_eq!(root.remove_dir_at(name("none")), Err(Errno::Noent));
    assert_eq!(root.remove_dir_at(name("dir")), Err(Errno::Notempty));
    dir.unlink_at(name("file")).unwrap();
    root.remove_dir_at(name("dir")).unwrap();
    root.unlink_at(name("file")).unwrap();
    assert_eq!(list(&*root), [".", ".."]);
}

#[test]
fn names_have_255_bytes_at_most_wherever_they_are_passed() {
    let root = fresh().root();
    let (longest, long) = ("n".repeat(255), "n".repeat(256));
    create(&*root, &longest);
    let too_long = Err(Errno::Nametoolong);
    let long = name(&long);
    assert_eq!(root.stat_at(long).map(drop), too_long);
    assert_eq!(
        root.open_at(Some(long), how(NONE, false)).map(drop),
        too_long
    );
    assert_eq!(
        root.open_at(Some(long), how(Oflags::CREAT, true)).map(drop),
        too_long
    );
    assert_eq!(root.open_dir_at(long).map(drop), too_long);
    assert_eq!(root.create_dir_at(long), too_long);
    assert_eq!(root.symlink_at(b"x", long), too_long);
    assert_eq!(root.read_link_at(long).map(drop), too_long);
    assert_eq!(root.unlink_at(long), too_long);
    assert_eq!(root.remove_dir_at(long), too_long);
    assert_eq!(
        root.set_times_at(long, SetTime::Now, SetTime::Now),
        too_long
    );
    for (old, new) in [(long, name("x")), (name(&longest), long)] {
        assert_eq!(root.rename_at(old, &*root, new), too_long);
        assert_eq!(root.link_at(Some(old), &*root, new), too_long);
    }
}

#[test]
fn a_rename_replaces_what_it_may() {
    let root = fresh().root();
    let (a, b) = (make_dir(&*root, "a"), make_dir(&*root, "b"));
    let below = make_dir(&*a, "below");
    create(&*below, "file");
    for file in ["f", "g"] {
        create(&*root, file);
    }
    root.link_at(Some(name("f")), &*root, name("f2")).unwrap();
    for (old, new_dir, new, refused) in [
        ("none", &root, "f", Errno::Noent),
        ("f", &root, "b", Errno::Isdir),
        ("b", &root, "f", Errno::Notdir),
        ("b", &root, "a", Errno::Notempty),
        ("a", &a, "new", Errno::Inval),
        ("a", &below, "new", Errno::Inval),
        ("a", &a, "below", Errno::Inval),
    ] {
        let result = root.rename_at(name(old), &**new_dir, name(new));
        assert_eq!(result, Err(refused), "{old} to {new}");
    }
    assert_eq!(
        below.rename_at(name("file"), &*root, name("a")),
        Err(Errno::Notempty)
    );
    // Both names are of the same file: nothing happens.
    for new in ["f", "f2"] {
        root.rename_at(name("f"), &*root, name(new)).unwrap();
    }
    root.rename_at(name("a"), &*root, name("a")).unwrap();
    assert_eq!(stat(&*root, "f").nlink, 2);
    // A file over a file, a directory over an empty directory.
    let (f, g) = (stat(&*root, "f"), open(&*root, "g", NONE).unwrap());
    root.rename_at(name("f"), &*root, name("g")).unwrap();
    assert_eq!(stat(&*root, "g").ino, f.ino);
    assert_eq!(g.stat().unwrap().nlink, 0);
    a.rename_at(name("below"), &*root, name("b")).unwrap();
    assert_eq!(list(&*enter(&*root, "b")), [".", "..", "file"]);
    assert_eq!(b.stat().unwrap().nlink, 0);
    assert_eq!(list(&*root), [".", "..", "a", "b", "g", "f2"]);
    assert_eq!(root.stat().unwrap().nlink, 4);
    assert_eq!(a.stat().unwrap().nlink, 2);
    // The `..` of the directory that was renamed is its new parent.
    let up = as_directory(below.open_dotdot().unwrap());
    assert_eq!(up.stat().unwrap().ino, root.stat().unwrap().ino);
}

#[test]
fn a_removed_directory_that_is_open_is_empty_and_stays_so() {
    let fs = fresh();
    let root = fs.root();
    let dir = make_dir(&*root, "dir");
    let again = enter(&*root, "dir");
    create(&*root, "file");
    root.remove_dir_at(name("dir")).unwrap();
    let gone = Err(Errno::Noent);
    assert_eq!(dir.stat().unwrap().nlink, 0);
    assert_eq!(list(&*dir), Vec::<String>::new());
    assert_eq!(dir.open_dotdot().map(drop), gone);
    assert_eq!(dir.stat_at(name(&"n".repeat(256))).map(drop), gone);
    assert_eq!(open(&*dir, "new", Oflags::CREAT).map(drop), gone);
    assert_eq!(dir.create_dir_at(name("new")), gone);
    assert_eq!(dir.symlink_at(b"x", name("new")), gone);
    assert_eq!(root.rename_at(name("file"), &*dir, name("new")), gone);
    assert_eq!(root.link_at(Some(name("file")), &*dir, name("new")), gone);
    dir.set_times(SetTime::At(1), SetTime::At(2)).unwrap();
    assert_eq!(dir.stat().unwrap().mtim, 2);
    assert!(matches!(
        dir.open_at(None, how(NONE, false)),
        Ok(Opened::Dir(_))
    ));
    // A new directory with the same name is another one.
    root.create_dir_at(name("dir")).unwrap();
    assert_ne!(stat(&*root, "dir").ino, dir.stat().unwrap().ino);
    assert_eq!(fs.usage().files, 3);
    drop(dir);
    assert_eq!(fs.usage().files, 3);
    drop(again);
    assert_eq!(fs.usage().files, 2);
}

#[test]
fn an_unlinked_file_that_is_open_stays_as_it_is() {
    let root = fresh().root();
    let file = create(&*root, "file");
    write("text", |ciovs| file.write_at(ciovs, 0));
    root.unlink_at(name("file")).unwrap();
    create(&*root, "file");
    assert_eq!(read(9, |iovs| file.read_at(iovs, 0)), "text");
    assert_eq!(file.stat().unwrap().nlink, 0);
    assert_ne!(file.stat().unwrap().ino, stat(&*root, "file").ino);
}

#[test]
fn hard_links_are_the_same_file() {
    let (root, other) = (fresh().root(), fresh().root());
    let dir = make_dir(&*root, "dir");
    let file = create(&*root, "file");
    root.symlink_at(b"file", name("link")).unwrap();
    root.link_at(Some(name("file")), &*dir, name("more"))
        .unwrap();
    root.link_at(Some(name("link")), &*dir, name("link"))
        .unwrap();
    write("text", |ciovs| file.write_at(ciovs, 0));
    assert_eq!(stat(&*dir, "more"), stat(&*root, "file"));
    assert_eq!(
        (stat(&*dir, "more").nlink, stat(&*dir, "more").size),
        (2, 4)
    );
    assert_eq!(stat(&*dir, "link").filetype, Filetype::SymbolicLink);
    for (old, new_dir, new, refused) in [
        (Some("none"), &dir, "new", Errno::Noent),
        (Some("file"), &dir, "more", Errno::Exist),
        (Some("dir"), &dir, "new", Errno::Perm),
        (Some("dir"), &dir, "more", Errno::Exist),
        (None, &dir, "new", Errno::Perm),
        (None, &dir, "more", Errno::Exist),
        (Some("file"), &other, "new", Errno::Xdev),
    ] {
        let result = root.link_at(old.map(name), &**new_dir, name(new));
        assert_eq!(result, Err(refused), "{old:?} to {new}");
    }
    let moved = root.rename_at(name("file"), &*other, name("file"));
    assert_eq!(moved, Err(Errno::Xdev));
    root.unlink_at(name("file")).unwrap();
    assert_eq!(stat(&*dir, "more").nlink, 1);
}

#[test]
fn symbolic_links_are_as_long_as_their_targets() {
    let root = fresh().root();
    let longest = "t".repeat(4095);
    root.symlink_at(b"\xff/..", name("link")).unwrap();
    root.symlink_at(longest.as_bytes(), name("long")).unwrap();
    assert_eq!(root.read_link_at(name("link")), Ok(b"\xff/..".to_vec()));
    assert_eq!(root.read_link_at(name("long")), Ok(longest.clone().into()));
    assert_eq!(stat(&*root, "link").size, 4);
    create(&*root, "file");
    assert_eq!(root.read_link_at(name("file")), Err(Errno::Inval));
    assert_eq!(root.symlink_at(b"", name("new")), Err(Errno::Noent));
    let longer = [longest.as_bytes(), b"t"].concat();
    let refused = root.symlink_at(&longer, name("new"));
    assert_eq!(refused, Err(Errno::Nametoolong));
}

#[test]
fn directories_count_those_below_and_lead_up() {
    let root = fresh().root();
    let a = make_dir(&*root, "a");
    let b = make_dir(&*a, "b");
    create(&*a, "file");
    assert_eq!(
        [&root, &a, &b].map(|dir| dir.stat().unwrap().nlink),
        [3, 3, 2]
    );
    let mut dir = b;
    for above in [&a, &root, &root] {
        dir = as_directory(dir.open_dotdot().unwrap());
        assert_eq!(dir.stat(), above.stat());
    }
}

#[test]
fn no_number_is_used_twice() {
    let (one, other) = (fresh().root(), fresh().root());
    let devs = [&one, &other].map(|root| root.stat().unwrap().dev);
    assert!(devs[0] >= 1 << 40 && devs[1] >= 1 << 40);
    assert_ne!(devs[0], devs[1]);
    let mut last = one.stat().unwrap().ino;
    for _ in 0..3 {
        let file = create(&*one, "name").stat().unwrap();
        one.unlink_at(name("name")).unwrap();
        one.create_dir_at(name("name")).unwrap();
        let dir = stat(&*one, "name");
        one.remove_dir_at(name("name")).unwrap();
        assert!(last < file.ino && file.ino < dir.ino);
        assert_eq!([file.dev, dir.dev], [devs[0]; 2]);
        last = dir.ino;
    }
}

#[test]
fn trees_may_be_as_deep_as_there_is_room() {
    let fs = fresh();
    let mut dir = fs.root();
    for _ in 0..50_000 {
        dir = make_dir(&*dir, "d");
    }
    let top = fs.root();
    assert_eq!(
        top.rename_at(name("d"), &*dir, name("d")),
        Err(Errno::Inval)
    );
    drop((top, dir));
    assert_eq!(fs.usage().files, 50_000);
}
