//! Differences of Windows, tested with real directories.

use std::fs;
use std::io;
use std::io::{Read as _, Write as _};
use std::os::windows::fs::FileTypeExt as _;
use std::os::windows::io::OwnedHandle;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::{Dir, Entries, File, pipe};
use crate::abi::{Errno, Fdflags, Filetype, Oflags};
use crate::host::errno::errno;
use crate::host::{
    Direction, Interrupt, Links, Name, OpenHow, PollEntry, ReadDir, Readiness, SetTime, Step,
    StopEvent, Wait,
};
use crate::iovecs::with_iovecs;

const READ: OpenHow = OpenHow {
    read: true,
    write: false,
    oflags: Oflags::empty(),
    fdflags: Fdflags::empty(),
    follow: true,
};

const CREATE: OpenHow = OpenHow {
    write: true,
    oflags: Oflags::CREAT,
    ..READ
};

fn scratch() -> (TempDir, Dir) {
    let scratch = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient(scratch.path()).unwrap();
    (scratch, dir)
}

fn name(name: &str) -> Name<'_> {
    Name::new(name.as_bytes()).unwrap()
}

/// Opens what is at a path through directories.
fn open(dir: &Dir, path: &str, how: OpenHow) -> io::Result<File> {
    match path.split_once('/') {
        Some((first, rest)) => open(&dir.open_dir_at(name(first))?, rest, how),
        None => dir.open_at(Some(name(path)), how, &Interrupt::NEVER),
    }
}

/// Whether a path must be walked.
fn is_to_be_walked(dir: &Dir, path: &str, how: OpenHow) -> bool {
    matches!(
        dir.open_beneath(path.as_bytes(), how, Links::Follow, &Interrupt::NEVER),
        Ok(Step::Walk)
    )
}

fn failure<T>(result: io::Result<T>) -> Option<Errno> {
    result.err().map(|error| errno(&error))
}

fn read(file: &File, len: usize) -> String {
    let mut bytes = vec![0; len];
    let nread = with_iovecs(&mut bytes, |iovs| file.read(iovs, &Interrupt::NEVER)).unwrap();
    String::from_utf8(bytes[..nread].to_vec()).unwrap()
}

fn write(file: &File, text: &str) {
    let nwritten = with_iovecs(&mut text.as_bytes().to_vec(), |ciovs| {
        file.write(ciovs, &Interrupt::NEVER)
    });
    assert_eq!(nwritten.unwrap(), text.len());
}

