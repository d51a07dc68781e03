use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::*;
use crate::vfs::tests::{read, with_iovecs};

const THREADS: usize = 4;
const ROUNDS: usize = 400;

/// Runs the same in four threads at once; each gets its number.
fn at_once(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn({
                let work = &work;
                move || work(number)
            });
        }
    });
}

/// The number of directories from here up to the root.
fn depth(dir: &Arc<dyn Directory>) -> usize {
    let (mut dir, mut depth) = (Arc::clone(dir), 0);
    loop {
        let above = match dir.open_dotdot() {
            Ok(above) => as_directory(above),
            Err(_) => return depth,
        };
        if above.stat().unwrap().ino == dir.stat().unwrap().ino {
            return depth;
        }
        depth += 1;
        assert!(depth < 100, "a directory lies in itself");
        dir = above;
    }
}

#[test]
fn renames_of_several_threads_make_no_cycle_and_lose_nothing() {
    let fs = fresh();
    let root = fs.root();
    let dirs = ["a", "b", "c", "d"].map(|dir| make_dir(&*root, dir));
    at_once(|number| {
        for round in 0..ROUNDS {
            let from = &dirs[(number + round) % 4];
            let to = &dirs[(number * 3 + round / 4) % 4];
            for moved in ["a", "b", "c", "d"] {
                let moved = name(moved);
                for (from, to) in [(&root, to), (from, to), (to, &root)] {
                    match from.rename_at(moved, &**to, moved) {
                        Ok(()) | Err(Errno::Noent | Errno::Inval | Errno::Notempty) => {}
                        Err(errno) => panic!("{errno}"),
                    }
                }
            }
        }
    });
    // All that still have a name are connected to the root; only empty ones can have been replaced.
    let named = dirs.iter().filter(|dir| dir.stat().unwrap().nlink > 0);
    for dir in named {
        assert!(depth(dir) > 0);
    }
    drop(dirs);
    assert_eq!(fs.usage().files, count(&*root));
}

/// The number of files below a directory.
fn count(dir: &dyn Directory) -> u64 {
    let below = list(dir).into_iter().skip(2).map(|entry| {
        1 + match dir.open_dir_at(name(&entry)) {
            Ok(below) => count(&*as_directory(below)),
            Err(_) => 0,
        }
    });
    below.sum()
}

#[test]
fn names_come_and_go_in_several_threads() {
    let fs = fresh();
    let root = fs.root();
    at_once(|number| {
        for round in 0..ROUNDS {
            let shared = format!("shared {}", round % 3);
            let own = format!("own {number}");
            // Another thread may have been first: these may fail.
            let _ = open(&*root, &shared, Oflags::CREAT);
            let dir = make_dir(&*root, &own);
            let _ = root.link_at(Some(name(&shared)), &*dir, name("link"));
            let _ = list(&*root);
            let _ = root.unlink_at(name(&shared));
            let _ = root.stat_at(name(&shared));
            let _ = dir.unlink_at(name("link"));
            root.remove_dir_at(name(&own)).unwrap();
            let late = open(&*dir, "late", Oflags::CREAT);
            assert_eq!(late.err(), Some(Errno::Noent));
        }
    });
    for left in list(&*root).iter().skip(2) {
        root.unlink_at(name(left)).unwrap();
    }
    assert_eq!(fs.usage(), Usage::default());
}

#[test]
fn an_exclusive_creation_succeeds_in_one_thread() {
    let root = fresh().root();
    let created = AtomicUsize::new(0);
    at_once(|_| {
        for round in 0..ROUNDS {
            let excl = Oflags::CREAT | Oflags::EXCL;
            match open(&*root, &round.to_string(), excl) {
                Ok(_) => {
                    created.fetch_add(1, Relaxed);
                }
                Err(errno) => assert_eq!(errno, Errno::Exist),
            }
        }
    });
    assert_eq!(created.into_inner(), ROUNDS);
}

#[test]
fn appends_of_several_threads_are_all_there_and_whole() {
    let root = fresh().root();
    let file = create(&*root, "file");
    at_once(|number| {
        let file = open(&*root, "file", NONE).unwrap();
        for _ in 0..ROUNDS {
            let mut record = [b'0' + number as u8; 50];
            let appended = with_iovecs(&mut record, |ciovs| file.append(ciovs));
            assert_eq!(appended.map(|(count, _)| count), Ok(50));
        }
    });
    let content = read(50 * THREADS * ROUNDS + 1, |iovs| file.read_at(iovs, 0));
    let mut counts = [0; THREADS];
    for record in content.as_bytes().chunks(50) {
        assert_eq!(record, [record[0]; 50]);
        counts[usize::from(record[0] - b'0')] += 1;
    }
    assert_eq!(counts, [ROUNDS; THREADS]);
}
