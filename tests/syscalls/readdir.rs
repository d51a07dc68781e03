use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use wasi_rs::abi::Errno::{Badf, Notcapable, Notdir, Overflow};
use wasi_rs::abi::{Dirent, Filetype, Record, Rights};

use crate::support::{BUF, BUF_LEN, CLOSED, END, Guest, OUT, Open, PREOPEN, filetype};

/// What one call gives: the entries that are whole, and whether it says that there is no more.
struct Page {
    entries: Vec<(String, Dirent)>,
    last: bool,
}

/// One call with room for `buf_len` bytes.
fn page(guest: &Guest, fd: u64, buf_len: u64, cookie: u64) -> Page {
    let outcome = guest.call("fd_readdir", [fd, BUF, buf_len, cookie, OUT]);
    outcome.wrote_within(&[(BUF, buf_len), (OUT, 4)]);
    let bufused: u64 = outcome.u32_at(OUT).into();
    assert!(bufused <= buf_len);
    outcome.wrote_within(&[(BUF, bufused), (OUT, 4)]);
    let mut entries = Vec::new();
    let mut at = 0;
    while at + Dirent::SIZE as u64 <= bufused {
        let dirent: Dirent = outcome.record_at(BUF + at);
        at += Dirent::SIZE as u64;
        let name_len = u64::from(dirent.d_namlen);
        if at + name_len > bufused {
            break;
        }
        let name = outcome.bytes_at(BUF + at, name_len);
        entries.push((String::from_utf8(name).unwrap(), dirent));
        at += name_len;
    }
    Page {
        entries,
        last: bufused < buf_len,
    }
}

/// All entries from a cookie on, read with a buffer of one size. A buffer too small for a name is
/// doubled, as wasi-libc does.
fn list(guest: &Guest, fd: u64, buf_len: u64, mut cookie: u64) -> Vec<(String, Dirent)> {
    let mut entries = Vec::new();
    let mut size = buf_len;
    loop {
        let page = page(guest, fd, size, cookie);
        if let Some((_, dirent)) = page.entries.last() {
            cookie = dirent.d_next;
            size = buf_len;
        } else {
            size = (size * 2).max(1);
        }
        entries.extend(page.entries);
        if page.last {
            return entries;
        }
    }
}

fn names(entries: &[(String, Dirent)]) -> Vec<&str> {
    let mut names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names
}

const NAMES: [&str; 8] = [
    ".", "..", "dangling", "dir", "dirlink", "empty", "file", "link",
];

/// A guest without the link that `stat` cannot follow, so that names are as above.
fn guest() -> Guest {
    let guest = Guest::new();
    fs::remove_file(guest.scratch.inside("loop")).unwrap();
    guest
}

pub mod fd_readdir {
    use super::*;

    #[test]
    pub fn works() {
        let guest = guest();
        let entries = list(&guest, PREOPEN, BUF_LEN, 0);
        assert_eq!(names(&entries), NAMES);
        for (name, dirent) in entries {
            // What lies above the preopen is not the guest's to know.
            let host = if name == ".." { "." } else { name.as_str() };
            let metadata = guest.scratch.inside(host).symlink_metadata().unwrap();
            let expected = match metadata.file_type() {
                kind if kind.is_dir() => Filetype::Directory,
                kind if kind.is_symlink() => Filetype::SymbolicLink,
                _ => Filetype::RegularFile,
            };
            assert_eq!(filetype(dirent.d_type), expected, "{name}");
            if name != ".." {
                assert_eq!(dirent.d_ino, metadata.ino(), "{name}");
            }
        }
    }

