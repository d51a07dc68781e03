use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A directory whose positions are hashes of 63 bits, as on ext4.
#[derive(Default)]
struct FakeDir {
    entries: RefCell<BTreeMap<u64, String>>,
    reads: Cell<usize>,
    /// Number of entries that were read, counted each time.
    given: Cell<usize>,
    seeks: Cell<usize>,
}

impl FakeDir {
    fn new(count: usize) -> Self {
        let dir = Self::default();
        for number in 0..count {
            dir.create(&format!("file{number}"));
        }
        dir
    }

    fn hash(name: &str) -> u64 {
        Position::of_name(name.as_bytes()).0 >> 1 | 1
    }

    fn create(&self, name: &str) {
        self.entries
            .borrow_mut()
            .insert(Self::hash(name), name.into());
    }

    fn remove(&self, name: &str) {
        assert!(
            self.entries
                .borrow_mut()
                .remove(&Self::hash(name))
                .is_some()
        );
    }

    fn names(&self) -> Vec<String> {
        self.entries.borrow().values().cloned().collect()
    }
}

/// Its stream, on a system that can seek to any position or only rewind.
#[derive(Default)]
struct Fake<const SEEKS: bool> {
    /// None while it is closed.
    behind: Option<u64>,
}

impl<const SEEKS: bool> Listing for Fake<SEEKS> {
    type Dir = FakeDir;
    const SEEKS: bool = SEEKS;
    const SIZE: usize = 0;

    fn read(&mut self, dir: &FakeDir, len: usize, block: &mut Block) -> io::Result<()> {
        dir.reads.set(dir.reads.get() + 1);
        let behind = self.behind.as_mut().unwrap();
        for (hash, name) in dir.entries.borrow().range(*behind + 1..).take(len / 32) {
            let position = if SEEKS {
                Position(*hash)
            } else {
                Position::of_name(name.as_bytes())
            };
            block.push(name.as_bytes(), *hash, Filetype::RegularFile, position);
            *behind = *hash;
            dir.given.set(dir.given.get() + 1);
        }
        Ok(())
    }

    fn seek(&mut self, dir: &FakeDir, position: Position) -> io::Result<()> {
        dir.seeks.set(dir.seeks.get() + 1);
        assert!(SEEKS || position == Position::START);
        self.behind = Some(position.0);
        Ok(())
    }

    fn close(&mut self) {
        self.behind = None;
    }
}

type Hashed = ReadDir<Fake<true>>;
type Counted = ReadDir<Fake<false>>;

/// A room in which all is kept, one in which only positions are, and one in which next to nothing is.
fn rooms() -> [Arc<Room>; 3] {
    [(1 << 20, 1 << 20), (1 << 20, 0), (0, 0)]
        .map(|(positions, blocks)| Arc::new(Room::new(positions, blocks)))
}

/// One call: at most so many entries, with their cookies.
fn call<L: Listing>(
    stream: &mut ReadDir<L>,
    dir: &L::Dir,
    cookie: Dircookie,
    count: usize,
) -> Vec<(String, Dircookie)> {
    let mut entries = Vec::new();
    stream.seek(dir, cookie, &Interrupt::NEVER).unwrap();
    while entries.len() < count
        && let Some(entry) = stream.read(dir, &Interrupt::NEVER).unwrap()
    {
        let name = String::from_utf8(entry.name.to_vec()).unwrap();
        entries.push((name, entry.next));
    }
    stream.rest(dir);
    entries
}

/// Lists from a cookie on by calls for so many entries, and does `then` with the names that each gave.
fn list<L: Listing>(
    stream: &mut ReadDir<L>,
    dir: &L::Dir,
    mut cookie: Dircookie,
    count: usize,
    mut then: impl FnMut(&[(String, Dircookie)]),
) -> Vec<(String, Dircookie)> {
    let mut all = Vec::new();
    loop {
        let entries = call(stream, dir, cookie, count);
        let Some((_, last)) = entries.last() else {
            return all;
        };
        cookie = *last;
        then(&entries);
        all.extend(entries);
    }
}

fn names(entries: &[(String, Dircookie)]) -> Vec<String> {
    entries.iter().map(|(name, _)| name.clone()).collect()
}

/// With each way of listing, and each room in which that is exact whatever changes.
fn every_way(
    test: impl Fn(&mut dyn FnMut(&FakeDir, Dircookie, usize) -> Vec<(String, Dircookie)>),
) {
    for room in rooms() {
        let mut stream = Hashed::new(room);
        test(&mut |dir, cookie, count| call(&mut stream, dir, cookie, count));
    }
    for room in &rooms()[..2] {
        let mut stream = Counted::new(Arc::clone(room));
        test(&mut |dir, cookie, count| call(&mut stream, dir, cookie, count));
    }
}

