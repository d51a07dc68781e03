use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use wasi_rs::abi::Errno::{Badf, Intr, Notcapable, Notdir, Overflow, Success};
use wasi_rs::abi::{Dirent, Filetype, Record, Rights};

use crate::support::{BUF, BUF_LEN, CLOSED, END, Guest, OUT, Open, PREOPEN, Way};

/// The result of one call: the complete entries, and whether it is the end.
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

/// All entries from a cookie on, read with a buffer of this size. It is doubled if a name does not fit, as in
/// wasi-libc.
pub fn list(guest: &Guest, fd: u64, buf_len: u64, mut cookie: u64) -> Vec<(String, Dirent)> {
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

/// Opens a directory with so many files.
fn many(guest: &Guest, count: usize) -> u64 {
    guest.scratch.create_dir("many");
    for index in 0..count {
        guest.scratch.write(&format!("many/file{index}"), "");
    }
    guest.open("many", Open::DIR)
}

/// Renames a file in that directory.
fn rename(guest: &Guest, name: &str) {
    let [old, new] = ["", "new-"].map(|prefix| format!("many/{prefix}{name}"));
    guest.scratch.rename(&old, &new);
}

/// Guests without the dangling link, which `stat` cannot follow.
fn guests() -> Vec<Guest> {
    Guest::every_backend(|setup| setup.scratch.remove("loop"))
}

pub mod fd_readdir {
    use super::*;

    #[test]
    pub fn works() {
        for guest in guests() {
            let entries = list(&guest, PREOPEN, BUF_LEN, 0);
            assert_eq!(names(&entries), NAMES);
            for (name, dirent) in entries {
                // What is above the preopen is hidden from the guest: `..` is the preopen itself.
                let host = if name == ".." { "." } else { name.as_str() };
                let stat = guest.scratch.stat(host);
                assert_eq!(dirent.d_type, stat.filetype, "{name}");
                assert_eq!(dirent.d_ino, stat.ino, "{name}");
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in guests() {
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
    }

    #[test]
    fn every_size_of_buffer_lists_the_same() {
        for guest in guests() {
            for buf_len in 0..=100 {
                assert_eq!(
                    names(&list(&guest, PREOPEN, buf_len, 0)),
                    NAMES,
                    "{buf_len} bytes"
                );
            }
        }
    }

    #[test]
    fn the_last_entry_is_cut_where_the_buffer_ends() {
        for guest in guests() {
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
    }

    #[test]
    fn each_cookie_leads_to_the_entry_behind() {
        for guest in guests() {
            let entries = list(&guest, PREOPEN, BUF_LEN, 0);
            // From the last to the first, so that none continues the call before.
            for (index, (_, dirent)) in entries.iter().enumerate().rev() {
                let rest = list(&guest, PREOPEN, BUF_LEN, dirent.d_next);
                assert_eq!(rest, entries[index + 1..], "behind {index}");
            }
        }
    }

    /// wasi-libc's `telldir` returns a `long`, which `seekdir` takes.
    #[test]
    fn each_cookie_fits_the_long_of_a_32_bit_libc() {
        let guest = Guest::new();
        let fd = many(&guest, 20_000);
        let entries = list(&guest, fd, BUF_LEN, 0);
        assert_eq!(entries.len(), 20_002);
        for (index, (name, dirent)) in entries.iter().enumerate().rev().step_by(97) {
            let long = i32::try_from(dirent.d_next).expect(name);
            let found = page(&guest, fd, 300, long as u64).entries;
            let expected = &entries[index + 1..];
            assert_eq!(found.first(), expected.first(), "behind {name}");
        }
    }

    #[test]
    fn a_cookie_stays_valid_when_entries_are_removed_and_added() {
        for guest in guests() {
            if guest.lists_at_once() {
                continue;
            }
            let fd = many(&guest, 2000);
            let entries = list(&guest, fd, BUF_LEN, 0);
            let mut removed = BTreeSet::new();
            for (index, (name, _)) in entries.iter().enumerate() {
                if !name.starts_with('.') && (index % 3 == 0 || (700..900).contains(&index)) {
                    rename(&guest, name);
                    removed.insert(index);
                }
            }
            // Several times: later calls must not change what earlier cookies mean.
            for (index, (_, dirent)) in entries.iter().enumerate().step_by(29) {
                let rest = list(&guest, fd, BUF_LEN, dirent.d_next);
                let next = rest.iter().find(|(name, _)| !name.starts_with("new-"));
                let expected = (index + 1..entries.len()).find(|index| !removed.contains(index));
                let expected = expected.map(|expected| &entries[expected].0);
                assert_eq!(next.map(|(name, _)| name), expected, "behind {index}");
            }
        }
    }

    #[test]
    fn entries_that_change_during_a_listing_are_listed_once() {
        for change in [
            |guest: &Guest, name: &str| guest.scratch.write(&format!("many/new-{name}"), ""),
            rename,
        ] {
            for guest in guests() {
                let fd = many(&guest, 1000);
                let mut times_seen = BTreeMap::new();
                let mut cookie = 0;
                loop {
                    let page = page(&guest, fd, 700, cookie);
                    for (name, dirent) in page.entries {
                        cookie = dirent.d_next;
                        if name.starts_with("file") {
                            change(&guest, &name);
                            *times_seen.entry(name).or_insert(0) += 1;
                        }
                    }
                    if page.last {
                        break;
                    }
                }
                assert!(times_seen.values().all(|times| *times == 1));
                assert_eq!(times_seen.len(), 1000);
            }
        }
    }

    /// Two threads list one descriptor in turns, and use each other's cookies.
    #[test]
    fn a_cookie_is_the_descriptors_and_not_the_listings() {
        for guest in guests() {
            let fd = many(&guest, 500);
            let whole = list(&guest, fd, BUF_LEN, 0);
            let mut cookies = [0, whole[300].1.d_next];
            let mut found = [vec![], vec![]];
            while found.iter().any(|found| found.len() < 150) {
                for (cookie, found) in cookies.iter_mut().zip(&mut found) {
                    let page = page(&guest, fd, 500, *cookie);
                    *cookie = page.entries.last().unwrap().1.d_next;
                    found.extend(page.entries);
                }
            }
            let [first, second] = &found;
            assert_eq!(*first, whole[..first.len()]);
            assert_eq!(*second, whole[301..][..second.len()]);
        }
    }

    #[test]
    fn the_cookies_of_another_descriptor_count_entries() {
        for guest in guests() {
            let fd = many(&guest, 500);
            let entries = list(&guest, fd, BUF_LEN, 0);
            let other = guest.open("many", Open::DIR);
            let rest = list(&guest, other, BUF_LEN, entries[300].1.d_next);
            assert_eq!(rest, entries[301..]);
        }
    }

    #[test]
    fn the_directory_above_what_the_guest_was_given_is_not_told() {
        for guest in Guest::every_backend(|setup| {
            setup.preopens = vec![("/", "inside"), ("/dir", "inside/dir")];
        }) {
            let ino = |path| guest.scratch.stat(path).ino;
            let above = |fd| {
                let entries = list(&guest, fd, BUF_LEN, 0);
                let found = entries.iter().find(|(name, _)| name == "..").unwrap().1;
                assert_eq!(found.d_type, Filetype::Directory);
                found.d_ino
            };
            let again = guest.open("dir/..", Open::DIR);
            let as_file = guest.open(".", Open::READ.base(Rights::FD_READDIR));
            let below = guest.open("dir/sub", Open::DIR);
            for fd in [PREOPEN, again, as_file] {
                assert_eq!(above(fd), ino("."));
            }
            assert_eq!(above(PREOPEN + 1), ino("dir"));
            assert_eq!(above(below), ino("dir"));
            guest.ok("fd_close", [PREOPEN]);
            assert_eq!(above(again), ino("."));
        }
    }

    /// A seek to a large cookie reads the whole directory of the host, and can be interrupted.
    #[test]
    fn a_thread_that_lists_can_be_stopped() {
        for guest in Guest::every_way_of_host(|_| {}) {
            let fd = many(&guest, 3000);
            thread::scope(|scope| {
                let checks = AtomicU32::new(0);
                let guest = guest.interruptible(move || checks.fetch_add(1, Relaxed) == 3);
                scope.spawn(move || {
                    let args = [fd, BUF, BUF_LEN, u64::MAX, OUT];
                    assert_eq!(guest.errno("fd_readdir", args), Intr);
                    assert_eq!(guest.errno("fd_readdir", args), Success);
                });
            });
            assert_eq!(list(&guest, fd, BUF_LEN, 0).len(), 3002);
        }
    }

    /// Other directories are read entry by entry, and the thread is interrupted between two.
    #[test]
    fn a_thread_that_lists_no_directory_of_the_host_can_be_stopped() {
        for way in [Way::Memory, Way::Forwarding] {
            let guest = Guest::with_way(way, |_| {});
            let fd = many(&guest, 30);
            let checks = AtomicU32::new(0);
            let asked = guest.interruptible(move || checks.fetch_add(1, Relaxed) >= 10);
            let entries = page(&asked, fd, BUF_LEN, 0).entries;
            assert!(!entries.is_empty() && entries.len() <= 10);
            asked.refuses(
                "fd_readdir",
                &[("stopped", vec![fd, BUF, BUF_LEN, 0, OUT], Intr)],
            );
            assert_eq!(list(&guest, fd, BUF_LEN, 0).len(), 32);
        }
    }

    #[test]
    fn behind_the_last_entry_is_nothing() {
        for guest in guests() {
            let entries = list(&guest, PREOPEN, BUF_LEN, 0);
            let end = entries.last().unwrap().1.d_next;
            let call = || guest.call("fd_readdir", [PREOPEN, BUF, 50, end, OUT]);
            for _ in 0..2 {
                call().wrote(&[(OUT, &[0; 4])]);
            }
        }
    }

    /// On ext4, a rewind seeks to where a stream was first read.
    #[test]
    fn the_end_is_no_start_if_it_is_where_a_listing_begins() {
        for guest in guests() {
            let entries = list(&guest, PREOPEN, BUF_LEN, 0);
            let fd = guest.open(".", Open::DIR);
            assert!(list(&guest, fd, BUF_LEN, entries.last().unwrap().1.d_next).is_empty());
            assert_eq!(list(&guest, fd, BUF_LEN, 0), entries);
        }
    }

    /// A cookie that was never returned is an index; beyond the last entry, it is the end.
    #[test]
    fn cookies_may_be_anything() {
        for guest in guests() {
            let entries = list(&guest, PREOPEN, BUF_LEN, 0);
            for cookie in [1, 7, 8, 9, 1 << 31, 1 << 62, 1 << 63, u64::MAX] {
                let fd = guest.open(".", Open::DIR);
                let expected = entries.get(cookie as usize..).unwrap_or_default();
                assert_eq!(list(&guest, fd, BUF_LEN, cookie), expected, "from {cookie}");
                assert_eq!(list(&guest, fd, BUF_LEN, 0), entries, "after {cookie}");
            }
        }
    }

    #[test]
    fn a_rewind_shows_entries_that_were_added_since() {
        for guest in guests() {
            for size in [30, BUF_LEN] {
                list(&guest, PREOPEN, size, 0);
                let name = format!("new{size}");
                guest.scratch.write(&name, "");
                assert!(names(&list(&guest, PREOPEN, size, 0)).contains(&name.as_str()));
                guest.scratch.remove(&name);
                assert_eq!(names(&list(&guest, PREOPEN, size, 0)), NAMES);
            }
        }
    }

    #[test]
    fn descriptors_of_one_directory_have_their_own_place() {
        for guest in guests() {
            let other = guest.open(".", Open::DIR);
            let first = page(&guest, PREOPEN, 70, 0);
            assert_eq!(names(&list(&guest, other, BUF_LEN, 0)), NAMES);
            let (_, last) = first.entries.last().unwrap();
            let rest = list(&guest, PREOPEN, BUF_LEN, last.d_next);
            assert_eq!(first.entries.len() + rest.len(), NAMES.len());
        }
    }

    #[test]
    fn a_directory_opened_without_oflags_directory_is_listed() {
        for guest in guests() {
            let fd = guest.open("dir", Open::READ.base(Rights::FD_READDIR));
            assert_eq!(
                names(&list(&guest, fd, 40, 0)),
                [".", "..", "nested", "sub"]
            );
        }
    }

    #[test]
    fn an_empty_directory_lists_dot_and_dotdot() {
        for guest in guests() {
            let fd = guest.open("dir/sub", Open::DIR);
            assert_eq!(names(&list(&guest, fd, BUF_LEN, 0)), [".", ".."]);
        }
    }

    #[test]
    fn a_directory_that_was_removed_has_none() {
        for guest in guests() {
            let fd = guest.open("dir/sub", Open::DIR);
            guest.scratch.remove("dir/sub");
            assert!(list(&guest, fd, BUF_LEN, 0).is_empty());
        }
    }

    #[test]
    fn a_directory_that_moved_is_listed() {
        for guest in guests() {
            let fd = guest.open("dir", Open::DIR);
            guest.scratch.rename("dir", "elsewhere");
            assert_eq!(
                names(&list(&guest, fd, BUF_LEN, 0)),
                [".", "..", "nested", "sub"]
            );
        }
    }

    #[test]
    fn deleting_while_listing_leaves_none_out() {
        for guest in guests() {
            let fd = many(&guest, 300);
            let expected: BTreeSet<_> = (0..300).map(|index| format!("file{index}")).collect();
            let mut times_seen = BTreeMap::new();
            let mut cookie = 0;
            loop {
                let page = page(&guest, fd, 150, cookie);
                for (name, dirent) in page.entries {
                    cookie = dirent.d_next;
                    if !name.starts_with('.') {
                        guest.scratch.remove(&format!("many/{name}"));
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
    }

    #[test]
    fn names_are_bytes_of_any_length() {
        for guest in guests() {
            let long = "n".repeat(255);
            for name in [long.as_str(), "ü", "with space", "...", "-"] {
                guest.scratch.write(&format!("dir/sub/{name}"), "");
            }
            let fd = guest.open("dir/sub", Open::DIR);
            let entries = list(&guest, fd, 30, 0);
            assert_eq!(
                names(&entries),
                ["-", ".", "..", "...", &long, "with space", "ü"]
            );
        }
    }
}
