use std::sync::Arc;

use super::{Position, Room};
use crate::abi::Dircookie;

/// The positions that a stream can keep without a claim to [`Room`].
const AT_LEAST: usize = 64;

/// The most positions that are searched for that of an entry that may have been read before.
const NEAR: usize = 1024;

/// The system's positions for the cookies that a stream has returned.
///
/// A cookie keeps its position: an entry that is read again has the same cookie, and an entry that was
/// created in between gets a new one, above all others.
///
/// When [`Room`] is exhausted, every second position is dropped, then every second of the rest. From then
/// on a cookie is the index of an entry, and one without a position is reached by skipping entries from
/// the nearest before it.
#[derive(Debug)]
pub(super) struct Positions {
    /// Positions of the cookies `stride`, `2 * stride` and so on.
    kept: Vec<Position>,
    stride: Dircookie,
    /// The last cookie that was returned in the order of the directory.
    last: Dircookie,
    /// Number of cookies that were issued out of order: for entries created in between.
    late: usize,
    room: Arc<Room>,
    claimed: usize,
}

impl Positions {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self {
            kept: Vec::new(),
            stride: 1,
            last: 0,
            late: 0,
            room,
            claimed: 0,
        }
    }

    /// Notes a seek to this cookie.
    pub(super) fn go(&mut self, cookie: Dircookie) {
        self.last = cookie;
        // POSIX lets a rewind invalidate cookies, and to drop them bounds the memory of a directory that
        // changes all the time.
        if cookie == 0 && self.late > AT_LEAST.max(self.kept.len() / 2) {
            self.kept.clear();
            self.late = 0;
        }
    }

    /// The cookie behind the entry at cookie `at`; `position` is the system's position there.
    pub(super) fn tell(&mut self, at: Dircookie, position: Position) -> Dircookie {
        if self.stride > 1 {
            self.count(at + 1, position);
            return at + 1;
        }
        let told = at as usize;
        let end = self.kept.len();
        if self.kept.get(told) == Some(&position) {
            self.last = at + 1;
            return self.last;
        }
        let last = (self.last as usize).min(end);
        let mut near = self.kept[last..].iter().take(NEAR);
        if let Some(between) = near.position(|kept| *kept == position) {
            self.last = (last + between + 1) as Dircookie;
            return self.last;
        }
        if end == self.kept.capacity() && !self.grow() {
            self.thin_out();
            self.count(at + 1, position);
            return at + 1;
        }
        self.kept.push(position);
        let next = end as Dircookie + 1;
        if last == end {
            self.last = next;
        } else {
            self.late += 1;
        }
        next
    }

    /// Keeps the position of `cookie`, an index of entries, if it is a multiple of the stride.
    fn count(&mut self, cookie: Dircookie, position: Position) {
        if !cookie.is_multiple_of(self.stride) {
            return;
        }
        let index = (cookie / self.stride - 1) as usize;
        if let Some(kept) = self.kept.get_mut(index) {
            *kept = position;
        } else if self.kept.len() < self.kept.capacity() || self.grow() {
            self.kept.push(position);
        } else {
            self.thin_out();
            self.count(cookie, position);
        }
    }

    /// Reserves memory for as many positions again. False if [`Room`] is exhausted.
    fn grow(&mut self) -> bool {
        let more = self.kept.len().max(AT_LEAST);
        if !self.kept.is_empty() {
            if !self.room.positions.claim(more) {
                return false;
            }
            self.claimed += more;
        }
        self.kept.reserve_exact(more);
        true
    }

    /// Drops every second position.
    fn thin_out(&mut self) {
        let mut cookie = 0;
        self.kept.retain(|_| {
            cookie += 1;
            cookie % 2 == 0
        });
        self.stride *= 2;
    }

    /// The greatest cookie not above this one whose position is kept, and that position.
    pub(super) fn nearest(&self, cookie: Dircookie) -> (Dircookie, Position) {
        match self.up_to(cookie) {
            [.., position] => (
                self.up_to(cookie).len() as Dircookie * self.stride,
                *position,
            ),
            [] => (0, Position::START),
        }
    }

    /// The kept positions of the cookies not above this one.
    pub(super) fn up_to(&self, cookie: Dircookie) -> &[Position] {
        let count = usize::try_from(cookie / self.stride).unwrap_or(usize::MAX);
        &self.kept[..count.min(self.kept.len())]
    }
}

impl Drop for Positions {
    fn drop(&mut self) {
        self.room.positions.release(self.claimed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(room: &Arc<Room>, count: u64) -> Positions {
        let mut positions = Positions::new(Arc::clone(room));
        for cookie in 1..=count {
            assert_eq!(positions.tell(cookie - 1, Position(cookie * 1000)), cookie);
        }
        positions
    }

    #[test]
    fn each_is_kept_while_there_is_room() {
        let room = Arc::new(Room::new(1000, 0));
        let positions = filled(&room, 500);
        for cookie in 0..=500 {
            assert_eq!(positions.nearest(cookie), (cookie, Position(cookie * 1000)));
        }
        assert_eq!(positions.nearest(u64::MAX), (500, Position(500_000)));
    }

    #[test]
    fn without_room_the_nearest_before_is_known() {
        let room = Arc::new(Room::new(0, 0));
        let positions = filled(&room, 100_000);
        assert_eq!(positions.kept.capacity(), AT_LEAST);
        for cookie in (0..=100_000).step_by(17) {
            let (known, position) = positions.nearest(cookie);
            assert!(known <= cookie && cookie - known < 2 * 100_000 / (AT_LEAST as u64 / 2));
            assert_eq!(position, Position(known * 1000));
        }
    }

    #[test]
    fn all_streams_together_keep_to_the_room() {
        let room = Arc::new(Room::new(10_000, 0));
        let streams: Vec<_> = (0..100).map(|_| filled(&room, 1000)).collect();
        let kept: usize = streams.iter().map(|stream| stream.kept.capacity()).sum();
        assert!(kept <= 10_000 + 100 * AT_LEAST);
        drop(streams);
        assert!(
            room.positions.claim(10_000),
            "what was claimed is free again"
        );
    }

    #[test]
    fn a_cookie_keeps_its_position() {
        let room = Arc::new(Room::new(1000, 0));
        let mut positions = filled(&room, 10);
        positions.go(3);
        assert_eq!(positions.tell(3, Position(6000)), 6, "4 and 5 are gone");
        assert_eq!(positions.tell(6, Position(6500)), 11, "one that is new");
        assert_eq!(positions.tell(11, Position(7000)), 7);
        assert_eq!(positions.tell(7, Position(8000)), 8);
        for cookie in 1..=10 {
            assert_eq!(positions.nearest(cookie), (cookie, Position(cookie * 1000)));
        }
        assert_eq!(positions.nearest(11), (11, Position(6500)));
    }

    #[test]
    fn a_directory_that_always_changes_takes_bounded_memory() {
        let room = Arc::new(Room::new(10_000, 0));
        let mut positions = Positions::new(room);
        for turn in 0..1000 {
            positions.go(0);
            let mut at = 0;
            for entry in 1..=100 {
                at = positions.tell(at, Position(turn * 1000 + entry));
            }
        }
        assert_eq!(positions.stride, 1);
        assert!(positions.kept.capacity() <= 1024);
    }
}
