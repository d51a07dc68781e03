use wasi_rs::abi::Errno::{self, Badf, Nfile};
use wasi_rs::abi::{Oflags, Prestat};
use wasi_rs::ctx::WasiCtx;

use crate::support::{CLOSED, Guest, OUT, Open, PREOPEN};

/// Numbers that are not open.
const UNUSED: [u64; 5] = [4, 99, 0x7fff_ffff, 0x8000_0000, u32::MAX as u64];

pub mod fd_close {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.ok("fd_close", [fd]);
            assert_eq!(guest.errno("fd_tell", [fd, OUT]), Badf);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            for fd in UNUSED {
                guest.refuses("fd_close", &[("never opened", vec![fd], Badf)]);
            }
            let fd = guest.open("file", Open::FILE);
            guest.ok("fd_close", [fd]);
            guest.refuses("fd_close", &[("closed already", vec![fd], Badf)]);
        }
    }

    #[test]
    fn a_preopen_is_closed_for_good() {
        for guest in Guest::every_backend(|_| {}) {
            guest.ok("fd_close", [PREOPEN]);
            for name in ["fd_prestat_get", "fd_fdstat_get"] {
                assert_eq!(guest.errno(name, [PREOPEN, OUT]), Badf);
            }
            assert_eq!(
                guest.errno("path_open", guest.open_args(PREOPEN, "file", Open::FILE)),
                Badf
            );
        }
    }

    #[test]
    fn a_closed_preopen_frees_a_number() {
        for guest in
            Guest::every_backend(|setup| setup.preopens = vec![("/a", "inside"), ("/b", "inside")])
        {
            guest.ok("fd_close", [PREOPEN]);
            assert_eq!(guest.open_at(4, "file", Open::FILE), 3);
            assert_eq!(guest.errno("fd_prestat_get", [3, OUT]), Errno::Inval);
        }
    }
}

pub mod fd_renumber {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let [from, to] = ["file", "dir/nested"].map(|path| guest.open(path, Open::FILE));
            guest.ok("fd_renumber", [from, to]);
            assert_eq!(guest.errno("fd_close", [from]), Badf);
            assert_eq!(guest.read(to), "0123456789");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for unused in [5, CLOSED, u32::MAX.into()] {
                guest.refuses(
                    "fd_renumber",
                    &[
                        ("from nothing", vec![unused, fd], Badf),
                        ("to nothing", vec![fd, unused], Badf),
                        ("from nothing to nothing", vec![unused, unused - 1], Badf),
                    ],
                );
            }
            assert_eq!(guest.read(fd), "0123456789", "a refused move leaves both");
        }
    }

    #[test]
    fn to_itself_does_nothing_open_or_not() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for fd in [fd, CLOSED, u32::MAX.into()] {
                guest.ok("fd_renumber", [fd, fd]);
            }
            assert_eq!(guest.read(fd), "0123456789");
            assert_eq!(guest.errno("fd_close", [CLOSED]), Badf);
        }
    }

    #[test]
    fn a_preopen_moves_with_its_name() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.ok("fd_renumber", [PREOPEN, fd]);
            let prestat: Prestat = guest.record("fd_prestat_get", &[fd]);
            assert_eq!(prestat.name_len, 8);
            assert_eq!(guest.errno("fd_prestat_get", [PREOPEN, OUT]), Badf);
            assert_eq!(
                guest.open_at(fd, "file", Open::FILE),
                PREOPEN,
                "the number that it left"
            );
        }
    }

    #[test]
    fn preopens_and_standard_streams_are_replaced() {
        for guest in Guest::every_backend(|_| {}) {
            for to in 0..=PREOPEN {
                let from = guest.open_at(PREOPEN, "file", Open::FILE);
                guest.ok("fd_renumber", [from, to]);
                assert_eq!(guest.read(to), "0123456789");
            }
            assert_eq!(guest.errno("fd_prestat_get", [PREOPEN, OUT]), Errno::Inval);
        }
    }

    #[test]
    fn what_is_replaced_is_closed() {
        for guest in Guest::every_backend(|setup| setup.limits.descriptors = 6) {
            let to = guest.open("dir/nested", Open::FILE);
            for _ in 0..100 {
                let from = guest.open("file", Open::FILE);
                guest.ok("fd_renumber", [from, to]);
            }
        }
    }
}

