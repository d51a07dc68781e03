//! Sockets that a guest is started with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use wasi_rs::abi::Errno::{self, Addrinuse, Addrnotavail, Again, Badf, Nfile, Noent};
use wasi_rs::abi::{Fd, Fdflags, Fdstat, Filetype};
use wasi_rs::ctx::{GivenSocket, Limits, SocketSource, WasiCtx};
use wasi_rs::host::SocketAddress;

use crate::support::{BUF, Guest, OUT, PREOPEN};

const LISTENER: u64 = PREOPEN + 1;
const ACCEPTED: u64 = LISTENER + 1;

fn tcp(host: &str, port: u16) -> GivenSocket {
    let host = host.into();
    let backlog = 16;
    GivenSocket {
        source: SocketSource::Tcp {
            host,
            port,
            backlog,
        },
        is_listener: true,
    }
}

fn give(ctx: &WasiCtx, socket: &GivenSocket) -> (Fd, SocketAddr) {
    match ctx.give_socket(socket).unwrap() {
        (fd, SocketAddress::Ip(address)) => (fd, address),
        (fd, address) => panic!("{fd}: {address:?}"),
    }
}

/// A guest with a listener, and the address of that.
fn listening() -> (Guest, SocketAddr) {
    let mut address = None;
    let guest = Guest::changed(|ctx| {
        let (fd, at) = give(&ctx, &tcp("127.0.0.1", 0));
        assert_eq!(u64::from(fd), LISTENER);
        address = Some(at);
        ctx
    });
    (guest, address.unwrap())
}

fn make_waiting(guest: &Guest) {
    guest.ok("fd_fdstat_set_flags", [LISTENER, 0]);
}

/// Accepts a pending connection.
fn accept(guest: &Guest) {
    let accepted = guest.call("sock_accept", [LISTENER, 0, OUT]);
    accepted.wrote(&[(OUT, &[ACCEPTED as u8, 0, 0, 0])]);
}

#[test]
fn a_guest_accepts_connections_at_its_listener() {
    let (guest, address) = listening();
    make_waiting(&guest);
    let mut peer = TcpStream::connect(address).unwrap();
    accept(&guest);
    peer.write_all(b"text").unwrap();
    assert_eq!(guest.read(ACCEPTED), "text");
    guest.write(ACCEPTED, "more");
    guest.ok("fd_close", [ACCEPTED]);
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "more");
}

#[test]
fn it_does_not_wait_until_the_guest_says_so() {
    let (guest, _) = listening();
    assert_eq!(guest.errno("sock_accept", [LISTENER, 0, OUT]), Again);
    let fdstat: Fdstat = guest.record("fd_fdstat_get", &[LISTENER]);
    assert_eq!(fdstat.fs_filetype, Filetype::SocketStream);
    assert_eq!(fdstat.fs_flags, Fdflags::NONBLOCK.bits());
}

#[test]
fn it_is_where_the_search_for_preopens_ends() {
    let (guest, _) = listening();
    assert_eq!(
        guest.errno("fd_prestat_get", [PREOPEN, OUT]),
        Errno::Success
    );
    assert_eq!(guest.errno("fd_prestat_get", [LISTENER, OUT]), Badf);
    let args = [LISTENER, BUF, 8];
    assert_eq!(guest.errno("fd_prestat_dir_name", args), Badf);
}

#[test]
fn nothing_listens_when_the_guest_is_closed() {
    let (guest, address) = listening();
    guest.ctx.close_all();
    assert!(TcpStream::connect(address).is_err());
}

/// The errno for a socket that a guest with these limits cannot be given.
fn refused(socket: &GivenSocket, limits: Limits) -> Errno {
    let guest = Guest::with(|setup| setup.limits = limits);
    guest.ctx.give_socket(socket).unwrap_err()
}

#[test]
fn refusals() {
    let (_guest, address) = listening();
    let taken = tcp("127.0.0.1", address.port());
    assert_eq!(refused(&taken, Limits::default()), Addrinuse);
    let nobody = tcp("name.invalid", 0);
    assert_eq!(refused(&nobody, Limits::default()), Noent);
    let elsewhere = tcp("192.0.2.1", 0);
    assert_eq!(refused(&elsewhere, Limits::default()), Addrnotavail);
    let full = Limits {
        descriptors: 4,
        ..Limits::default()
    };
    assert_eq!(refused(&tcp("127.0.0.1", 0), full), Nfile);
}

#[cfg(unix)]
mod lent {
    use std::io::ErrorKind;
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::thread;
    use std::time::Duration;

    use wasi_rs::abi::Errno::{Inval, Notconn, Notsock};

    use super::*;

    fn given(source: SocketSource) -> GivenSocket {
        let is_listener = true;
        GivenSocket {
            source,
            is_listener,
        }
    }

    #[test]
    fn a_duplicate_stays_open() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let source = SocketSource::Duplicate(listener.as_raw_fd());
        let guest = Guest::changed(|ctx| {
            assert_eq!(give(&ctx, &given(source)).1, address);
            ctx
        });
        drop(listener);
        let _peer = TcpStream::connect(address).unwrap();
        make_waiting(&guest);
        accept(&guest);
    }

    #[test]
    fn what_others_share_waits_for_the_guest_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let source = SocketSource::Duplicate(listener.as_raw_fd());
        let guest = Guest::changed(|ctx| {
            give(&ctx, &given(source));
            ctx
        });
        make_waiting(&guest);
        let nobody_came = listener.accept().unwrap_err();
        assert_eq!(nobody_came.kind(), ErrorKind::WouldBlock);
        assert_eq!(guest.errno("sock_shutdown", [LISTENER, 3]), Notconn);
        let _peer = TcpStream::connect(address).unwrap();
        assert!(listener.accept().is_ok());
        let peer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            TcpStream::connect(address).unwrap()
        });
        accept(&guest);
        peer.join().unwrap();
    }

    #[test]
    fn what_is_lent_stays_open_and_waits_for_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let source = SocketSource::Lent(listener.as_raw_fd());
        let guest = Guest::changed(|ctx| {
            give(&ctx, &given(source));
            ctx
        });
        assert_eq!(guest.errno("sock_accept", [LISTENER, 0, OUT]), Again);
        guest.ok("fd_close", [LISTENER]);
        let _peer = TcpStream::connect(address).unwrap();
        assert!(listener.accept().is_ok());
    }

    #[test]
    fn refusals() {
        let refused = |source| super::refused(&given(source), Limits::default());
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let file = tempfile::tempfile().unwrap();
        for make in [SocketSource::Duplicate, SocketSource::Lent] {
            assert_eq!(refused(make(-1)), Badf);
            assert_eq!(refused(make(1 << 20)), Badf);
            assert_eq!(refused(make(file.as_raw_fd())), Notsock);
            assert_eq!(refused(make(datagrams.as_raw_fd())), Inval);
        }
    }
}
