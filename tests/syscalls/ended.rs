//! Stopping a guest from outside: it stops waiting at once, and its calls are refused.

use std::io::{PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wasi_rs::abi::Errno::{self, Intr, Notcapable, Success};
use wasi_rs::ctx::WasiCtx;
use wasi_rs::host::{Direction, Interrupt};
use wasi_rs::vfs::PipeEnd;

use crate::stop::{read, transfer};
use crate::support::{BUF, BUF_LEN, Guest, OUT, Setup};

/// A hundred years in nanoseconds.
const FOREVER: u64 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// A guest that can be stopped while it waits.
fn stoppable(change: impl FnOnce(&mut Setup)) -> Guest {
    let guest = Guest::with(change);
    guest.ctx.make_stoppable().unwrap();
    guest
}

fn sleep(guest: &Guest) -> Errno {
    let mut subscription = [0; 48];
    subscription[16] = 1;
    subscription[24..32].copy_from_slice(&FOREVER.to_le_bytes());
    let [at, _] = guest.store(subscription);
    guest.errno("poll_oneoff", [at, BUF, 1, OUT])
}

/// Makes a call that waits, in a thread of its own, and stops the guest.
fn stopped_in(guest: &Guest, call: impl FnOnce(&Guest) -> Errno + Send) {
    let ctx = guest.ctx.clone();
    let thread = guest.thread();
    let errno = thread::scope(|scope| {
        let waiting = scope.spawn(move || call(&thread));
        ctx.stop(3);
        waiting.join().unwrap()
    });
    // `ENOTCAPABLE` if it was stopped before the call.
    assert!(matches!(errno, Intr | Notcapable), "{errno}");
    assert_eq!(guest.ctx.stopped(), Some(3));
    assert_eq!(guest.errno("sched_yield", []), Notcapable);
}

#[test]
fn whatever_it_waits_for() {
    for _ in 0..20 {
        let guest = stoppable(|_| {});
        stopped_in(&guest, sleep);
        let (reader, _writer) = std::io::pipe().unwrap();
        let guest = stoppable(|setup| setup.stdio[0] = reader.into());
        stopped_in(&guest, |guest| read(guest, 0).unwrap_err());
        let (end, _other) = PipeEnd::new(Direction::Read).unwrap();
        let guest = stoppable(|setup| setup.streams[0] = Some(Arc::new(end)));
        stopped_in(&guest, |guest| read(guest, 0).unwrap_err());
        let (end, _other) = PipeEnd::new(Direction::Write).unwrap();
        let guest = stoppable(|setup| setup.streams[1] = Some(Arc::new(end)));
        stopped_in(&guest, |guest| {
            loop {
                if let Err(errno) = transfer(guest, "fd_write", 1, &[[BUF, BUF_LEN]]) {
                    break errno;
                }
            }
        });
    }
}

#[test]
fn stopping_after_a_time_replaces_the_time_that_was_set_before() {
    let guest = Guest::new();
    guest.ctx.stop_after(Duration::MAX, 1).unwrap();
    let before = Instant::now();
    guest.ctx.stop_after(Duration::from_millis(20), 2).unwrap();
    assert!(matches!(sleep(&guest), Intr | Notcapable));
    assert!(before.elapsed() >= Duration::from_millis(19));
    assert_eq!(guest.ctx.stopped(), Some(2));
}

#[test]
fn the_first_code_counts_and_no_call_comes_back() {
    let guest = stoppable(|_| {});
    assert_eq!(guest.ctx.stopped(), None);
    guest.ctx.stop(1);
    guest.ctx.stop(2);
    assert_eq!(guest.ctx.stopped(), Some(1));
    guest.ctx.grant(wasi_rs::ctx::Grant::ALL);
    assert_eq!(guest.errno("sched_yield", []), Notcapable);
}

#[test]
fn another_thread_finds_it_by_its_token_as_long_as_it_is_there() {
    let guest = stoppable(|_| {});
    let token = guest.ctx.share().unwrap();
    assert_eq!(guest.ctx.share(), Ok(token), "it has but one");
    let found = WasiCtx::shared(&token, Interrupt::NEVER).unwrap();
    guest.ok("fd_close", [0]);
    assert_eq!(found.entry(0).unwrap_err(), Errno::Badf, "the same table");
    found.stop(7);
    assert_eq!(guest.ctx.stopped(), Some(7));
    assert!(WasiCtx::shared(&[0; 16], Interrupt::NEVER).is_none());
    drop(guest);
    assert!(WasiCtx::shared(&token, Interrupt::NEVER).is_some());
    drop(found);
    assert!(WasiCtx::shared(&token, Interrupt::NEVER).is_none());
}

/// A guest owns its end of a pipe: the other side sees it close.
#[test]
fn a_pipe_closes_with_the_guests_descriptor() {
    let (end, other) = PipeEnd::new(Direction::Write).unwrap();
    let guest = Guest::with(|setup| setup.streams[1] = Some(Arc::new(end)));
    guest.write(1, "text");
    let mut reader = std::fs::File::from(OwnedFd::from(other));
    let mut text = [0; 4];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"text");
    guest.ok("fd_close", [1]);
    assert_eq!(reader.read(&mut text).unwrap(), 0);

    let (end, other) = PipeEnd::new(Direction::Read).unwrap();
    let guest = Guest::with(|setup| setup.streams[0] = Some(Arc::new(end)));
    let mut writer = PipeWriter::from(OwnedFd::from(other));
    writer.write_all(b"more").unwrap();
    assert_eq!(guest.read(0), "more");
    drop(writer);
    assert_eq!(guest.read(0), "");
    assert_eq!(guest.errno("fd_close", [0]), Success);
}
