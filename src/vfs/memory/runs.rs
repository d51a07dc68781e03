use std::collections::BTreeMap;

use crate::abi::Dircookie;

/// A set of cookies that only grows, stored as runs of consecutive ones: to skip a run takes one look-up.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// From the first cookie of each run to the one after its last. Adjacent runs are merged.
    runs: BTreeMap<Dircookie, Dircookie>,
    len: usize,
}

impl Runs {
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first cookie, from this one on, that is not in the set.
    pub fn behind(&self, cookie: Dircookie) -> Dircookie {
        match self.runs.range(..=cookie).next_back() {
            Some((_, end)) => cookie.max(*end),
            None => cookie,
        }
    }

    pub fn contains(&self, cookie: Dircookie) -> bool {
        self.behind(cookie) > cookie
    }

    pub fn insert(&mut self, cookie: Dircookie) {
        if self.contains(cookie) {
            return;
        }
        self.len += 1;
        let end = self.runs.remove(&(cookie + 1)).unwrap_or(cookie + 1);
        match self.runs.range_mut(..cookie).next_back() {
            Some((_, before)) if *before == cookie => *before = end,
            _ => {
                self.runs.insert(cookie, end);
            }
        }
    }

    /// All cookies, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Dircookie> {
        self.runs.iter().flat_map(|(first, end)| *first..*end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(cookies: impl IntoIterator<Item = Dircookie>) -> Runs {
        let mut runs = Runs::default();
        for cookie in cookies {
            runs.insert(cookie);
        }
        runs
    }

    #[test]
    fn consecutive_cookies_are_one_run_in_whatever_order_they_come() {
        let last = 1_000;
        let outwards = (1..=last / 2).flat_map(|by| [last / 2 + by, last / 2 - by + 1]);
        let even_first = (1..=last).filter(|cookie| cookie % 2 == 0);
        let even_first = even_first.chain((1..=last).filter(|cookie| cookie % 2 == 1));
        for runs in [
            of(1..=last),
            of((1..=last).rev()),
            of(outwards),
            of(even_first),
        ] {
            assert_eq!(runs.runs.len(), 1);
            assert_eq!(runs.len(), last as usize);
            assert_eq!(runs.behind(1), last + 1);
            assert!(runs.iter().eq(1..=last));
        }
    }

    #[test]
    fn it_agrees_with_a_plain_set() {
        // Half of the numbers up to 100, some twice: runs of one and more, with gaps.
        let cookies: Vec<_> = (0..200).map(|n: Dircookie| n * n * 7 % 101).collect();
        let (runs, plain) = (of(cookies.clone()), BTreeSet::from_iter(cookies));
        assert_eq!(runs.len(), plain.len());
        assert!(runs.iter().eq(plain.iter().copied()));
        for cookie in 0..110 {
            assert_eq!(runs.contains(cookie), plain.contains(&cookie), "{cookie}");
            let behind = (cookie..).find(|next| !plain.contains(next)).unwrap();
            assert_eq!(runs.behind(cookie), behind, "{cookie}");
        }
    }
}
