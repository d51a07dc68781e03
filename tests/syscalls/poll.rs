use wasi_rs::abi::Errno::{self, Badf, Inval, Notcapable, Notsup, Overflow, Success};
use wasi_rs::abi::{Event, EventFdReadwrite, Eventtype, Record, Rights};

use crate::support::{BUF, CLOSED, END, Guest, OUT, Open, PREOPEN};

pub const REALTIME: u32 = 0;
pub const MONOTONIC: u32 = 1;
pub const RELATIVE: u16 = 0;
pub const ABSOLUTE: u16 = 1;

/// A subscription in memory; padding and unused bytes are `?`.
pub type Subscription = [u8; 48];

pub fn subscription(userdata: u64, tag: u8, payload: &[(usize, &[u8])]) -> Subscription {
    let mut bytes = [b'?'; 48];
    let head = [(0, &userdata.to_le_bytes()[..]), (8, &[tag])];
    for (at, field) in head.iter().chain(payload) {
        bytes[*at..][..field.len()].copy_from_slice(field);
    }
    bytes
}

pub fn clock(userdata: u64, id: u32, timeout: u64, flags: u16) -> Subscription {
    let payload = [
        (16, &id.to_le_bytes()[..]),
        (24, &timeout.to_le_bytes()),
        (32, &u64::MAX.to_le_bytes()),
        (40, &flags.to_le_bytes()),
    ];
    subscription(userdata, 0, &payload)
}

pub fn readable(userdata: u64, fd: u64) -> Subscription {
    subscription(userdata, 1, &[(16, &(fd as u32).to_le_bytes())])
}

pub fn writable(userdata: u64, fd: u64) -> Subscription {
    subscription(userdata, 2, &[(16, &(fd as u32).to_le_bytes())])
}

/// Makes the call. Returns its events, whose layout in memory is checked.
pub fn poll(guest: &Guest, subscriptions: &[Subscription]) -> Vec<Event> {
    let outcome = guest.scoped(|| {
        let [at, _] = guest.store(subscriptions.concat());
        guest.call("poll_oneoff", [at, BUF, subscriptions.len() as u64, OUT])
    });
    outcome.wrote_within(&[(BUF, 32 * subscriptions.len() as u64), (OUT, 4)]);
    let nevents = outcome.u32_at(OUT);
    let events: Vec<Event> = (0..nevents)
        .map(|index| outcome.record_at(BUF + 32 * u64::from(index)))
        .collect();
    let bytes: Vec<_> = events.iter().flat_map(|event| event.encode()).collect();
    outcome.wrote(&[(BUF, &bytes), (OUT, &nevents.to_le_bytes())]);
    events
}

pub fn event(userdata: u64, errno: Errno, eventtype: Eventtype) -> Event {
    Event {
        userdata,
        error: errno,
        r#type: eventtype,
        fd_readwrite: EventFdReadwrite {
            nbytes: 0,
            flags: 0,
        },
    }
}

pub fn ready(userdata: u64, eventtype: Eventtype, nbytes: u64, hangup: bool) -> Event {
    let fd_readwrite = EventFdReadwrite {
        nbytes,
        flags: hangup.into(),
    };
    Event {
        fd_readwrite,
        ..event(userdata, Success, eventtype)
    }
}

pub fn rings(userdata: u64) -> Event {
    event(userdata, Success, Eventtype::Clock)
}

fn now(guest: &Guest, id: u32) -> u64 {
    guest.record("clock_time_get", &[id.into(), 0])
}