    #[test]
    pub fn refusals() {
        let guest = guest();
        let file = guest.open("file", Open::FILE);
        let lacking = guest.dir_without(Rights::FD_READDIR);
        guest.refuses(
            "fd_readdir",
            &[
                ("not open", vec![CLOSED, 0, 50, 0, OUT], Badf),
                (
                    "not open, beyond memory",
                    vec![CLOSED, END - 50, 51, 0, OUT],
                    Overflow,
                ),
                (
                    "beyond memory",
                    vec![PREOPEN, END - 50, 51, 0, OUT],
                    Overflow,
                ),
                (
                    "no room, at the end of memory",
                    vec![PREOPEN, END, 0, 0, OUT],
                    Overflow,
                ),
                (
                    "as long as can be",
                    vec![PREOPEN, 0, u32::MAX.into(), 0, OUT],
                    Overflow,
                ),
                (
                    "the result beyond memory",
                    vec![PREOPEN, 0, 50, 0, END - 3],
                    Overflow,
                ),
                (
                    "without the right",
                    vec![lacking, 0, 50, 0, OUT],
                    Notcapable,
                ),
                ("a file", vec![file, 0, 50, 0, OUT], Notcapable),
                (
                    "a device, which has every right",
                    vec![0, 0, 50, 0, OUT],
                    Notdir,
                ),
            ],
        );
    }

    #[test]
    fn every_size_of_buffer_lists_the_same() {
        let guest = guest();
        for buf_len in 0..=100 {
            assert_eq!(
                names(&list(&guest, PREOPEN, buf_len, 0)),
                NAMES,
                "{buf_len} bytes"
            );
        }
    }

    #[test]
    fn the_last_entry_is_cut_where_the_buffer_ends() {
        let guest = guest();
        let whole = guest.call("fd_readdir", [PREOPEN, BUF, BUF_LEN, 0, OUT]);
        whole.wrote_within(&[(BUF, BUF_LEN), (OUT, 4)]);
        let bufused = u64::from(whole.u32_at(OUT));
        let all = whole.bytes_at(BUF, bufused);
        for buf_len in 0..=bufused {
            let outcome = guest.call("fd_readdir", [PREOPEN, BUF, buf_len, 0, OUT]);
            let cut = &all[..buf_len as usize];
            outcome.wrote(&[(BUF, cut), (OUT, &(buf_len as u32).to_le_bytes())]);
        }
    }

    #[test]
    fn each_cookie_leads_to_the_entry_behind() {
        let guest = guest();
        let entries = list(&guest, PREOPEN, BUF_LEN, 0);
        // From the back, so that none is where the call before left off.
        for (index, (_, dirent)) in entries.iter().enumerate().rev() {
            let rest = list(&guest, PREOPEN, BUF_LEN, dirent.d_next);
            assert_eq!(rest, entries[index + 1..], "behind {index}");
        }
    }

    #[test]
    fn behind_the_last_entry_is_nothing() {
        let guest = guest();
        let entries = list(&guest, PREOPEN, BUF_LEN, 0);
        let end = entries.last().unwrap().1.d_next;
        let call = || guest.call("fd_readdir", [PREOPEN, BUF, 50, end, OUT]);
        for _ in 0..2 {
            call().wrote(&[(OUT, &[0; 4])]);
        }
    }

    /// Where a stream is read first is what ext4 goes back to when the start is sought.
    #[test]
    fn the_end_is_no_start_if_it_is_where_a_listing_begins() {
        let guest = guest();
        let entries = list(&guest, PREOPEN, BUF_LEN, 0);
        let fd = guest.open(".", Open::DIR);
        assert!(list(&guest, fd, BUF_LEN, entries.last().unwrap().1.d_next).is_empty());
        assert_eq!(list(&guest, fd, BUF_LEN, 0), entries);
    }

    /// What they mean is the file system's affair; the guest gets entries, nothing or an errno.
    #[test]
    fn cookies_may_be_anything() {
        let guest = guest();
        let fd = guest.open(".", Open::DIR);
        for cookie in [1, 7, 1 << 31, 1 << 62, i64::MAX as u64, 1 << 63, u64::MAX] {
            let _ = guest.call("fd_readdir", [fd, BUF, BUF_LEN, cookie, OUT]);
            assert_eq!(
                names(&list(&guest, fd, BUF_LEN, 0)),
                NAMES,
                "after {cookie}"
            );
        }
    }