#[test]
fn a_new_descriptor_has_the_lowest_free_number() {
    for guest in Guest::every_backend(|_| {}) {
        let open = || guest.open("file", Open::FILE);
        assert_eq!([open(), open(), open(), open()], [4, 5, 6, 7]);
        for fd in [6, 4, 5] {
            guest.ok("fd_close", [fd]);
        }
        assert_eq!([open(), open(), open(), open()], [4, 5, 6, 8]);
        guest.ok("fd_close", [0]);
        assert_eq!([open(), open()], [0, 9]);
        guest.ok("fd_renumber", [9, 4]);
        assert_eq!([open(), open()], [9, 10]);
    }
}

#[test]
fn numbers_begin_behind_the_preopens() {
    let guest = Guest::with(|setup| {
        setup.preopens = vec![("/", "inside"), ("/tmp", "outside"), ("x", "inside/dir")];
    });
    assert_eq!(guest.open("file", Open::FILE), 6);
    let none = Guest::with(|setup| setup.preopens.clear());
    for name in ["fd_prestat_get", "fd_fdstat_get", "fd_filestat_get"] {
        assert_eq!(none.errno(name, [PREOPEN, OUT]), Badf);
    }
}

#[test]
fn descriptors_are_limited() {
    for guest in Guest::every_backend(|setup| setup.limits.descriptors = 6) {
        let new = guest.open_args(PREOPEN, "new", Open::FILE.oflags(Oflags::CREAT));
        let [four, _] = [0, 1].map(|_| guest.open("file", Open::FILE));
        guest.refuses("path_open", &[("a seventh", new.clone(), Nfile)]);
        guest.ok("fd_close", [four]);
        guest.call("path_open", new).wrote(&[(OUT, &[4, 0, 0, 0])]);
        assert_eq!(guest.scratch.text("new"), "");
    }
}

/// A descriptor number that is reserved for an opening while the guest ends.
mod reserved {
    use wasi_rs::abi::{Fdflags, Rights, RightsPair};
    use wasi_rs::ctx::{Descriptor, FdEntry};
    use wasi_rs::host;
    use wasi_rs::vfs::Dir;

    use super::*;

    fn directory() -> FdEntry {
        let dir = host::Dir::open_ambient(std::env::temp_dir().as_path()).unwrap();
        FdEntry::new(
            Descriptor::Dir(Dir::Host(dir)),
            RightsPair::DIRECTORY,
            Rights::all(),
            Fdflags::empty(),
        )
    }

    #[test]
    fn it_is_that_of_what_is_opened() {
        let guest = Guest::new();
        let reserved = guest.ctx.reserve().unwrap();
        let next = guest.ctx.reserve().unwrap();
        let fd = reserved.fill(directory());
        assert!(guest.ctx.entry(fd).is_ok());
        assert_eq!(next.fill(directory()), fd + 1);
    }

    #[test]
    fn it_is_free_again_where_nothing_is_opened() {
        let guest = Guest::new();
        let fd = guest.ctx.reserve().unwrap().fill(directory());
        drop(guest.ctx.reserve().unwrap());
        assert_eq!(guest.ctx.reserve().unwrap().fill(directory()), fd + 1);
    }

    #[test]
    fn what_is_opened_is_closed_with_the_guest() {
        let guest = Guest::new();
        for end in [WasiCtx::close_all, WasiCtx::end, WasiCtx::revoke] {
            let reserved = guest.ctx.reserve().unwrap();
            end(&guest.ctx);
            let fd = reserved.fill(directory());
            assert_eq!(guest.ctx.entry(fd).err(), Some(Badf));
        }
    }
}