#[test]
fn a_name_that_windows_reads_more_into_reaches_nothing() {
    let (scratch, dir) = scratch();
    fs::write(scratch.path().join("f"), "").unwrap();
    for refused in [
        "NUL",
        "con",
        "COM1",
        "COM¹",
        "lpt³.txt",
        "f:stream",
        "f::$DATA",
        "f.",
        "f ",
        ".\\f",
        "c:",
    ] {
        let name = name(refused);
        assert_eq!(
            failure(open(&dir, refused, CREATE)),
            Some(Errno::Noent),
            "{refused}"
        );
        assert_eq!(
            failure(open(&dir, refused, READ)),
            Some(Errno::Noent),
            "{refused}"
        );
        assert_eq!(failure(dir.open_dir_at(name)), Some(Errno::Noent));
        assert_eq!(
            failure(dir.create_dir_at(name)),
            Some(Errno::Noent),
            "{refused}"
        );
        assert_eq!(
            failure(dir.unlink_at(name)),
            Some(Errno::Noent),
            "{refused}"
        );
        assert_eq!(failure(dir.stat_at(name)), Some(Errno::Noent), "{refused}");
        assert_eq!(
            failure(dir.link_at(Some(self::name("f")), &dir, name)),
            Some(Errno::Noent)
        );
        assert_eq!(
            failure(dir.rename_at(self::name("f"), &dir, name)),
            Some(Errno::Noent)
        );
        assert_eq!(
            failure(dir.symlink_at(b"f", name)),
            Some(Errno::Noent),
            "{refused}"
        );
        assert_eq!(
            failure(dir.symlink_at(refused.as_bytes(), self::name("l"))),
            Some(Errno::Noent)
        );
    }
    let names: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn directories_are_told_from_files() {
    let (_scratch, dir) = scratch();
    let directory = OpenHow {
        oflags: Oflags::DIRECTORY,
        ..READ
    };
    dir.create_dir_at(name("d")).unwrap();
    open(&dir, "f", CREATE).unwrap();
    assert_eq!(failure(dir.create_dir_at(name("d"))), Some(Errno::Exist));
    assert_eq!(failure(open(&dir, "d", CREATE)), Some(Errno::Isdir));
    assert_eq!(failure(open(&dir, "f", directory)), Some(Errno::Notdir));
    assert_eq!(failure(open(&dir, "f/x", READ)), Some(Errno::Notdir));
    assert_eq!(failure(dir.unlink_at(name("d"))), Some(Errno::Isdir));
    assert_eq!(failure(dir.remove_dir_at(name("f"))), Some(Errno::Notdir));
    for how in [READ, directory] {
        let stat = open(&dir, "d", how).unwrap().stat().unwrap();
        assert_eq!(stat.filetype, Filetype::Directory);
    }
    let inside = Dir::try_from(open(&dir, "d", directory).unwrap()).unwrap();
    open(&inside, "x", CREATE).unwrap();
    assert_eq!(failure(dir.remove_dir_at(name("d"))), Some(Errno::Notempty));
    inside.unlink_at(name("x")).unwrap();
    dir.remove_dir_at(name("d")).unwrap();
    assert_eq!(failure(dir.stat_at(name("d"))), Some(Errno::Noent));
}

#[test]
fn a_name_is_opened_at_once_and_a_path_is_for_the_caller() {
    let (_scratch, dir) = scratch();
    dir.create_dir_at(name("d")).unwrap();
    open(&dir, "d/f", CREATE).unwrap();
    for how in [READ, CREATE] {
        for path in ["d/f", "d/", "d/.", ".", "..", "../f", "d/../d/f"] {
            assert!(is_to_be_walked(&dir, path, how), "{path}");
        }
    }
    assert!(!is_to_be_walked(&dir, "d", READ));
    let parent = dir.open_parent(b"d", Links::Follow);
    assert!(matches!(parent, Ok(Step::Walk)));
}

#[test]
fn a_file_that_is_open_can_be_removed_and_replaced() {
    let (scratch, dir) = scratch();
    let file = open(&dir, "f", CREATE).unwrap();
    write(&file, "old");
    dir.unlink_at(name("f")).unwrap();
    assert_eq!(failure(dir.stat_at(name("f"))), Some(Errno::Noent));
    write(&open(&dir, "f", CREATE).unwrap(), "new");
    let held = open(&dir, "f", READ).unwrap();
    write(&open(&dir, "g", CREATE).unwrap(), "newer");
    dir.rename_at(name("g"), &dir, name("f")).unwrap();
    assert_eq!(read(&held, 9), "new");
    assert_eq!(fs::read(scratch.path().join("f")).unwrap(), b"newer");
}

#[test]
fn a_rename_replaces_like_with_like() {
    let (_scratch, dir) = scratch();
    for directory in ["d", "e", "full"] {
        dir.create_dir_at(name(directory)).unwrap();
    }
    for file in ["f", "full/x"] {
        open(&dir, file, CREATE).unwrap();
    }
    let rename = |old, new| dir.rename_at(name(old), &dir, name(new));
    assert_eq!(failure(rename("d", "f")), Some(Errno::Notdir));
    assert_eq!(failure(rename("f", "d")), Some(Errno::Isdir));
    assert_eq!(failure(rename("d", "full")), Some(Errno::Notempty));
    rename("d", "e").unwrap();
    rename("full", "e").unwrap();
    assert!(open(&dir, "e/x", READ).is_ok());
}

#[test]
fn a_rename_replaces_what_is_read_only() {
    let (scratch, dir) = scratch();
    write(&open(&dir, "new", CREATE).unwrap(), "new");
    open(&dir, "old", CREATE).unwrap();
    let old = scratch.path().join("old");
    let mut permissions = fs::metadata(&old).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&old, permissions).unwrap();
    dir.rename_at(name("new"), &dir, name("old")).unwrap();
    assert_eq!(fs::read(&old).unwrap(), b"new");
}

