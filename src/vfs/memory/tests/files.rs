use super::*;
use crate::vfs::image::CHUNK;
use crate::vfs::memory::content::MAX_SIZE;
use crate::vfs::tests::{read, with_iovecs, write};

/// The bytes of memory that a file's content takes.
fn allocated(fs: &MemoryFs, make: impl FnOnce()) -> u64 {
    let before = fs.usage().bytes;
    make();
    fs.usage().bytes - before
}

#[test]
fn writes_reach_across_chunks_and_leave_zeros_before_them() {
    let root = fresh().root();
    let file = create(&*root, "file");
    let chunk = CHUNK as u64;
    let text: String = ('a'..='z').cycle().take(3 * CHUNK + 5).collect();
    write(&text, |ciovs| file.write_at(ciovs, chunk - 3));
    assert_eq!(file.stat().unwrap().size, 4 * chunk + 2);
    assert_eq!(
        read(text.len() + 9, |iovs| file.read_at(iovs, chunk - 3)),
        text
    );
    assert_eq!(read(6, |iovs| file.read_at(iovs, chunk - 6)), "\0\0\0abc");
    assert_eq!(
        read(6, |iovs| file.read_at(iovs, 4 * chunk + 1)),
        text[text.len() - 1..]
    );
    for end in [4 * chunk + 2, MAX_SIZE, i64::MAX as u64] {
        assert_eq!(read(6, |iovs| file.read_at(iovs, end)), "");
    }
    write("!", |ciovs| file.write_at(ciovs, 2 * chunk));
    assert_eq!(
        read(2, |iovs| file.read_at(iovs, 2 * chunk - 1)),
        text[CHUNK + 2..][..1].to_owned() + "!"
    );
}

#[test]
fn what_is_cut_off_is_zeros_when_the_file_grows_again() {
    let chunk = CHUNK as u64;
    for cut in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk - 1] {
        let root = fresh().root();
        let file = create(&*root, "file");
        let text = "x".repeat(3 * CHUNK);
        write(&text, |ciovs| file.write_at(ciovs, 0));
        file.set_size(cut).unwrap();
        assert_eq!(file.stat().unwrap().size, cut);
        file.set_size(4 * chunk).unwrap();
        let content = read(4 * CHUNK, |iovs| file.read_at(iovs, 0));
        let (kept, zeros) = content.split_at(cut as usize);
        assert!(kept.bytes().all(|byte| byte == b'x'), "{cut}");
        assert!(zeros.bytes().all(|byte| byte == 0), "{cut}");
    }
}

#[test]
fn only_what_was_written_takes_memory() {
    let fs = fresh();
    let root = fs.root();
    let (small, sparse) = (create(&*root, "small"), create(&*root, "sparse"));
    let hundred = "x".repeat(100);
    let taken = allocated(&fs, || write(&hundred, |ciovs| small.write_at(ciovs, 0)));
    assert_eq!(taken, 100);
    let taken = allocated(&fs, || {
        sparse.set_size(MAX_SIZE).unwrap();
        sparse.allocate(0, MAX_SIZE).unwrap();
        for offset in [3 << 30, 1 << 40, MAX_SIZE - 1] {
            write("x", |ciovs| sparse.write_at(ciovs, offset));
        }
    });
    assert!(taken <= 3 * CHUNK as u64, "{taken}");
    assert_eq!(read(3, |iovs| sparse.read_at(iovs, (1 << 40) - 1)), "\0x\0");
    let before = fs.usage().bytes;
    sparse.set_size(3 << 30).unwrap();
    assert_eq!(before - fs.usage().bytes, taken);
}

#[test]
fn many_small_writes_take_no_more_than_twice_their_bytes() {
    let fs = fresh();
    let file = create(&*fs.root(), "file");
    let before = fs.usage().bytes;
    for _ in 0..1000 {
        write("0123456789", |ciovs| {
            file.append(ciovs).map(|(count, _)| count)
        });
    }
    let taken = fs.usage().bytes - before;
    assert!((10_000..=20_000).contains(&taken), "{taken}");
}

#[test]
fn a_file_ends_at_16_tib() {
    let root = fresh().root();
    let file = create(&*root, "file");
    let write_at =
        |len, offset| with_iovecs(&mut vec![b'x'; len], |ciovs| file.write_at(ciovs, offset));
    assert_eq!(write_at(5, MAX_SIZE - 3), Ok(3));
    assert_eq!(file.stat().unwrap().size, MAX_SIZE);
    assert_eq!(write_at(1, MAX_SIZE), Err(Errno::Fbig));
    assert_eq!(write_at(1, 1 << 62), Err(Errno::Fbig));
    assert_eq!(write_at(0, 1 << 62), Ok(0));
    assert_eq!(write_at(1, 1 << 63), Err(Errno::Inval));
    let appended = with_iovecs(&mut [0; 2], |ciovs| file.append(ciovs));
    assert_eq!(appended, Err(Errno::Fbig));
    let read_at = |offset| with_iovecs(&mut [0; 2], |iovs| file.read_at(iovs, offset));
    assert_eq!(read_at(1 << 63), Err(Errno::Inval));
    for (size, refused) in [
        (MAX_SIZE + 1, Errno::Fbig),
        (1 << 62, Errno::Fbig),
        (1 << 63, Errno::Inval),
    ] {
        assert_eq!(file.set_size(size), Err(refused), "{size}");
    }
    for (offset, len) in [(MAX_SIZE, 1), (1 << 63, 1), (u64::MAX, u64::MAX)] {
        assert_eq!(file.allocate(offset, len), Err(Errno::Fbig));
    }
    assert_eq!(file.stat().unwrap().size, MAX_SIZE);
}

