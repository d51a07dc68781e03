//! Calls that are suspended instead of blocking, and made again.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use wasi_rs::abi::Errno::{self, Intr, Success};
use wasi_rs::host::{Awaited, Interrupt, Suspension};

use crate::stop::{read, transfer};
use crate::support::{BUF, BUF_LEN, Guest, OUT, Setup};

/// A guest whose calls are suspended, and what the last one waits for.
fn suspending(change: impl FnOnce(&mut Setup)) -> (Guest, Arc<Suspension>) {
    let guest = Guest::with(change);
    let suspension = Arc::<Suspension>::default();
    let interrupt = Interrupt::NEVER.suspending(Arc::clone(&suspension));
    (guest.interrupted_by(interrupt), suspension)
}

/// Polls for a second of the monotonic clock, and for a descriptor if there is one.
fn poll(guest: &Guest, fd: Option<u32>) -> Errno {
    let mut subscriptions = [0; 96];
    subscriptions[16] = 1;
    subscriptions[24..32].copy_from_slice(&1_000_000_000_u64.to_le_bytes());
    subscriptions[56] = 1;
    subscriptions[64..68].copy_from_slice(&fd.unwrap_or(0).to_le_bytes());
    let [at, _] = guest.store(subscriptions);
    guest.errno("poll_oneoff", [at, BUF, 1 + fd.iter().count() as u64, OUT])
}

#[test]
fn a_call_that_does_not_block_is_not_suspended() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (guest, _) = suspending(|setup| setup.stdio[0] = reader.into());
    writer.write_all(b"hi").unwrap();
    assert_eq!(read(&guest, 0), Ok(2));
    writer.write_all(b"!").unwrap();
    assert_eq!(poll(&guest, Some(0)), Success);
}

#[test]
fn a_call_that_would_block_returns_and_says_what_it_waits_for() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let (_reader, writer) = std::io::pipe().unwrap();
    let (guest, suspension) = suspending(|setup| {
        setup.stdio[0] = reader.into();
        setup.stdio[1] = writer.into();
    });
    let for_ever = Awaited {
        time_left: None,
        has_host: true,
    };
    assert_eq!(read(&guest, 0), Err(Intr));
    assert_eq!(suspension.awaited(), for_ever);
    let full = loop {
        match transfer(&guest, "fd_write", 1, &[[BUF, BUF_LEN]]) {
            Ok(_) => {}
            Err(errno) => break errno,
        }
    };
    assert_eq!((full, suspension.awaited()), (Intr, for_ever));
    for (fd, has_host) in [(None, false), (Some(0), true)] {
        suspension.begin(0);
        assert_eq!(poll(&guest, fd), Intr);
        let awaited = suspension.awaited();
        assert_eq!(awaited.has_host, has_host);
        assert!(awaited.time_left.unwrap() <= Duration::from_secs(1));
    }
}

#[test]
fn a_timeout_counts_from_the_first_time_a_suspended_call_was_made() {
    let (guest, suspension) = suspending(|_| {});
    assert_eq!(poll(&guest, None), Intr);
    let begun = suspension.begun();
    suspension.begin(begun - 1_000_000_000);
    assert_eq!(poll(&guest, None), Success);
}