#[test]
fn a_directory_that_gets_its_name_in_other_letters_is_not_in_its_own_way() {
    let (_scratch, dir) = scratch();
    dir.create_dir_at(name("d")).unwrap();
    open(&dir, "d/x", CREATE).unwrap();
    dir.rename_at(name("d"), &dir, name("D")).unwrap();
    assert!(open(&dir, "D/x", READ).is_ok());
}

#[test]
fn times_are_kept_in_units_of_100_ns() {
    let (_scratch, dir) = scratch();
    open(&dir, "f", CREATE).unwrap();
    let seconds = 1_000_000_000;
    for (set, kept) in [(seconds, seconds), (seconds + 199, seconds + 100)] {
        let [atim, mtim] = [SetTime::At(set), SetTime::At(set + seconds)];
        dir.set_times_at(name("f"), atim, mtim).unwrap();
        let stat = dir.stat_at(name("f")).unwrap();
        assert_eq!((stat.atim, stat.mtim), (kept, kept + seconds));
    }
}

#[test]
fn entries_are_listed_from_any_cookie() {
    let (_scratch, dir) = scratch();
    for entry in 0..200 {
        open(&dir, &format!("{entry:03}"), CREATE).unwrap();
    }
    dir.create_dir_at(name("sub")).unwrap();
    let mut read_dir = ReadDir::<Entries>::new(Arc::default());
    let mut list = |cookie| {
        let mut names = Vec::new();
        read_dir.seek(&dir, cookie, &Interrupt::NEVER).unwrap();
        while let Some(entry) = read_dir.read(&dir, &Interrupt::NEVER).unwrap() {
            names.push(entry.name.to_vec());
            if entry.name == b"sub" {
                assert_eq!(entry.filetype, Filetype::Directory);
                assert_eq!(entry.ino, dir.stat_at(name("sub")).unwrap().ino);
            }
        }
        read_dir.rest(&dir);
        names
    };
    let names = list(0);
    assert_eq!(names.len(), 203);
    assert!(names.contains(&b"sub".to_vec()));
    for at in [0, 1, 100, 202, 203] {
        assert_eq!(list(at as u64), names[at..]);
    }
    let last = String::from_utf8(names[99].clone()).unwrap();
    for removed in ["000", "001", &last] {
        dir.unlink_at(name(removed)).unwrap();
    }
    assert_eq!(list(100), names[100..]);
}

/// Not everybody may make symbolic links on Windows.
fn symlink(dir: &Dir, target: &str, link: &str) -> bool {
    match dir.symlink_at(target.as_bytes(), name(link)) {
        Err(error) if errno(&error) == Errno::Perm => false,
        result => result.map(|()| true).unwrap(),
    }
}