#[test]
fn appends_go_to_the_end_and_tell_it() {
    let root = fresh().root();
    let file = create(&*root, "file");
    write("abcd", |ciovs| file.write_at(ciovs, 0));
    let append =
        |text: &str| with_iovecs(&mut text.as_bytes().to_vec(), |ciovs| file.append(ciovs));
    assert_eq!(append("ef"), Ok((2, Some(6))));
    file.set_size(8).unwrap();
    assert_eq!(append("g"), Ok((1, Some(9))));
    let FileHandle::Other(other) = &file else {
        panic!("{file:?} is the host's");
    };
    assert_eq!(other.end_of_append(), Ok(9));
    assert_eq!(read(99, |iovs| file.read_at(iovs, 0)), "abcdef\0\0g");
}

#[test]
fn allocation_grows_a_file_and_cuts_none() {
    let file = create(&*fresh().root(), "file");
    file.allocate(2, 6).unwrap();
    file.allocate(0, 1).unwrap();
    assert_eq!(file.stat().unwrap().size, 8);
}

/// Which of a file's three times an operation changes. Waits before it until the clock has advanced.
fn changed(dir: &dyn Directory, file: Option<&str>, operation: impl FnOnce()) -> String {
    let stat = || match file {
        Some(file) => stat(dir, file),
        None => dir.stat().unwrap(),
    };
    let set = |time| match file {
        Some(file) => dir.set_times_at(name(file), time, time),
        None => dir.set_times(time, time),
    };
    set(SetTime::At(7)).unwrap();
    let before = stat();
    assert_eq!((before.atim, before.mtim), (7, 7));
    while now() == before.ctim {}
    operation();
    let after = stat();
    let times = [
        (before.atim, after.atim, 'a'),
        (before.mtim, after.mtim, 'm'),
        (before.ctim, after.ctim, 'c'),
    ];
    (times.into_iter())
        .filter_map(|(before, after, time)| (before != after).then_some(time))
        .collect()
}

#[test]
fn a_files_times_say_what_was_done_to_it() {
    let root = fresh().root();
    let dir = make_dir(&*root, "dir");
    let file = create(&*root, "f");
    let of_file = |operation: &dyn Fn()| changed(&*root, Some("f"), operation);
    assert_eq!(
        of_file(&|| write("abc", |ciovs| file.write_at(ciovs, 0))),
        "mc"
    );
    assert_eq!(of_file(&|| write("", |ciovs| file.write_at(ciovs, 0))), "");
    assert_eq!(of_file(&|| drop(read(3, |iovs| file.read_at(iovs, 0)))), "");
    assert_eq!(of_file(&|| file.set_size(3).unwrap()), "mc");
    assert_eq!(of_file(&|| drop(open(&*root, "f", Oflags::TRUNC))), "mc");
    assert_eq!(of_file(&|| drop(open(&*root, "f", Oflags::CREAT))), "");
    assert_eq!(
        of_file(&|| root.link_at(Some(name("f")), &*dir, name("f")).unwrap()),
        "c"
    );
    assert_eq!(
        of_file(&|| dir.rename_at(name("f"), &*dir, name("g")).unwrap()),
        "c"
    );
    assert_eq!(of_file(&|| dir.unlink_at(name("g")).unwrap()), "c");
    assert_eq!(
        of_file(&|| file.set_times(SetTime::Omit, SetTime::Omit).unwrap()),
        ""
    );
    assert_eq!(
        of_file(&|| file.set_times(SetTime::Now, SetTime::Omit).unwrap()),
        "ac"
    );
    assert_eq!(
        of_file(&|| file.set_times(SetTime::Omit, SetTime::At(9)).unwrap()),
        "mc"
    );
}

#[test]
fn a_directorys_times_say_what_was_done_to_the_names_in_it() {
    let root = fresh().root();
    let dir = make_dir(&*root, "dir");
    let of_dir = |operation: &dyn Fn()| changed(&*dir, None, operation);
    assert_eq!(of_dir(&|| drop(create(&*dir, "f"))), "mc");
    assert_eq!(of_dir(&|| dir.create_dir_at(name("d")).unwrap()), "mc");
    assert_eq!(of_dir(&|| dir.symlink_at(b"t", name("l")).unwrap()), "mc");
    assert_eq!(of_dir(&|| drop(list(&*dir))), "");
    assert_eq!(of_dir(&|| drop(open(&*dir, "f", Oflags::TRUNC))), "");
    assert_eq!(
        of_dir(&|| assert!(dir.create_dir_at(name("d")).is_err())),
        ""
    );
    assert_eq!(
        of_dir(&|| dir.link_at(Some(name("f")), &*dir, name("g")).unwrap()),
        "mc"
    );
    assert_eq!(
        of_dir(&|| dir.rename_at(name("g"), &*root, name("g")).unwrap()),
        "mc"
    );
    assert_eq!(
        of_dir(&|| root.rename_at(name("g"), &*dir, name("h")).unwrap()),
        "mc"
    );
    assert_eq!(of_dir(&|| dir.unlink_at(name("h")).unwrap()), "mc");
    assert_eq!(of_dir(&|| dir.remove_dir_at(name("d")).unwrap()), "mc");
    assert_eq!(
        of_dir(&|| root.rename_at(name("dir"), &*root, name("e")).unwrap()),
        "c"
    );
    assert_eq!(changed(&*root, Some("e"), || dir.sync().unwrap()), "");
}
