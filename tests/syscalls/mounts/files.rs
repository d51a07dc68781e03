//! Mounted files.

use super::*;

fn checks(guest: &Guest, fd: u64, path: &str) {
    reads(guest, fd, &[(path, "{}")]);
    let stat = stat(guest, fd, path);
    assert_eq!((stat.filetype, stat.size), (Filetype::RegularFile, 2));
    let at = |path: &str| guest.at(fd, path, &[]);
    let open = |open: Open| guest.open_args(fd, path, open);
    let exclusive = Open::FILE.oflags(Oflags::CREAT | Oflags::EXCL);
    guest.refuses(
        "path_open",
        &[
            ("new", open(exclusive), Exist),
            ("a directory", open(Open::DIR), Notdir),
            (
                "below",
                guest.open_args(fd, &format!("{path}/x"), Open::READ),
                Notdir,
            ),
        ],
    );
    guest.refuses("path_unlink_file", &[("it", at(path), Busy)]);
    guest.refuses("path_remove_directory", &[("it", at(path), Notdir)]);
    guest.refuses("path_create_directory", &[("it", at(path), Exist)]);
    let slash = format!("{path}/");
    assert_eq!(stat_errno(guest, fd, &slash), Notdir);
}

#[test]
fn a_file_is_mounted_by_its_name() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.scratch.create_dir("etc");
        setup.scratch.write("etc/app.json", "theirs");
        setup.scratch.write("etc/other", "other");
        setup.other_preopens.push(file("/etc/app.json", "{}"));
        setup.other_preopens.push(file("/not/there/file", "{}"));
    }) {
        checks(&guest, ROOT, "etc/app.json");
        checks(&guest, ROOT, "not/there/file");
        reads(&guest, ROOT, &[("etc/other", "other")]);
        let etc = guest.open("etc", Open::DIR);
        checks(&guest, etc, "app.json");
        assert_eq!(names(&guest, ROOT, "etc"), ["app.json", "other"]);
        let at = |path: &str| guest.at(ROOT, path, &[]);
        guest.refuses(
            "path_rename",
            &[
                ("away", args(&[&at("etc/app.json"), &at("away")]), Busy),
                ("replaced", args(&[&at("file"), &at("etc/app.json")]), Busy),
                (
                    "by a directory",
                    args(&[&at("dir"), &at("etc/app.json")]),
                    Notdir,
                ),
            ],
        );
        let link = both(at("etc/app.json"), &[NO_FOLLOW], at("new"));
        guest.refuses("path_link", &[("another name", link, Xdev)]);
        // It is written to, even if it is opened with `CREAT`.
        let fd = guest.open(
            "etc/app.json",
            Open::FILE.oflags(Oflags::CREAT | Oflags::TRUNC),
        );
        guest.write(fd, "new");
        reads(&guest, etc, &[("app.json", "new")]);
        assert_eq!(guest.scratch.text("etc/app.json"), "theirs");
        guest.ctx.unmount("/etc/app.json", true).unwrap();
        reads(&guest, etc, &[("app.json", "theirs")]);
    }
}

#[test]
fn a_preopen_is_created_if_none_is_above_the_mount() {
    for guest in Guest::every_way(|setup| {
        setup.other_preopens.push(file("/etc/app.json", "{}"));
        setup.other_preopens.push(file("/etc/second", "{}"));
    }) {
        checks(&guest, PREOPEN + 1, "app.json");
        checks(&guest, PREOPEN + 1, "second");
        assert_eq!(names(&guest, PREOPEN + 1, "."), ["app.json", "second"]);
        let new = guest.at(PREOPEN + 1, "new", &[]);
        guest.refuses("path_create_directory", &[("new", new, Notcapable)]);
        assert_eq!(
            guest.errno("fd_prestat_get", [PREOPEN + 2, OUT]),
            Errno::Badf
        );
    }
    for guest in plain() {
        guest.ctx.mount(file("/etc/app.json", "{}"), false).unwrap();
        guest.ctx.unmount("/etc/app.json", false).unwrap();
        assert_eq!(guest.errno("fd_prestat_get", [LIB, OUT]), Errno::Badf);
        assert_eq!(stat_errno(&guest, ROOT, "etc"), Noent);
    }
}

#[test]
fn one_for_reading_is_not_written() {
    for guest in plain() {
        guest
            .ctx
            .mount(read_only(file("/dir/nested", "{}")), true)
            .unwrap();
        checks(&guest, ROOT, "dir/nested");
        let times = |path: &str| args(&[&[ROOT, FOLLOW], &guest.store(path), &[0, 0, 0b0101]]);
        let open = |open: Open| guest.open_args(ROOT, "dir/nested", open);
        guest.refuses(
            "path_open",
            &[
                ("to write", open(Open::FILE), Notcapable),
                (
                    "to truncate",
                    open(Open::READ.oflags(Oflags::TRUNC)),
                    Notcapable,
                ),
            ],
        );
        let times = times("dir/nested");
        guest.refuses("path_filestat_set_times", &[("times", times, Notcapable)]);
        assert_eq!(guest.scratch.text("dir/nested"), "nested");
    }
}
