//! A thread that waits does not block other threads of its guest.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use wasi_rs::abi::Errno::Badf;

use crate::support::{BUF, END, Guest, OUT, Open};

/// Waits until another thread of this process sleeps in the kernel.
fn until_asleep(thread: rustix::process::Pid) {
    let path = format!("/proc/self/task/{}/stat", thread.as_raw_nonzero());
    let asleep = || {
        let stat = std::fs::read_to_string(&path).unwrap();
        // The state comes after the name, which may contain anything.
        stat[stat.rfind(')').unwrap()..].starts_with(") S")
    };
    while !asleep() {
        std::thread::yield_now();
    }
}

/// Runs a call that waits in a thread of its own, and meanwhile `meanwhile`.
fn while_waiting(guest: &Guest, call: fn(&Guest), meanwhile: impl FnOnce()) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = guest.thread();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            sender.send(rustix::thread::gettid()).unwrap();
            call(&waiting);
        });
        until_asleep(receiver.recv().unwrap());
        meanwhile();
    });
}

/// What other threads of a guest do while one waits for standard input, which they close.
fn use_and_close(guest: &Guest) {
    guest.write(1, "meanwhile");
    let fd = guest.open("file", Open::FILE);
    assert_eq!(guest.read(fd), "0123456789");
    guest.ok("fd_renumber", [fd, 2]);
    guest.record::<wasi_rs::abi::Fdstat>("fd_fdstat_get", &[0]);
    guest.ok("fd_close", [0]);
    assert_eq!(guest.errno("fd_close", [0]), Badf);
}

#[test]
fn a_thread_that_reads_blocks_no_other() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(reader);
    let read = |guest: &Guest| assert_eq!(guest.read(0), "late");
    while_waiting(&guest, read, || {
        use_and_close(&guest);
        writer.write_all(b"late").unwrap();
    });
    assert_eq!(guest.errno("fd_close", [0]), Badf);
}

#[test]
fn a_thread_that_polls_blocks_no_other() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(reader);
    let poll = |guest: &Guest| {
        let mut subscription = [0; 48];
        subscription[8] = 1;
        let [at, _] = guest.store(subscription);
        let outcome = guest.call("poll_oneoff", [at, BUF, 1, OUT]);
        outcome.wrote_within(&[(BUF, 32), (OUT, 4)]);
    };
    while_waiting(&guest, poll, || {
        use_and_close(&guest);
        writer.write_all(b"late").unwrap();
    });
}

#[test]
fn a_thread_that_accepts_blocks_no_other() {
    let guest = Guest::with(|setup| {
        let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
        setup.stdio[0] = listener.into();
    });
    let accept = |guest: &Guest| {
        guest
            .call("sock_accept", [0, 0, OUT])
            .wrote_within(&[(OUT, 4)]);
    };
    while_waiting(&guest, accept, || {
        use_and_close(&guest);
        UnixStream::connect(guest.scratch.host_path("../socket")).unwrap();
    });
}

#[test]
fn a_thread_that_writes_blocks_no_other() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(writer);
    let write = |guest: &Guest| {
        let [ciovs, ciovs_len] = guest.iovs(&[[0, END]; 4]);
        let outcome = guest.call("fd_write", [0, ciovs, ciovs_len, OUT]);
        outcome.wrote(&[(OUT, &(4 * END as u32).to_le_bytes())]);
    };
    while_waiting(&guest, write, || {
        use_and_close(&guest);
        reader.read_exact(&mut vec![0; 4 * END as usize]).unwrap();
    });
}