#[test]
fn links_are_links_whatever_they_lead_to() {
    let (scratch, dir) = scratch();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    dir.create_dir_at(name("d")).unwrap();
    write(&open(&dir, "d/f", CREATE).unwrap(), "text");
    if !symlink(&dir, "d/f", "file") {
        return;
    }
    assert!(symlink(&dir, "d", "dir"));
    assert_eq!(dir.read_link_at(name("file")).unwrap(), b"d/f");
    assert_eq!(failure(dir.read_link_at(name("d"))), Some(Errno::Inval));
    assert_eq!(
        dir.stat_at(name("dir")).unwrap().filetype,
        Filetype::SymbolicLink
    );
    for (link, directory) in [("file", false), ("dir", true)] {
        for how in [READ, CREATE] {
            assert_eq!(failure(open(&dir, link, how)), Some(Errno::Loop), "{link}");
            assert!(is_to_be_walked(&dir, link, how), "{link}");
        }
        let nofollow = OpenHow {
            follow: false,
            ..READ
        };
        assert!(!is_to_be_walked(&dir, link, nofollow), "{link}");
        assert_eq!(failure(dir.open_dir_at(name(link))), Some(Errno::Loop));
        let metadata = fs::symlink_metadata(scratch.path().join(link)).unwrap();
        assert_eq!(metadata.file_type().is_symlink_dir(), directory, "{link}");
    }
    dir.link_at(Some(name("file")), &dir, name("hard")).unwrap();
    assert_eq!(dir.read_link_at(name("hard")).unwrap(), b"d/f");
    assert_eq!(failure(dir.remove_dir_at(name("dir"))), Some(Errno::Notdir));
    for link in ["hard", "file", "dir"] {
        dir.unlink_at(name(link)).unwrap();
    }
    assert_eq!(fs::read(scratch.path().join("d/f")).unwrap(), b"text");
    refuses_the_outside(&dir, scratch.path(), outside.path());
}

fn refuses_the_outside(dir: &Dir, inside: &Path, outside: &Path) {
    let secret = outside.join("secret");
    std::os::windows::fs::symlink_file(&secret, inside.join("out")).unwrap();
    std::os::windows::fs::symlink_dir(outside, inside.join("outdir")).unwrap();
    for link in ["out", "outdir"] {
        for how in [READ, CREATE] {
            assert!(is_to_be_walked(dir, link, how), "{link}");
        }
        assert_eq!(
            failure(dir.read_link_at(name(link))),
            Some(Errno::Notcapable)
        );
        assert_eq!(failure(dir.open_dir_at(name(link))), Some(Errno::Loop));
    }
    dir.link_at(Some(name("out")), dir, name("hard")).unwrap();
    assert!(is_to_be_walked(dir, "hard", READ));
    assert_eq!(fs::read(secret).unwrap(), b"secret");
}

/// A pipe; the other end as a file, for a program that is not Node.
fn pipe_of_a_guest(direction: Direction) -> (File, fs::File) {
    let (guest, host) = pipe(direction).unwrap();
    (guest, OwnedHandle::from(host).into())
}

/// A non-blocking call.
const NOT: Wait<'_> = Wait {
    nonblock: true,
    interrupt: &Interrupt::NEVER,
};

fn read_some(pipe: &File, len: usize, wait: Wait<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let nread = with_iovecs(&mut bytes, |iovs| pipe.read_interruptible(iovs, wait))?;
    bytes.truncate(nread);
    Ok(bytes)
}

fn write_some(pipe: &File, len: usize, wait: Wait<'_>) -> io::Result<usize> {
    with_iovecs(&mut vec![b'x'; len], |ciovs| {
        pipe.write_interruptible(ciovs.clone(), wait)
    })
}

/// The state of a pipe after polling it with this timeout.
fn found(file: &File, direction: Direction, timeout: Option<Duration>) -> Option<Readiness> {
    let mut entries = [PollEntry {
        file,
        direction,
        revents: None,
    }];
    super::poll(&mut entries, timeout, None).unwrap();
    entries[0].revents.take().map(Result::unwrap)
}

const A_MOMENT: Option<Duration> = Some(Duration::from_millis(1));

#[test]
fn a_pipe_is_ready_when_there_is_something_to_read() {
    let (guest, mut host) = pipe_of_a_guest(Direction::Read);
    assert_eq!(failure(read_some(&guest, 9, NOT)), Some(Errno::Again));
    assert_eq!(found(&guest, Direction::Read, A_MOMENT), None);
    thread::scope(|scope| {
        let waits = scope.spawn(|| read_some(&guest, 9, Interrupt::NEVER.waiting()).unwrap());
        host.write_all(b"text").unwrap();
        assert_eq!(waits.join().unwrap(), b"text");
        let waits = scope.spawn(|| found(&guest, Direction::Read, None).unwrap());
        host.write_all(b"more").unwrap();
        assert_eq!(waits.join().unwrap().nbytes, 4);
    });
    drop(host);
    assert_eq!(read_some(&guest, 3, NOT).unwrap(), b"mor");
    assert_eq!(read_some(&guest, 3, NOT).unwrap(), b"e");
    assert!(found(&guest, Direction::Read, None).unwrap().hangup);
    assert_eq!(read_some(&guest, 3, NOT).unwrap(), b"");
}

