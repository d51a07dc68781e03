use std::io::ErrorKind::WouldBlock;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use wasi_rs::abi::Errno::{
    self, Again, Badf, Inval, Nfile, Notcapable, Notconn, Notsock, Notsup, Overflow, Pipe,
};
use wasi_rs::abi::{Fdflags, Fdstat, Filetype, Rights, RightsPair, Snapshot};

use crate::support::{BUF, CLOSED, END, Guest, OUT, OUT2, Open, PREOPEN, args, null};

const PEEK: u64 = 1;
const WAITALL: u64 = 2;
const NONBLOCK: u64 = Fdflags::NONBLOCK.bits() as u64;
const RD: u64 = 1;
const WR: u64 = 2;

/// A guest with one end of a connection as standard input, and the other end.
fn connected() -> (Guest, UnixStream) {
    let (socket, peer) = UnixStream::pair().unwrap();
    (Guest::with_stdin(socket), peer)
}

/// A guest with a pipe as standard input: for a guest a stream with the rights of a socket.
fn piped() -> Guest {
    let (reader, _) = std::io::pipe().unwrap();
    Guest::with_stdin(reader)
}

fn make_nonblocking(guest: &Guest, fd: u64) {
    guest.ok("fd_fdstat_set_flags", [fd, NONBLOCK]);
}

/// The refusals of a call that needs a socket.
fn refuses_what_is_none(name: &str, call: impl Fn(&Guest, u64) -> Vec<u64>) {
    let guest = piped();
    let file = guest.open("file", Open::FILE);
    let on = |fd| call(&guest, fd);
    guest.refuses(
        name,
        &[
            ("not open", on(CLOSED), Badf),
            ("a file", on(file), Notcapable),
            ("a directory", on(PREOPEN), Notcapable),
            ("a pipe", on(0), Notsock),
            ("a device", on(1), Notsock),
        ],
    );
    for right in RightsPair::SOCKET.base {
        let (guest, _peer) = connected();
        guest.set_rights(0, (RightsPair::SOCKET.base - right).bits(), 0);
        guest.refuses(name, &[("without a right", call(&guest, 0), Notcapable)]);
    }
}

pub mod sock_recv {
    use super::*;

    fn recv(iovs: [u64; 2], riflags: u64) -> Vec<u64> {
        args(&[&[0], &iovs, &[riflags, OUT, OUT2]])
    }

    #[test]
    pub fn works() {
        let (guest, mut peer) = connected();
        let [one, two] = [guest.alloc(2), guest.alloc(10)];
        let iovs = guest.iovs(&[[one, 2], [two, 10]]);
        peer.write_all(b"hello").unwrap();
        let none = (OUT2, &[0, 0][..]);
        let all = [(one, &b"he"[..]), (two, b"llo"), (OUT, &[5, 0, 0, 0]), none];
        guest.call("sock_recv", recv(iovs, PEEK)).wrote(&all);
        guest.call("sock_recv", recv(iovs, 0)).wrote(&all);
        peer.write_all(b"hello, world").unwrap();
        let whole = [
            (one, &b"he"[..]),
            (two, b"llo, world"),
            (OUT, &[12, 0, 0, 0]),
            none,
        ];
        guest.call("sock_recv", recv(iovs, WAITALL)).wrote(&whole);
        drop(peer);
        guest
            .call("sock_recv", recv(iovs, 0))
            .wrote(&[(OUT, &[0; 4]), none]);
    }

    #[test]
    pub fn refusals() {
        let (guest, _peer) = connected();
        let iovs = guest.iovs(&[[BUF, 10]]);
        refuses_what_is_none("sock_recv", |guest, fd| {
            args(&[&[fd], &guest.iovs(&[[BUF, 10]]), &[0, OUT, OUT2]])
        });
        let call = |fd: u64, iovs: [u64; 2], rest: [u64; 3]| args(&[&[fd], &iovs, &rest]);
        guest.refuses(
            "sock_recv",
            &[
                (
                    "length beyond memory",
                    call(CLOSED, iovs, [0, END - 3, OUT2]),
                    Overflow,
                ),
                (
                    "flags beyond memory",
                    call(CLOSED, iovs, [0, OUT, END - 1]),
                    Overflow,
                ),
                (
                    "list beyond memory",
                    call(CLOSED, [END - 7, 1], [0, OUT, OUT2]),
                    Overflow,
                ),
                (
                    "a list that wraps",
                    call(0, [0, 0x2000_0000], [0, OUT, OUT2]),
                    Overflow,
                ),
                ("no buffers", call(0, [0, 0], [0, OUT, OUT2]), Inval),
                (
                    "no buffers, not open",
                    call(CLOSED, [0, 0], [0, OUT, OUT2]),
                    Inval,
                ),
                (
                    "too many buffers",
                    call(0, [0, 1025], [0, OUT, OUT2]),
                    Inval,
                ),
                ("a flag that is none", call(0, iovs, [4, OUT, OUT2]), Notsup),
                (
                    "a flag that is none, not open",
                    call(CLOSED, iovs, [4, OUT, OUT2]),
                    Notsup,
                ),
            ],
        );
        make_nonblocking(&guest, 0);
        for riflags in [0, PEEK, WAITALL] {
            let args = recv(iovs, riflags);
            guest.refuses("sock_recv", &[("nothing to receive", args, Again)]);
        }
    }