#[test]
fn a_new_stream_is_read_from_the_start_and_one_at_rest_from_where_it_was() {
    fn names<L: Listing<Dir = FakeDir>>(room: Arc<Room>) {
        let dir = FakeDir::new(5);
        let mut stream = ReadDir::<L>::new(room);
        let mut found = Vec::new();
        while let Some(entry) = stream.read(&dir, &Interrupt::NEVER).unwrap() {
            found.push(String::from_utf8(entry.name.to_vec()).unwrap());
            stream.rest(&dir);
        }
        assert_eq!(found, dir.names());
    }
    for room in rooms() {
        names::<Fake<true>>(Arc::clone(&room));
        names::<Fake<false>>(room);
    }
}

#[test]
fn cookies_count_entries() {
    every_way(|call| {
        let dir = FakeDir::new(1000);
        let mut all = Vec::new();
        for count in [1, 7, 300, 1000] {
            let cookie = all.len() as Dircookie;
            all.extend(call(&dir, cookie, count));
        }
        assert_eq!(names(&all), dir.names());
        for (before, (_, next)) in all.iter().enumerate() {
            assert_eq!(*next, before as Dircookie + 1);
        }
    });
}

#[test]
fn each_cookie_leads_behind_its_entry() {
    every_way(|call| {
        let dir = FakeDir::new(1000);
        let all = call(&dir, 0, 2000);
        for index in (0..1000).rev().step_by(7).chain((0..1000).step_by(11)) {
            assert_eq!(
                call(&dir, index as Dircookie, 3),
                all[index..][..3.min(1000 - index)]
            );
        }
    });
}

#[test]
fn a_cookie_that_was_never_returned_is_an_index() {
    every_way(|call| {
        let dir = FakeDir::new(1000);
        assert_eq!(names(&call(&dir, 700, 5)), dir.names()[700..705]);
        assert_eq!(call(&dir, 1001, 5), []);
        assert_eq!(call(&dir, u64::MAX, 5), []);
        assert_eq!(names(&call(&dir, 3, 5)), dir.names()[3..8]);
    });
}

#[test]
fn a_rewind_shows_entries_that_were_added_since() {
    every_way(|call| {
        let dir = FakeDir::new(10);
        assert_eq!(call(&dir, 0, 3).len(), 3);
        dir.create("new");
        assert_eq!(names(&call(&dir, 0, 100)), dir.names());
        dir.create("newer");
        assert_eq!(names(&call(&dir, 0, 100)), dir.names());
    });
}

#[test]
fn removing_what_was_listed_leaves_none_out() {
    every_way(|call| {
        let dir = FakeDir::new(5000);
        let before = dir.names();
        let (mut seen, mut cookie) = (Vec::new(), 0);
        loop {
            let entries = call(&dir, cookie, 90);
            let Some((_, last)) = entries.last() else {
                break;
            };
            cookie = *last;
            for (name, _) in entries {
                dir.remove(&name);
                seen.push(name);
            }
        }
        assert_eq!(seen, before);
        assert_eq!(dir.names(), [""; 0]);
    });
}

/// Changes a directory while it is listed; what stays is told once.
fn changing<L: Listing<Dir = FakeDir>>(room: &Arc<Room>, change: fn(&FakeDir, &str)) {
    let dir = FakeDir::new(3000);
    let before = dir.names();
    let mut stream = ReadDir::<L>::new(Arc::clone(room));
    let seen = list(&mut stream, &dir, 0, 50, |entries| {
        for (name, _) in entries.iter().filter(|(name, _)| name.starts_with("file")) {
            change(&dir, name);
        }
    });
    let seen: Vec<_> = (names(&seen).into_iter())
        .filter(|name| name.starts_with("file"))
        .collect();
    assert_eq!(seen, before);
}

#[test]
fn adding_and_renaming_leave_none_out_and_tell_none_twice() {
    for change in [
        |dir: &FakeDir, name: &str| dir.create(&format!("new-{name}")),
        |dir: &FakeDir, name: &str| {
            dir.remove(name);
            dir.create(&format!("renamed-{name}"));
        },
    ] {
        rooms()
            .iter()
            .for_each(|room| changing::<Fake<true>>(room, change));
        (rooms()[..2].iter()).for_each(|room| changing::<Fake<false>>(room, change));
    }
}