#[test]
fn a_pipe_takes_so_much_and_then_there_is_no_room() {
    let (guest, mut host) = pipe_of_a_guest(Direction::Write);
    let mut written = 0;
    // While the thread passes bytes on to the kernel, there is room again: the pipe is full when that ends.
    while found(&guest, Direction::Write, Some(Duration::from_millis(100))).is_some() {
        match write_some(&guest, 10_000, NOT) {
            Ok(count) => written += count,
            Err(error) => assert_eq!(errno(&error), Errno::Again),
        }
    }
    // The kernel's buffer, ours, and a part of one more in the thread.
    assert!(written > 2 * (64 << 10), "{written}");
    assert!(written <= 3 * (64 << 10), "{written}");
    assert_eq!(failure(write_some(&guest, 1, NOT)), Some(Errno::Again));
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            assert!(!found(&guest, Direction::Write, None).unwrap().hangup);
            write_some(&guest, 1_000_000, Interrupt::NEVER.waiting()).unwrap()
        });
        let mut bytes = vec![0; written + 1_000_000];
        host.read_exact(&mut bytes).unwrap();
        assert_eq!(waits.join().unwrap(), 1_000_000);
    });
}

#[test]
fn data_in_a_pipe_arrives_after_the_guest_has_ended() {
    let (guest, mut host) = pipe_of_a_guest(Direction::Write);
    let written = write_some(&guest, 100_000, NOT).unwrap();
    drop(guest);
    let mut bytes = Vec::new();
    if let Err(error) = host.read_to_end(&mut bytes) {
        assert_eq!(errno(&error), Errno::Pipe);
    }
    assert_eq!(bytes.len(), written);
}

#[test]
fn a_pipe_that_nobody_reads_is_an_error_of_a_write() {
    let (guest, host) = pipe_of_a_guest(Direction::Write);
    drop(host);
    let error = loop {
        if let Err(error) = write_some(&guest, 1, Interrupt::NEVER.waiting()) {
            break error;
        }
    };
    assert_eq!(errno(&error), Errno::Pipe);
    assert!(found(&guest, Direction::Write, None).unwrap().hangup);
}

#[test]
fn a_stop_event_ends_waits_for_pipes() {
    let event = Arc::new(StopEvent::default());
    event.open().unwrap();
    let waiting = Arc::new(AtomicBool::new(false));
    let interrupt = || {
        let waiting = Arc::clone(&waiting);
        // The check is made between slices, so the first slice has begun.
        let notes = move || {
            waiting.store(true, SeqCst);
            false
        };
        Interrupt::when(notes).or_event(Arc::clone(&event))
    };
    let (reads, _host) = pipe_of_a_guest(Direction::Read);
    let (writes, _other) = pipe_of_a_guest(Direction::Write);
    thread::scope(|scope| {
        let reads = scope.spawn(|| failure(read_some(&reads, 1, interrupt().waiting())));
        let writes = scope.spawn(|| {
            // More than fits.
            let written = write_some(&writes, 1_000_000, interrupt().waiting()).unwrap();
            assert!(written < 1_000_000);
            failure(write_some(&writes, 1_000_000, interrupt().waiting()))
        });
        let sleeps = scope.spawn(|| {
            let interrupt = interrupt();
            while interrupt.poll(&mut [], None).is_ok() {}
        });
        while !waiting.load(SeqCst) {
            thread::yield_now();
        }
        event.set();
        assert_eq!(reads.join().unwrap(), Some(Errno::Intr));
        // What fits is written without waiting.
        assert!(matches!(writes.join().unwrap(), None | Some(Errno::Intr)));
        sleeps.join().unwrap();
    });
}
