//! Polling pipes, sockets and devices that the host lends.

use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use wasi_rs::abi::Errno::{self, Badf, Success};
use wasi_rs::abi::{Event, Eventtype, Filestat, Filetype};
use wasi_rs::host::{self, Direction};
use wasi_rs::memory::Iovecs;
use wasi_rs::vfs::{Poll, Stream, Wait};

use crate::foreign;
use crate::poll::{MONOTONIC, REALTIME, RELATIVE, clock, poll, readable, ready, rings, writable};
use crate::support::{BUF, Guest, OUT, Open};

/// A stream that reads from a pipe of the host.
#[derive(Debug)]
struct Piped(host::File);

impl Stream for Piped {
    fn stat(&self) -> Result<Filestat, Errno> {
        Ok(foreign::stat(Filetype::SocketStream, 0))
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize, Errno> {
        Ok(self.0.read_interruptible(iovs, wait)?)
    }

    fn write(&self, _: &Iovecs<'_>, _: Wait<'_>) -> Result<usize, Errno> {
        Err(Badf)
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Host(&self.0)
    }
}

/// A guest with the ends of two pipes as standard input and output, and the other ends.
fn piped() -> (Guest, PipeWriter, PipeReader) {
    let ((stdin, writer), (reader, stdout)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let guest = Guest::with(|setup| {
        setup.stdio[0] = stdin.into();
        setup.stdio[1] = stdout.into();
    });
    (guest, writer, reader)
}

mod poll_oneoff {
    use super::*;

    #[test]
    fn streams_files_and_clocks_are_waited_for_together() {
        let (guest, mut writer, _reader) = piped();
        writer.write_all(b"hello").unwrap();
        let file = guest.open("file", Open::FILE);
        let _: u64 = guest.record("fd_seek", &[file, 3, 0]);
        let subscriptions = [
            readable(1, 0),
            writable(2, 1),
            clock(3, MONOTONIC, 0, RELATIVE),
            clock(4, REALTIME, u64::MAX, RELATIVE),
            readable(5, file),
            writable(u64::MAX, file),
        ];
        assert_eq!(
            poll(&guest, &subscriptions),
            [
                ready(1, Eventtype::FdRead, 5, false),
                ready(2, Eventtype::FdWrite, 0, false),
                rings(3),
                ready(5, Eventtype::FdRead, 7, false),
                ready(u64::MAX, Eventtype::FdWrite, 0, false),
            ]
        );
    }

    #[test]
    fn a_pipe_is_readable_when_there_is_something_or_nobody_to_write() {
        let (guest, mut writer, _reader) = piped();
        let both = [readable(1, 0), clock(2, MONOTONIC, 0, RELATIVE)];
        assert_eq!(poll(&guest, &both), [rings(2)]);
        writer.write_all(b"abc").unwrap();
        assert_eq!(
            poll(&guest, &[readable(1, 0)]),
            [ready(1, Eventtype::FdRead, 3, false)]
        );
        drop(writer);
        assert_eq!(
            poll(&guest, &[readable(1, 0)]),
            [ready(1, Eventtype::FdRead, 3, true)]
        );
        assert_eq!(guest.read(0), "abc");
        assert_eq!(
            poll(&guest, &[readable(1, 0)]),
            [ready(1, Eventtype::FdRead, 0, true)]
        );
    }

    #[test]
    fn a_pipe_is_writable_when_there_is_room_or_nobody_to_read() {
        let (guest, _writer, reader) = piped();
        let both = [writable(1, 1), clock(2, MONOTONIC, 0, RELATIVE)];
        let room = ready(1, Eventtype::FdWrite, 0, false);
        assert_eq!(poll(&guest, &both), [room, rings(2)]);
        guest.ok("fd_fdstat_set_flags", [1, 4]);
        let [ciovs, ciovs_len] = guest.iovs(&[[BUF, 0x1000]]);
        while guest.errno("fd_write", [1, ciovs, ciovs_len, OUT]) == Success {}
        assert_eq!(poll(&guest, &both), [rings(2)]);
        drop(reader);
        let gone = ready(1, Eventtype::FdWrite, 0, true);
        assert_eq!(poll(&guest, &[writable(1, 1)]), [gone]);
    }

    /// A direction that the guest has shut down is ready at once, with a hangup, whatever the host's socket is.
    #[test]
    fn a_direction_that_the_guest_has_shut_down_is_ready_with_a_hangup() {
        const DIRECTIONS: [u64; 3] = [1, 2, 3];
        for how in DIRECTIONS {
            let (socket, mut peer) = UnixStream::pair().unwrap();
            let guest = Guest::with_stdin(socket);
            guest.ok("sock_shutdown", [0, how]);
            let over = |eventtype| ready(1, eventtype, 0, true);
            if how & 1 != 0 {
                assert_eq!(poll(&guest, &[readable(1, 0)]), [over(Eventtype::FdRead)]);
            }
            if how & 2 != 0 {
                assert_eq!(poll(&guest, &[writable(1, 0)]), [over(Eventtype::FdWrite)]);
            } else {
                let room = ready(1, Eventtype::FdWrite, 0, false);
                assert_eq!(poll(&guest, &[writable(1, 0)]), [room]);
            }
            peer.write_all(b"abc").unwrap();
            let both = poll(&guest, &[readable(1, 0), readable(2, 0)]);
            let (nbytes, hangup) = if how & 1 != 0 { (0, true) } else { (3, false) };
            let each = |userdata| ready(userdata, Eventtype::FdRead, nbytes, hangup);
            assert_eq!(both, [each(1), each(2)]);
        }
    }

    #[test]
    fn sockets_and_devices_are_waited_for() {
        let (socket, mut peer) = UnixStream::pair().unwrap();
        let guest = Guest::with_stdin(socket);
        let read = [
            readable(1, 0),
            writable(2, 0),
            readable(3, 1),
            writable(4, 2),
        ];
        let devices = [3, 4].map(|userdata| (userdata, Eventtype::FdRead));
        let userdata = |events: &[Event]| events.iter().map(|event| event.userdata).collect();
        let idle: Vec<u64> = userdata(&poll(&guest, &read));
        assert_eq!(idle, [2, devices[0].0, devices[1].0]);
        peer.write_all(b"hello").unwrap();
        let events = poll(&guest, &read);
        assert_eq!(events[0], ready(1, Eventtype::FdRead, 5, false));
        assert_eq!(events.len(), 4);
        drop(peer);
        let events = poll(&guest, &read);
        assert_eq!(events[0], ready(1, Eventtype::FdRead, 5, true));
    }

    #[test]
    fn one_descriptor_can_be_waited_for_twice() {
        let (guest, mut writer, _reader) = piped();
        writer.write_all(b"a").unwrap();
        let event = |userdata| ready(userdata, Eventtype::FdRead, 1, false);
        let events = poll(&guest, &[readable(1, 0), readable(2, 0), readable(1, 0)]);
        assert_eq!(events, [event(1), event(2), event(1)]);
    }

    #[test]
    fn waiting_ends_when_something_comes() {
        let (guest, mut writer, _reader) = piped();
        let thread = std::thread::spawn(move || writer.write_all(b"late").map(|()| writer));
        let forever = clock(2, MONOTONIC, u64::MAX, RELATIVE);
        let events = poll(&guest, &[forever, readable(1, 0)]);
        assert_eq!(events, [ready(1, Eventtype::FdRead, 4, false)]);
        thread.join().unwrap().unwrap();
    }

    #[test]
    fn what_is_none_of_the_hosts_is_ready_or_says_what_to_wait_for() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let guest = Guest::new();
        let source = foreign::source(&guest, "input");
        let pipe = host::File::lent(reader.as_raw_fd()).unwrap();
        let piped = foreign::stream(&guest, Piped(pipe));
        let forever = clock(3, MONOTONIC, u64::MAX, RELATIVE);
        let readable = [readable(1, source), forever, readable(2, piped)];
        let input = ready(1, Eventtype::FdRead, 5, false);
        assert_eq!(poll(&guest, &readable), [input]);
        writer.write_all(b"more").unwrap();
        let more = ready(2, Eventtype::FdRead, 4, false);
        assert_eq!(poll(&guest, &readable), [input, more]);
        assert_eq!(poll(&guest, &readable[1..]), [more]);
        let room = ready(4, Eventtype::FdWrite, 0, false);
        assert_eq!(poll(&guest, &[forever, writable(4, source)]), [room]);
    }
}
