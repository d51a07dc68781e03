use std::collections::BTreeMap;

use super::*;
use crate::abi::Filetype;

#[test]
fn entries_have_small_cookies_in_the_order_of_their_insertion() {
    let root = fresh().root();
    let dir = make_dir(&*root, "dir");
    create(&*dir, "z");
    dir.create_dir_at(name("a")).unwrap();
    dir.symlink_at(b"z", name("m")).unwrap();
    let mut stream = dir.read_dir().unwrap();
    let mut cookie = 0;
    for (text, next, filetype, ino) in [
        (".", 1, Filetype::Directory, dir.stat().unwrap().ino),
        ("..", 2, Filetype::Directory, root.stat().unwrap().ino),
        ("z", 3, Filetype::RegularFile, stat(&*dir, "z").ino),
        ("a", 4, Filetype::Directory, stat(&*dir, "a").ino),
        ("m", 5, Filetype::SymbolicLink, stat(&*dir, "m").ino),
    ] {
        let entry = stream.read(cookie).unwrap().unwrap();
        assert_eq!(entry.name, text.as_bytes());
        assert_eq!(
            (entry.ino, entry.filetype, entry.next),
            (ino, filetype, next)
        );
        cookie = next;
    }
    for cookie in [5, 6, u64::MAX] {
        assert_eq!(stream.read(cookie), Ok(None));
    }
    // A cookie stays valid after its entry was removed.
    dir.unlink_at(name("z")).unwrap();
    let name_at = |cookie| {
        let mut stream = dir.read_dir().unwrap();
        String::from_utf8(stream.read(cookie).unwrap().unwrap().name.to_vec()).unwrap()
    };
    assert_eq!([2, 3, 4].map(name_at), ["a", "a", "m"]);
    create(&*dir, "z");
    assert_eq!(list(&*dir), [".", "..", "a", "m", "z"]);
    assert_eq!(name_at(5), "z");
}

#[test]
fn entries_that_stay_are_listed_once_while_others_come_and_go() {
    let root = fresh().root();
    for stays in 0..300 {
        create(&*root, &format!("stays {stays}"));
        create(&*root, &format!("goes {stays}"));
    }
    let mut stream = root.read_dir().unwrap();
    let mut seen = BTreeMap::<String, u32>::new();
    let mut cookie = 0;
    for turn in 0.. {
        let Some(entry) = stream.read(cookie).unwrap() else {
            break;
        };
        cookie = entry.next;
        let listed = String::from_utf8(entry.name.to_vec()).unwrap();
        *seen.entry(listed).or_default() += 1;
        if turn < 300 {
            root.unlink_at(name(&format!("goes {}", 299 - turn)))
                .unwrap();
            create(&*root, &format!("comes {turn}"));
            // A name that is replaced by a new file is there all the time.
            create(&*root, "new");
            let replaced = format!("stays {}", turn * 7 % 300);
            root.rename_at(name("new"), &*root, name(&replaced))
                .unwrap();
        }
    }
    for stays in 0..300 {
        assert_eq!(seen[&format!("stays {stays}")], 1, "{stays}");
    }
    assert!(seen.values().all(|times| *times == 1));
}

#[test]
fn a_directory_of_which_all_is_removed_while_it_is_listed_is_empty_then() {
    let root = fresh().root();
    for file in 0..1000 {
        create(&*root, &file.to_string());
    }
    let mut stream = root.read_dir().unwrap();
    let mut cookie = 2;
    while let Some(entry) = stream.read(cookie).unwrap() {
        cookie = entry.next;
        root.unlink_at(Name::new(entry.name).unwrap()).unwrap();
    }
    assert_eq!(list(&*root), [".", ".."]);
}

#[test]
fn a_stream_keeps_a_removed_directory_for_as_long_as_it_is_there() {
    let fs = fresh();
    let root = fs.root();
    let mut stream = make_dir(&*root, "dir").read_dir().unwrap();
    root.remove_dir_at(name("dir")).unwrap();
    assert_eq!(stream.read(0), Ok(None));
    assert_eq!(fs.usage().files, 1);
    drop(stream);
    assert_eq!(fs.usage(), Usage::default());
}
