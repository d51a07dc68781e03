use super::*;
use crate::vfs::memory::node::Node;
use crate::vfs::tests::{with_iovecs, write};

fn limited(bytes: u64, files: u64) -> MemoryFs {
    MemoryFs::new(MemoryFsLimits { bytes, files })
}

fn append(file: &FileHandle, len: usize) -> Result<usize> {
    with_iovecs(&mut vec![b'x'; len], |ciovs| file.append(ciovs)).map(|(count, _)| count)
}

#[test]
fn an_empty_one_uses_nothing_and_a_removed_tree_gives_all_back() {
    let fs = fresh();
    let root = fs.root();
    assert_eq!(fs.usage(), Usage::default());
    let dir = make_dir(&*root, "dir");
    for file in 0..100 {
        append(&create(&*dir, &file.to_string()), 1000 * file).unwrap();
        let more = format!("more {file}");
        dir.link_at(Some(name(&file.to_string())), &*root, name(&more))
            .unwrap();
        root.rename_at(name(&more), &*dir, name(&format!("{more}, moved")))
            .unwrap();
    }
    dir.symlink_at(b"target", name("link")).unwrap();
    assert_eq!(fs.usage().files, 102);
    for entry in list(&*dir).iter().skip(2) {
        dir.unlink_at(name(entry)).unwrap();
    }
    root.remove_dir_at(name("dir")).unwrap();
    assert_eq!(fs.usage().files, 1);
    drop(dir);
    assert_eq!(fs.usage(), Usage::default());
}

#[test]
fn room_comes_back_with_the_last_name_and_the_last_descriptor() {
    let fs = limited(1 << 20, 10);
    let root = fs.root();
    let file = create(&*root, "file");
    root.link_at(Some(name("file")), &*root, name("more"))
        .unwrap();
    append(&file, 900_000).unwrap();
    let other = create(&*root, "other");
    let no_room = Err(Errno::Nospc);
    assert_eq!(
        append(&other, 1 << 20).map(|count| count < 1 << 20),
        Ok(true)
    );
    other.set_size(0).unwrap();
    for last in ["file", "more"] {
        root.unlink_at(name(last)).unwrap();
        assert_eq!(
            append(&other, 900_000).map(|count| count < 200_000),
            Ok(true)
        );
        assert_eq!(append(&other, 900_000), no_room);
        other.set_size(0).unwrap();
    }
    drop(file);
    assert_eq!(append(&other, 900_000), Ok(900_000));
    assert!(fs.usage().bytes <= 1 << 20);
}

#[test]
fn without_room_nothing_is_made_and_what_is_there_stays() {
    let fs = limited(4 << 10, 100);
    let root = fs.root();
    let mut made = 0;
    let refused = loop {
        match open(&*root, &made.to_string(), Oflags::CREAT) {
            Ok(_) => made += 1,
            Err(errno) => break errno,
        }
    };
    assert_eq!(refused, Errno::Nospc);
    assert_eq!(fs.usage().files, made);
    let before = fs.usage();
    assert_eq!(root.create_dir_at(name("dir")), Err(Errno::Nospc));
    assert_eq!(
        root.symlink_at(&[b'x'; 4000], name("link")),
        Err(Errno::Nospc)
    );
    let long = "n".repeat(255);
    for _ in 0..2 {
        // At most one of that length fits.
        let _ = root.link_at(Some(name("0")), &*root, name(&long));
    }
    let longer = "n".repeat(254);
    assert_eq!(
        root.link_at(Some(name("0")), &*root, name(&longer)),
        Err(Errno::Nospc)
    );
    let _ = root.unlink_at(name(&long));
    assert_eq!(fs.usage(), before);
    // A name that is not longer than the old one always fits.
    root.rename_at(name("0"), &*root, name("x")).unwrap();
    root.rename_at(name("x"), &*root, name("1")).unwrap();
    assert_eq!(fs.usage().files, made - 1);
}

#[test]
fn files_are_counted() {
    let fs = limited(1 << 20, 3);
    let root = fs.root();
    let file = create(&*root, "file");
    root.create_dir_at(name("dir")).unwrap();
    root.symlink_at(b"x", name("link")).unwrap();
    let full = fs.usage();
    assert_eq!(full.files, 3);
    let no_room = Err(Errno::Nospc);
    assert_eq!(open(&*root, "new", Oflags::CREAT).map(drop), no_room);
    assert_eq!(root.create_dir_at(name("new")), no_room);
    assert_eq!(root.symlink_at(b"x", name("new")), no_room);
    assert_eq!(fs.usage(), full);
    // EEXIST comes before ENOSPC, and a hard link is no other file.
    assert_eq!(root.create_dir_at(name("dir")), Err(Errno::Exist));
    root.link_at(Some(name("file")), &*root, name("more"))
        .unwrap();
    root.unlink_at(name("file")).unwrap();
    root.unlink_at(name("more")).unwrap();
    assert_eq!(root.create_dir_at(name("new")), no_room);
    drop(file);
    root.create_dir_at(name("new")).unwrap();
}

#[test]
fn a_write_is_cut_where_the_room_ends_and_leaves_no_trace_behind() {
    let fs = limited(200 << 10, 10);
    let file = create(&*fs.root(), "file");
    let written = append(&file, 1 << 20).unwrap();
    assert_eq!(written, 192 << 10);
    assert_eq!(file.stat().unwrap().size, written as u64);
    let before = fs.usage();
    // A write that fails changes neither the size nor the usage.
    for far in 1..1000_u64 {
        let refused = with_iovecs(&mut [0; 1], |ciovs| file.write_at(ciovs, (far << 20) - 1));
        assert_eq!(refused, Err(Errno::Nospc));
    }
    assert_eq!(
        (fs.usage(), file.stat().unwrap().size),
        (before, written as u64)
    );
}

#[test]
fn a_small_file_takes_little() {
    let fs = fresh();
    let file = create(&*fs.root(), "file");
    write(&"x".repeat(100), |ciovs| file.write_at(ciovs, 0));
    drop(file);
    assert!(fs.usage().bytes < 370, "{:?}", fs.usage());
    assert!(size_of::<Node>() <= 104, "{}", size_of::<Node>());
}