pub mod poll_oneoff {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let file = guest.open("file", Open::FILE);
            let _: u64 = guest.record("fd_seek", &[file, 3, 0]);
            let subscriptions = [
                clock(1, MONOTONIC, 0, RELATIVE),
                clock(2, REALTIME, u64::MAX, RELATIVE),
                readable(3, file),
                writable(u64::MAX, file),
            ];
            assert_eq!(
                poll(&guest, &subscriptions),
                [
                    rings(1),
                    ready(3, Eventtype::FdRead, 7, false),
                    ready(u64::MAX, Eventtype::FdWrite, 0, false),
                ]
            );
        }
    }

    #[test]
    pub fn refusals() {
        let guest = Guest::with(|setup| setup.limits.subscriptions = 3);
        let [at, _] = guest.store([clock(1, MONOTONIC, 0, RELATIVE); 4].concat());
        let [unknown, _] =
            guest.store([clock(1, MONOTONIC, 0, RELATIVE), subscription(2, 3, &[])].concat());
        let [last, _] = guest.store(subscription(2, 255, &[]));
        guest.refuses(
            "poll_oneoff",
            &[
                ("none", vec![at, BUF, 0, OUT], Inval),
                ("none, beyond memory", vec![at, BUF, 0, END - 3], Overflow),
                (
                    "subscriptions beyond memory",
                    vec![END - 47, BUF, 1, OUT],
                    Overflow,
                ),
                ("events beyond memory", vec![at, END - 63, 2, OUT], Overflow),
                ("result beyond memory", vec![at, BUF, 1, END - 3], Overflow),
                (
                    "a length that wraps 32 bits",
                    vec![at, BUF, 0x1000_0000, OUT],
                    Overflow,
                ),
                ("another", vec![at, BUF, 0x0555_5556, OUT], Overflow),
                (
                    "as many as can be",
                    vec![at, BUF, u32::MAX.into(), OUT],
                    Overflow,
                ),
                ("too many", vec![at, BUF, 4, OUT], Inval),
                ("of no known kind", vec![last, BUF, 1, OUT], Inval),
                (
                    "of no known kind, one of two",
                    vec![unknown, BUF, 2, OUT],
                    Inval,
                ),
            ],
        );
    }

    #[test]
    fn a_timeout_in_the_past_is_due_at_once() {
        let guest = Guest::new();
        for id in [REALTIME, MONOTONIC] {
            let before = now(&guest, id);
            for timeout in [0, 1, before / 2, before] {
                assert_eq!(poll(&guest, &[clock(7, id, timeout, ABSOLUTE)]), [rings(7)]);
            }
        }
    }

    #[test]
    fn no_timeout_is_due_early() {
        let guest = Guest::new();
        for id in [REALTIME, MONOTONIC] {
            // Timeouts that are not multiples of anything: the resolution is nanoseconds.
            for wait in [1, 999, 100_001, 2_000_003] {
                let until = now(&guest, id) + wait;
                assert_eq!(poll(&guest, &[clock(7, id, until, ABSOLUTE)]), [rings(7)]);
                assert!(now(&guest, id) >= until);
                let until = now(&guest, id) + wait;
                assert_eq!(poll(&guest, &[clock(7, id, wait, RELATIVE)]), [rings(7)]);
                assert!(now(&guest, id) >= until);
            }
        }
    }

    #[test]
    fn every_timeout_that_is_due_is_an_event() {
        let guest = Guest::new();
        let subscriptions = [
            clock(1, MONOTONIC, 0, RELATIVE),
            clock(2, MONOTONIC, u64::MAX, RELATIVE),
            clock(3, REALTIME, 0, ABSOLUTE),
            clock(4, MONOTONIC, u64::MAX, ABSOLUTE),
            clock(5, MONOTONIC, 1, ABSOLUTE),
        ];
        assert_eq!(poll(&guest, &subscriptions), [rings(1), rings(3), rings(5)]);
    }

    #[test]
    fn the_earlier_of_two_timeouts_is_the_only_event() {
        let guest = Guest::new();
        let hour = 3_600_000_000_000;
        let (late, early) = (
            clock(1, REALTIME, hour, RELATIVE),
            clock(2, MONOTONIC, 1_000_000, RELATIVE),
        );
        assert_eq!(poll(&guest, &[late, early]), [rings(2)]);
        assert_eq!(poll(&guest, &[early, late]), [rings(2)]);
    }

    #[test]
    fn a_clock_that_cannot_be_waited_for_has_an_event_with_an_error() {
        let guest = Guest::new();
        for (id, errno) in [(2, Notsup), (3, Notsup), (4, Inval), (u32::MAX, Inval)] {
            let forever = clock(1, MONOTONIC, u64::MAX, RELATIVE);
            let events = poll(&guest, &[forever, clock(2, id, 0, RELATIVE)]);
            assert_eq!(events, [event(2, errno, Eventtype::Clock)]);
        }
    }

    #[test]
    fn a_descriptor_that_cannot_be_waited_for_has_an_event_with_an_error() {
        let guest = Guest::new();
        let lacking = guest.file_without(Rights::POLL_FD_READWRITE);
        let subscriptions = [
            readable(1, CLOSED),
            writable(2, u32::MAX.into()),
            clock(3, MONOTONIC, u64::MAX, RELATIVE),
            readable(4, lacking),
            writable(5, lacking),
        ];
        assert_eq!(
            poll(&guest, &subscriptions),
            [
                event(1, Badf, Eventtype::FdRead),
                event(2, Badf, Eventtype::FdWrite),
                event(4, Notcapable, Eventtype::FdRead),
                event(5, Notcapable, Eventtype::FdWrite),
            ]
        );
        assert_eq!(
            poll(&guest, &[readable(9, CLOSED)]),
            [event(9, Badf, Eventtype::FdRead)]
        );
    }

    /// Both ways of opening a directory give the same.
    #[test]
    fn a_directory_is_no_stream_to_wait_for() {
        let guest = Guest::new();
        let opened = [
            PREOPEN,
            guest.open("dir", Open::DIR),
            guest.open("dir", Open::READ.base(Rights::POLL_FD_READWRITE)),
        ];
        for fd in opened {
            let events = poll(&guest, &[readable(1, fd), clock(2, MONOTONIC, 0, RELATIVE)]);
            let expected = event(1, Errno::Isdir, Eventtype::FdRead);
            assert_eq!(events, [expected, rings(2)], "{fd}");
        }
    }

    #[test]
    fn a_file_tells_what_is_left_of_it() {
        let guest = Guest::new();
        let fd = guest.open("file", Open::FILE);
        guest
            .call("fd_seek", [fd, 7, 0, OUT])
            .wrote_within(&[(OUT, 8)]);
        assert_eq!(
            poll(&guest, &[readable(1, fd)]),
            [ready(1, Eventtype::FdRead, 3, false)]
        );
    }

    #[test]
    fn events_may_be_written_over_subscriptions() {
        let guest = Guest::new();
        let [at, _] = guest.store(
            [
                readable(1, CLOSED),
                clock(2, MONOTONIC, 0, RELATIVE),
                clock(3, REALTIME, 0, ABSOLUTE),
            ]
            .concat(),
        );
        let outcome = guest.call("poll_oneoff", [at, at, 3, OUT]);
        outcome.wrote_within(&[(at, 96), (OUT, 4)]);
        let events = [0, 32, 64].map(|offset| outcome.record_at::<Event>(at + offset));
        assert_eq!(
            events,
            [event(1, Badf, Eventtype::FdRead), rings(2), rings(3)]
        );
    }

    #[test]
    fn flags_without_a_meaning_are_ignored() {
        let guest = Guest::new();
        assert_eq!(poll(&guest, &[clock(1, MONOTONIC, 0, 0xfffe)]), [rings(1)]);
        assert_eq!(poll(&guest, &[clock(1, MONOTONIC, 1, 0xffff)]), [rings(1)]);
    }
}