    #[test]
    fn from_the_start_shows_what_came_since() {
        let guest = guest();
        for size in [30, BUF_LEN] {
            list(&guest, PREOPEN, size, 0);
            let name = format!("new{size}");
            fs::write(guest.scratch.inside(&name), "").unwrap();
            assert!(names(&list(&guest, PREOPEN, size, 0)).contains(&name.as_str()));
            fs::remove_file(guest.scratch.inside(&name)).unwrap();
            assert_eq!(names(&list(&guest, PREOPEN, size, 0)), NAMES);
        }
    }

    #[test]
    fn descriptors_of_one_directory_have_their_own_place() {
        let guest = guest();
        let other = guest.open(".", Open::DIR);
        let first = page(&guest, PREOPEN, 70, 0);
        assert_eq!(names(&list(&guest, other, BUF_LEN, 0)), NAMES);
        let (_, last) = first.entries.last().unwrap();
        let rest = list(&guest, PREOPEN, BUF_LEN, last.d_next);
        assert_eq!(first.entries.len() + rest.len(), NAMES.len());
    }

    #[test]
    fn a_directory_opened_as_whatever_it_is_is_listed() {
        let guest = guest();
        let fd = guest.open("dir", Open::READ.base(Rights::FD_READDIR));
        assert_eq!(
            names(&list(&guest, fd, 40, 0)),
            [".", "..", "nested", "sub"]
        );
    }

    #[test]
    fn a_directory_without_entries_has_two() {
        let guest = guest();
        let fd = guest.open("dir/sub", Open::DIR);
        assert_eq!(names(&list(&guest, fd, BUF_LEN, 0)), [".", ".."]);
    }

    #[test]
    fn a_directory_that_was_removed_has_none() {
        let guest = guest();
        let fd = guest.open("dir/sub", Open::DIR);
        fs::remove_dir(guest.scratch.inside("dir/sub")).unwrap();
        assert!(list(&guest, fd, BUF_LEN, 0).is_empty());
    }

    #[test]
    fn a_directory_that_moved_is_listed() {
        let guest = guest();
        let fd = guest.open("dir", Open::DIR);
        fs::rename(
            guest.scratch.inside("dir"),
            guest.scratch.inside("elsewhere"),
        )
        .unwrap();
        assert_eq!(
            names(&list(&guest, fd, BUF_LEN, 0)),
            [".", "..", "nested", "sub"]
        );
    }

    #[test]
    fn deleting_while_listing_leaves_none_out() {
        let guest = guest();
        let dir = guest.scratch.inside("many");
        fs::create_dir(&dir).unwrap();
        let expected: BTreeSet<_> = (0..300).map(|index| format!("file{index}")).collect();
        for name in &expected {
            fs::write(dir.join(name), "").unwrap();
        }
        let fd = guest.open("many", Open::DIR);
        let mut times_seen = BTreeMap::new();
        let mut cookie = 0;
        loop {
            let page = page(&guest, fd, 150, cookie);
            for (name, dirent) in page.entries {
                cookie = dirent.d_next;
                if !name.starts_with('.') {
                    fs::remove_file(dir.join(&name)).unwrap();
                    *times_seen.entry(name).or_insert(0) += 1;
                }
            }
            if page.last {
                break;
            }
        }
        assert!(times_seen.values().all(|times| *times == 1));
        assert_eq!(times_seen.into_keys().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn names_are_bytes_of_any_length() {
        let guest = guest();
        let long = "n".repeat(255);
        for name in [long.as_str(), "ü", "with space", "...", "-"] {
            fs::write(guest.scratch.inside("dir/sub").join(name), "").unwrap();
        }
        let fd = guest.open("dir/sub", Open::DIR);
        let entries = list(&guest, fd, 30, 0);
        assert_eq!(
            names(&entries),
            ["-", ".", "..", "...", &long, "with space", "ü"]
        );
    }
}
