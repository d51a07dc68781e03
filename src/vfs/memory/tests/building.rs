use super::*;
use crate::vfs::tests::read;

#[test]
fn files_are_created_with_their_parent_directories() {
    let fs = fresh();
    let content: String = ('a'..='z').cycle().take(200_000).collect();
    fs.create_dir(b"/empty/dir").unwrap();
    fs.create_dir(b"empty//").unwrap();
    fs.create_dir(b"").unwrap();
    fs.file(b"lib/deep/file", content.as_bytes(), Some(5))
        .unwrap();
    fs.file(b"/lib/none", b"", None).unwrap();
    fs.symlink(b"lib/link", b"../lib/deep").unwrap();
    let root = fs.root();
    assert_eq!(list(&*root), [".", "..", "empty", "lib"]);
    let lib = enter(&*root, "lib");
    assert_eq!(list(&*lib), [".", "..", "deep", "none", "link"]);
    assert_eq!(lib.read_link_at(name("link")), Ok(b"../lib/deep".to_vec()));
    assert_eq!(stat(&*lib, "none").size, 0);
    assert_ne!(stat(&*lib, "none").mtim, 5);
    let deep = enter(&*lib, "deep");
    let laid = stat(&*deep, "file");
    assert_eq!(
        (laid.nlink, laid.size, laid.atim, laid.mtim),
        (1, 200_000, 5, 5)
    );
    let file = open(&*deep, "file", NONE).unwrap();
    assert_eq!(read(200_001, |iovs| file.read_at(iovs, 0)), content);
}

#[test]
fn errors_name_the_path() {
    let fs = MemoryFs::new(MemoryFsLimits {
        bytes: 10_000,
        files: 100,
    });
    fs.file(b"a/file", b"text", None).unwrap();
    fs.symlink(b"a/link", b"file").unwrap();
    let before = fs.usage();
    let long = "n".repeat(256);
    for (path, errno, named) in [
        ("a/file", Errno::Exist, "a/file"),
        ("a/link", Errno::Exist, "a/link"),
        ("a", Errno::Exist, "a"),
        ("a/file/x/y", Errno::Notdir, "a/file"),
        ("/a/link/x", Errno::Notdir, "/a/link"),
        ("a/../x", Errno::Inval, "a/.."),
        ("./x", Errno::Inval, "."),
        ("a/..", Errno::Inval, "a/.."),
        ("a/", Errno::Inval, "a/"),
        ("", Errno::Inval, ""),
        ("x\0", Errno::Inval, "x\0"),
        (&long, Errno::Nametoolong, &long),
    ] {
        let error = fs.file(path.as_bytes(), b"", None).unwrap_err();
        assert_eq!((&*error.path, error.errno), (named, errno), "{path}");
    }
    let error = fs.file(b"big", &[0; 10_000], None).unwrap_err();
    assert_eq!(error.errno, Errno::Nospc);
    assert_eq!(error.to_string(), format!("\"big\": {}", Errno::Nospc));
    for (target, errno) in [(&b""[..], Errno::Noent), (b"x\0", Errno::Inval)] {
        assert_eq!(fs.symlink(b"new", target).unwrap_err().errno, errno);
    }
    assert_eq!(fs.create_dir(b"a/file").unwrap_err().errno, Errno::Notdir);
    assert_eq!(fs.usage(), before);
}