/// A cookie leads to the next of the entries that are still there, whatever went and came.
fn told_places_stay<L: Listing<Dir = FakeDir>>(room: &Arc<Room>) {
    let dir = FakeDir::new(2000);
    let mut stream = ReadDir::<L>::new(Arc::clone(room));
    let all = call(&mut stream, &dir, 0, 3000);
    let mut removed = BTreeSet::new();
    for (index, (name, _)) in all.iter().enumerate() {
        if index % 3 == 0 || (500..600).contains(&index) {
            dir.remove(name);
            removed.insert(index);
        }
    }
    for index in (0..2000).step_by(13) {
        let next = (index..2000).find(|index| !removed.contains(index));
        let found = call(&mut stream, &dir, index as Dircookie, 1);
        assert_eq!(
            found.first().map(|(name, _)| name),
            next.map(|next| &all[next].0),
            "{index}"
        );
    }
}

#[test]
fn returned_cookies_stay_valid_when_other_entries_are_removed() {
    for room in &rooms()[..2] {
        told_places_stay::<Fake<true>>(room);
        told_places_stay::<Fake<false>>(room);
    }
}

#[test]
fn a_listing_in_which_nothing_changes_is_exact_without_room() {
    let dir = FakeDir::new(2000);
    let mut stream = Counted::new(Arc::new(Room::new(0, 0)));
    let all = list(&mut stream, &dir, 0, 90, |_| {});
    assert_eq!(names(&all), dir.names());
    for index in (0..2000).step_by(77) {
        assert_eq!(
            call(&mut stream, &dir, index as Dircookie, 1),
            all[index..=index]
        );
    }
}

#[test]
fn what_an_answer_told_can_be_gone_on_from_without_room_for_positions() {
    let dir = FakeDir::new(5000);
    let mut stream = Hashed::new(Arc::new(Room::new(0, 1 << 20)));
    let mut cookie = 0;
    loop {
        let entries = call(&mut stream, &dir, cookie, 600);
        let [(first, next), .., (last, _)] = entries.as_slice() else {
            break;
        };
        dir.remove(first);
        let (again, _) = call(&mut stream, &dir, *next, 599).pop().unwrap();
        assert_eq!(again, *last);
        cookie += entries.len() as Dircookie;
    }
    assert_eq!(cookie, 5000);
}

#[test]
fn an_entry_that_is_given_back_is_read_once_more() {
    let dir = FakeDir::new(3);
    let mut stream = Hashed::new(Arc::default());
    stream.seek(&dir, 0, &Interrupt::NEVER).unwrap();
    for name in dir.names() {
        for _ in 0..2 {
            assert_eq!(
                stream.read(&dir, &Interrupt::NEVER).unwrap().unwrap().name,
                name.as_bytes()
            );
            stream.unread();
        }
        stream.read(&dir, &Interrupt::NEVER).unwrap();
    }
    assert_eq!(stream.read(&dir, &Interrupt::NEVER).unwrap(), None);
}

#[test]
fn continuing_a_listing_takes_no_more_system_calls() {
    let dir = FakeDir::new(20_000);
    list(&mut Hashed::new(Arc::default()), &dir, 0, 100, |_| {});
    let in_pieces = dir.reads.replace(0);
    call(&mut Hashed::new(Arc::default()), &dir, 0, 30_000);
    assert_eq!((in_pieces, dir.seeks.get()), (dir.reads.get(), 2));
}

#[test]
fn without_room_each_call_asks_for_little() {
    let dir = FakeDir::new(20_000);
    let mut stream = Hashed::new(Arc::new(Room::new(0, 0)));
    list(&mut stream, &dir, 0, 100, |_| {});
    assert!(dir.given.get() <= 20_000 / 100 * LEAST / 32);
    assert_eq!(stream.block.size(), 0);
}

#[test]
fn a_listing_that_is_over_keeps_no_entries() {
    let dir = FakeDir::new(5000);
    let room = Arc::new(Room::new(1 << 20, 1 << 20));
    let mut stream = Hashed::new(Arc::clone(&room));
    call(&mut stream, &dir, 0, 100);
    assert!(stream.block.size() > 0 && stream.claimed == stream.block.size());
    call(&mut stream, &dir, 0, 9999);
    assert_eq!(stream.block.size(), 0);
    assert!(room.blocks.claim(1 << 20));
}

#[test]
fn what_a_stream_claimed_is_free_when_it_is_gone() {
    let dir = FakeDir::new(5000);
    let room = Arc::new(Room::new(1 << 20, 1 << 20));
    let mut stream = Hashed::new(Arc::clone(&room));
    call(&mut stream, &dir, 0, 3000);
    assert!(!room.blocks.claim(1 << 20) && !room.positions.claim(1 << 20));
    drop(stream);
    assert!(room.blocks.claim(1 << 20) && room.positions.claim(1 << 20));
}