    #[test]
    fn a_message_that_is_cut_says_so() {
        let (socket, peer) = UnixDatagram::pair().unwrap();
        let guest = Guest::with_stdin(socket);
        let iovs = guest.iovs(&[[BUF, 3]]);
        for (message, received, roflags) in [(&b"hello"[..], 3, 1), (b"hey", 3, 0), (b"", 0, 0)] {
            peer.send(message).unwrap();
            guest.call("sock_recv", recv(iovs, 0)).wrote(&[
                (BUF, &message[..received as usize]),
                (OUT, &[received, 0, 0, 0]),
                (OUT2, &[roflags, 0]),
            ]);
        }
    }
}

pub mod sock_send {
    use super::*;

    #[test]
    pub fn works() {
        let (guest, mut peer) = connected();
        let ciovs = guest.iovs(&[guest.store("hel"), guest.store(""), guest.store("lo")]);
        guest
            .call("sock_send", args(&[&[0], &ciovs, &[0, OUT]]))
            .wrote(&[(OUT, &[5, 0, 0, 0])]);
        let mut received = [0; 5];
        peer.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"hello");
    }

    #[test]
    pub fn refusals() {
        let (guest, peer) = connected();
        let ciovs = guest.ciovs("hello");
        refuses_what_is_none("sock_send", |guest, fd| {
            args(&[&[fd], &guest.ciovs("hello"), &[0, OUT]])
        });
        let call = |fd: u64, ciovs: [u64; 2], rest: [u64; 2]| args(&[&[fd], &ciovs, &rest]);
        guest.refuses(
            "sock_send",
            &[
                (
                    "length beyond memory",
                    call(CLOSED, ciovs, [0, END - 3]),
                    Overflow,
                ),
                (
                    "list beyond memory",
                    call(CLOSED, [END - 7, 1], [0, OUT]),
                    Overflow,
                ),
                ("no buffers", call(0, [0, 0], [0, OUT]), Inval),
                ("too many buffers", call(0, [0, 1025], [0, OUT]), Inval),
                ("a flag", call(0, ciovs, [1, OUT]), Inval),
                (
                    "a flag, not open",
                    call(CLOSED, ciovs, [0x8000, OUT]),
                    Inval,
                ),
            ],
        );
        drop(peer);
        guest.refuses(
            "sock_send",
            &[("the peer is gone", call(0, ciovs, [0, OUT]), Pipe)],
        );
    }

    #[test]
    fn a_full_send_buffer_is_eagain_for_a_nonblocking_socket() {
        let (guest, _peer) = connected();
        make_nonblocking(&guest, 0);
        let ciovs = guest.iovs(&[[BUF, 0x1000]]);
        let call = || guest.errno("sock_send", args(&[&[0], &ciovs, &[0, OUT]]));
        let errno = loop {
            match call() {
                Errno::Success => {}
                errno => break errno,
            }
        };
        assert_eq!(errno, Again);
    }
}

pub mod sock_shutdown {
    use super::*;

    /// A guest with a connection that it has accepted, its descriptor, and the other end.
    fn accepted() -> (Guest, u64, UnixStream) {
        let guest = super::sock_accept::listening();
        let peer = super::sock_accept::connect(&guest);
        guest
            .call("sock_accept", [0, 0, OUT])
            .wrote(&[(OUT, &[4, 0, 0, 0])]);
        (guest, 4, peer)
    }

    fn send(guest: &Guest, fd: u64) -> Errno {
        let [ciovs, ciovs_len] = guest.ciovs("more");
        guest.errno("sock_send", [fd, ciovs, ciovs_len, 0, OUT])
    }

