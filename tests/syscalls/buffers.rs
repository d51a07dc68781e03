//! Standard streams in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasi_rs::abi::Errno::{Nospc, Notcapable, Spipe, Success};
use wasi_rs::abi::{Eventtype, Filetype, Rights};
use wasi_rs::vfs::{Input, Null, Output};

use crate::fd_stat::fdstat;
use crate::poll::{poll, readable, ready, writable};
use crate::support::{BUF, Guest, OUT};

fn rights(guest: &Guest, fd: u64) -> Rights {
    Rights::from_bits_retain(fdstat(guest, fd).fs_rights_base)
}

#[test]
fn what_is_given_is_read_and_then_the_end() {
    let guest = Guest::with(|setup| {
        setup.streams[0] = Some(Arc::new(Input::new(b"hello, world".to_vec())));
    });
    assert_eq!(fdstat(&guest, 0).fs_filetype, Filetype::SocketStream);
    assert!(rights(&guest, 0).contains(Rights::FD_READ));
    assert!(!rights(&guest, 0).intersects(Rights::FD_WRITE | Rights::FD_SEEK));
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 2], [BUF + 8, 3]]);
    let outcome = guest.call("fd_read", [0, iovs, iovs_len, OUT]);
    assert_eq!(outcome.u32_at(OUT), 5);
    assert_eq!(outcome.bytes_at(BUF, 2), b"he");
    assert_eq!(outcome.bytes_at(BUF + 8, 3), b"llo");
    assert_eq!(
        poll(&guest, &[readable(7, 0)]),
        [ready(7, Eventtype::FdRead, 7, false)]
    );
    assert_eq!(guest.read(0), ", world");
    assert_eq!(guest.read(0), "");
    assert_eq!(guest.errno("fd_pread", [0, iovs, iovs_len, 0, OUT]), Spipe);
    let [ciovs, ciovs_len] = guest.ciovs("x");
    assert_eq!(
        guest.errno("fd_write", [0, ciovs, ciovs_len, OUT]),
        Notcapable
    );
}

#[test]
fn what_is_written_is_kept_up_to_the_limit() {
    let output = Arc::new(Output::new(10));
    let guest = Guest::with(|setup| setup.streams[1] = Some(Arc::clone(&output) as _));
    let write = |text: &str| {
        let [ciovs, ciovs_len] = guest.ciovs(text);
        match guest.errno("fd_write", [1, ciovs, ciovs_len, OUT]) {
            Success => Ok(u32::from_le_bytes(
                *guest.memory()[OUT as usize..].first_chunk().unwrap(),
            )),
            errno => Err(errno),
        }
    };
    assert!(!rights(&guest, 1).intersects(Rights::FD_READ | Rights::FD_SEEK));
    assert_eq!(
        poll(&guest, &[writable(7, 1)]),
        [ready(7, Eventtype::FdWrite, 0, false)]
    );
    assert_eq!(write("hello, "), Ok(7));
    assert_eq!(output.take(), b"hello, ");
    assert!(!output.has_overflowed());
    assert_eq!(write("world"), Ok(3), "as much as there is room for");
    assert!(output.has_overflowed());
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    output.when_full(move || {
        counted.fetch_add(1, Relaxed);
    });
    assert_eq!(write("!"), Err(Nospc));
    assert_eq!(times.load(Relaxed), 1);
    assert_eq!(write(""), Ok(0));
    assert_eq!(output.take(), b"wor");
    assert_eq!(output.take(), b"");
    let [iovs, iovs_len] = guest.iovs(&[[BUF, 4]]);
    assert_eq!(guest.errno("fd_read", [1, iovs, iovs_len, OUT]), Notcapable);
}

#[test]
fn reads_are_at_the_end_and_writes_are_discarded() {
    let guest = Guest::with(|setup| setup.streams[2] = Some(Arc::new(Null)));
    guest.write(2, "lost");
    assert_eq!(guest.read(2), "");
}

/// The guest keeps its streams alive.
#[test]
fn a_stream_is_let_go_of_when_the_guest_closes_it() {
    let output: Arc<Output> = Arc::new(Output::new(10));
    let other = Arc::downgrade(&output);
    let guest = Guest::with(|setup| setup.streams[1] = Some(output));
    assert!(other.upgrade().is_some());
    guest.ok("fd_close", [1]);
    assert!(other.upgrade().is_none());
}