    #[test]
    pub fn works() {
        let (guest, fd, mut peer) = accepted();
        guest.write(fd, "last");
        guest.ok("sock_shutdown", [fd, WR]);
        let mut received = String::new();
        peer.read_to_string(&mut received).unwrap();
        assert_eq!(received, "last");
        assert_eq!(send(&guest, fd), Pipe);
        peer.write_all(b"still").unwrap();
        assert_eq!(guest.read(fd), "still");
        guest.ok("sock_shutdown", [fd, RD]);
        assert_eq!(guest.read(fd), "");

        let (guest, fd, mut peer) = accepted();
        guest.ok("sock_shutdown", [fd, RD | WR]);
        assert_eq!(guest.read(fd), "");
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    }

    /// Shutting down a lent stream applies to the guest's descriptor alone.
    #[test]
    fn a_stream_that_is_lent_is_shut_for_the_guest_alone() {
        for how in [RD, WR, RD | WR] {
            let (socket, mut peer) = UnixStream::pair().unwrap();
            peer.set_nonblocking(true).unwrap();
            let guest = Guest::with(|setup| {
                let others = socket.try_clone().unwrap();
                setup.stdio = [socket.into(), others.into(), null()];
            });
            peer.write_all(b"to the host").unwrap();
            guest.ok("sock_shutdown", [0, how]);
            guest.ok("fd_renumber", [0, 2]);
            let [iovs, iovs_len] = guest.iovs(&[[BUF, 64]]);
            if how & RD != 0 {
                assert_eq!(guest.read(2), "");
                let recv = [2, iovs, iovs_len, 0, OUT, OUT2];
                let none = [(OUT, &[0; 4][..]), (OUT2, &[0; 2])];
                guest.call("sock_recv", recv).wrote(&none);
            }
            if how & WR != 0 {
                assert_eq!(send(&guest, 2), Pipe);
                assert_eq!(guest.errno("fd_write", [2, iovs, iovs_len, OUT]), Pipe);
                assert_eq!(peer.read(&mut [0]).unwrap_err().kind(), WouldBlock);
            } else {
                guest.write(2, "on");
            }
            guest.ok("sock_shutdown", [2, how]);
            // Another descriptor of the guest, and the host, can still use it.
            assert_eq!(guest.read(1), "to the host");
            guest.write(1, "from the host");
            peer.write_all(b"more").unwrap();
            let mut host = UnixStream::from(guest.stdio(0).try_clone().unwrap());
            host.read_exact(&mut [0; 4]).unwrap();
            host.write_all(b"too").unwrap();
        }
    }

    /// An interruptible thread uses other system calls.
    #[test]
    fn what_is_shut_is_shut_in_a_worker_too() {
        let (guest, _peer) = connected();
        guest.ok("sock_shutdown", [0, RD | WR]);
        let worker = guest.interruptible(|| false);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                assert_eq!(worker.read(0), "");
                let [ciovs, ciovs_len] = worker.ciovs("more");
                assert_eq!(worker.errno("fd_write", [0, ciovs, ciovs_len, OUT]), Pipe);
            });
        });
    }

    #[test]
    pub fn refusals() {
        refuses_what_is_none("sock_shutdown", |_, fd| vec![fd, RD | WR]);
        let (guest, mut peer) = connected();
        guest.refuses(
            "sock_shutdown",
            &[
                ("no direction", vec![0, 0], Inval),
                ("a direction that is none", vec![0, 4], Inval),
                ("every bit", vec![0, 255], Inval),
                ("no direction, not open", vec![CLOSED, 0], Badf),
                ("no direction, a file", vec![PREOPEN, 0], Notcapable),
            ],
        );
        peer.write_all(b"open").unwrap();
        assert_eq!(guest.read(0), "open");
        let unconnected = Guest::with_stdin(UdpSocket::bind("127.0.0.1:0").unwrap());
        unconnected.refuses("sock_shutdown", &[("no peer", vec![0, RD], Notconn)]);
    }
}

pub mod sock_accept {
    use super::*;

    /// A guest with a listening socket as standard input.
    pub fn listening() -> Guest {
        Guest::with(|setup| {
            let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
            setup.stdio[0] = listener.into();
        })
    }

    pub fn connect(guest: &Guest) -> UnixStream {
        UnixStream::connect(guest.scratch.host_path("../socket")).unwrap()
    }

    #[test]
    pub fn works() {
        let guest = listening();
        let [mut one, _other] = [connect(&guest), connect(&guest)];
        guest
            .call("sock_accept", [0, 0, OUT])
            .wrote(&[(OUT, &[4, 0, 0, 0])]);
        guest
            .call("sock_accept", [0, NONBLOCK, OUT])
            .wrote(&[(OUT, &[5, 0, 0, 0])]);
        for (fd, fs_flags) in [(4, 0), (5, Fdflags::NONBLOCK.bits())] {
            let fdstat: Fdstat = guest.record("fd_fdstat_get", &[fd]);
            assert_eq!(fdstat.fs_filetype, Filetype::SocketStream);
            assert_eq!(fdstat.fs_flags, fs_flags);
            assert_eq!(fdstat.fs_rights_base, RightsPair::SOCKET.base.bits());
        }
        one.write_all(b"hello").unwrap();
        assert_eq!(guest.read(4), "hello");
        guest.write(4, "world");
        let mut received = [0; 5];
        one.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"world");
        let iovs = guest.iovs(&[[BUF, 1]]);
        let recv = args(&[&[5], &iovs, &[0, OUT, OUT2]]);
        guest.refuses("sock_recv", &[("nothing to receive", recv, Again)]);
        guest.ok("fd_close", [4]);
        assert_eq!(
            one.read(&mut [0]).unwrap(),
            0,
            "the guest's own socket is closed"
        );
    }

    #[test]
    pub fn refusals() {
        refuses_what_is_none("sock_accept", |_, fd| vec![fd, 0, OUT]);
        let guest = listening();
        guest.refuses(
            "sock_accept",
            &[
                ("beyond memory", vec![CLOSED, 0, END - 3], Overflow),
                ("a flag other than that", vec![0, 1, OUT], Notsup),
                ("that flag and others", vec![0, 0xffff, OUT], Notsup),
                ("a flag, not open", vec![CLOSED, 0x8000, OUT], Notsup),
                ("nobody connects", vec![0, NONBLOCK, OUT], Again),
            ],
        );
        make_nonblocking(&guest, 0);
        guest.refuses(
            "sock_accept",
            &[("nobody connects, not waiting", vec![0, 0, OUT], Again)],
        );
        let (guest, _peer) = connected();
        guest.refuses("sock_accept", &[("not listening", vec![0, 0, OUT], Inval)]);
    }

    #[test]
    fn connections_are_descriptors_and_limited() {
        let guest = Guest::with(|setup| {
            let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
            setup.stdio[0] = listener.into();
            setup.limits.descriptors = 4;
        });
        let mut peer = connect(&guest);
        guest.refuses("sock_accept", &[("no room", vec![0, 0, OUT], Nfile)]);
        guest.ok("fd_close", [PREOPEN]);
        guest
            .call("sock_accept", [0, 0, OUT])
            .wrote(&[(OUT, &[3, 0, 0, 0])]);
        peer.write_all(b"waited").unwrap();
        assert_eq!(guest.read(3), "waited");
    }

    #[test]
    fn a_blocking_call_blocks_on_a_nonblocking_descriptor_of_the_host() {
        let guest = Guest::with(|setup| {
            let listener = UnixListener::bind(setup.scratch.host_path("../socket")).unwrap();
            listener.set_nonblocking(true).unwrap();
            setup.stdio[0] = listener.into();
        });
        let path = guest.scratch.host_path("../socket");
        let peer = std::thread::spawn(|| UnixStream::connect(path).unwrap());
        guest
            .call("sock_accept", [0, 0, OUT])
            .wrote(&[(OUT, &[4, 0, 0, 0])]);
        peer.join().unwrap().write_all(b"hello").unwrap();
        assert_eq!(guest.read(4), "hello");
    }
}

#[test]
fn standard_output_is_a_socket_too() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let guest = Guest::with(|setup| setup.stdio = [null(), socket.into(), null()]);
    let [ciovs, ciovs_len] = guest.ciovs("hello");
    let outcome = guest.call("sock_send", [1, ciovs, ciovs_len, 0, OUT]);
    outcome.wrote(&[(OUT, &[5, 0, 0, 0])]);
    guest.ok("sock_shutdown", [1, WR]);
    let mut received = [0; 5];
    peer.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"hello");
}

#[test]
fn a_guest_of_the_older_abi_has_sockets() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let guest = Guest::with(|setup| {
        setup.snapshot = Snapshot::Snapshot0;
        setup.stdio[0] = socket.into();
    });
    peer.write_all(b"hello").unwrap();
    assert_eq!(guest.read(0), "hello");
    let rights = guest.record::<Fdstat>("fd_fdstat_get", &[0]).fs_rights_base;
    assert!(Rights::from_bits_retain(rights).contains(Rights::SOCK_SHUTDOWN));
}
