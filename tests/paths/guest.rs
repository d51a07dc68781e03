//! Makes calls as a guest.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicU32;

use wasi_rs::abi::{Errno, Filestat, Filetype, Fstflags, Record, Rights};
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray, WasiCtx};
use wasi_rs::memory::{GuestPtr, LinearMemory};
use wasi_rs::syscalls::{MAX_PARAMS, SYSCALLS};

use crate::Way;
use crate::arena::{Arena, TIME};
use crate::calls::{Call, Found, Mode};

/// The addresses of paths and results in memory.
const PATHS: [u64; 2] = [0x100, 0x3100];
const OUT: u64 = 0x40;
const BUF: u64 = 0x6000;
const BUF_LEN: u64 = 0x1000;

const PREOPEN: u64 = 3;

pub struct Guest {
    ctx: WasiCtx,
    memory: Vec<AtomicU32>,
    _null: File,
}

impl Guest {
    /// A guest with the given directory, whose paths are resolved in this way.
    pub fn new(arena: &Arena, way: Way) -> Self {
        let null = File::open("/dev/null").unwrap();
        let default = Limits::default();
        let options = Options {
            args: StringArray::default(),
            env: StringArray::default(),
            preopens: vec![Preopen {
                mapped_path: "/given".into(),
                source: arena.given.clone().into(),
                rights: Rights::all(),
            }],
            stdio: [null.as_raw_fd(); 3].map(Stdio::Lent),
            limits: Limits {
                symlink_hops: match way {
                    Way::Walked => default.symlink_hops - 1,
                    _ => default.symlink_hops,
                },
                ..default
            },
            grant: Grant::ALL,
        };
        Self {
            ctx: WasiCtx::new(options).unwrap(),
            memory: (0..0x2000).map(AtomicU32::new).collect(),
            _null: null,
        }
    }

    /// Makes a call, with paths relative to the preopen.
    pub fn make(&mut self, call: &Call) -> Result<Found, Errno> {
        let follow = |follow: &bool| u64::from(*follow);
        match call {
            Call::CreateDirectory(path) => self.at("path_create_directory", path, &[])?,
            Call::RemoveDirectory(path) => self.at("path_remove_directory", path, &[])?,
            Call::UnlinkFile(path) => self.at("path_unlink_file", path, &[])?,
            Call::Readlink(path) => {
                self.at("path_readlink", path, &[BUF, BUF_LEN, OUT])?;
                return Ok(Found::Target(self.bytes(self.word())));
            }
            Call::FilestatGet(path, flags) => {
                let path = self.lay(0, path);
                self.call(
                    "path_filestat_get",
                    &[&[PREOPEN, follow(flags)], &path, &[BUF]],
                )?;
                return Ok(self.node(None));
            }
            Call::FilestatSetTimes(path, flags) => {
                let path = self.lay(0, path);
                let which = u64::from((Fstflags::ATIM | Fstflags::MTIM).bits());
                let times = [TIME, TIME, which];
                self.call(
                    "path_filestat_set_times",
                    &[&[PREOPEN, follow(flags)], &path, &times],
                )?;
            }
            Call::Open(path, flags, oflags, mode) => {
                let path = self.lay(0, path);
                let rights = match mode {
                    Mode::Read => Rights::FD_READ,
                    Mode::Write => Rights::FD_WRITE,
                    Mode::ReadWrite => Rights::FD_READ | Rights::FD_WRITE,
                };
                let how = [oflags.bits().into(), rights.bits(), 0, 0, OUT];
                self.call("path_open", &[&[PREOPEN, follow(flags)], &path, &how])?;
                return Ok(self.opened(self.word()));
            }
            Call::Link(old, flags, new) => {
                let (old, new) = (self.lay(0, old), self.lay(1, new));
                let args: [&[u64]; 4] = [&[PREOPEN, follow(flags)], &old, &[PREOPEN], &new];
                self.call("path_link", &args)?;
            }
            Call::Rename(old, new) => {
                let (old, new) = (self.lay(0, old), self.lay(1, new));
                self.call("path_rename", &[&[PREOPEN], &old, &[PREOPEN], &new])?;
            }
            Call::Symlink(target, path) => {
                let (target, path) = (self.lay(0, target), self.lay(1, path));
                self.call("path_symlink", &[&target, &[PREOPEN], &path])?;
            }
        }
        Ok(Found::Nothing)
    }

    /// The result of opening a file, which is closed again.
    fn opened(&mut self, fd: u64) -> Found {
        self.call("fd_filestat_get", &[&[fd, BUF]]).unwrap();
        let Found::Node { filetype, size, .. } = self.node(None) else {
            unreachable!("it is one");
        };
        let iovs = [BUF as u32, BUF_LEN as u32].map(u32::to_le_bytes).concat();
        self.put(PATHS[0], &iovs);
        let read = self.call("fd_read", &[&[fd, PATHS[0], 1, OUT]]);
        let text = read.is_ok().then(|| self.bytes(self.word()));
        self.call("fd_close", &[&[fd]]).unwrap();
        Found::Node {
            filetype,
            size,
            text,
        }
    }

    fn node(&self, text: Option<Vec<u8>>) -> Found {
        let mut bytes = Filestat::ZEROED;
        bytes
            .as_mut()
            .copy_from_slice(&self.bytes(Filestat::SIZE as u64));
        let stat = Filestat::decode(&bytes).unwrap();
        let is_directory = stat.filetype == Filetype::Directory;
        Found::Node {
            filetype: stat.filetype,
            size: (!is_directory).then_some((stat.nlink, stat.size)),
            text,
        }
    }

    fn at(&mut self, name: &str, path: &str, rest: &[u64]) -> Result<(), Errno> {
        let path = self.lay(0, path);
        self.call(name, &[&[PREOPEN], &path, rest])
    }

    fn call(&self, name: &str, args: &[&[u64]]) -> Result<(), Errno> {
        let args = args.concat();
        let syscall = (SYSCALLS.iter().find(|syscall| syscall.name == name)).unwrap();
        assert_eq!(args.len(), syscall.types.len(), "parameters of {name}");
        let mut padded = [0; MAX_PARAMS];
        padded[..args.len()].copy_from_slice(&args);
        let memory = LinearMemory::new(&self.memory);
        match (syscall.call)(&self.ctx, memory.guest(), &padded) {
            Ok(()) => Ok(()),
            Err(trap) => {
                Err((trap.errno())
                    .unwrap_or_else(|code| panic!("{name} ended the guest with {code}")))
            }
        }
    }

    /// Writes a path to memory. Returns its address and length.
    fn lay(&self, which: usize, path: &str) -> [u64; 2] {
        self.put(PATHS[which], path.as_bytes());
        [PATHS[which], path.len() as u64]
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        let memory = LinearMemory::new(&self.memory);
        let region = memory
            .guest()
            .region(GuestPtr::new(at as u32), bytes.len() as u32);
        region.unwrap().write(bytes);
    }

    /// The first bytes of the buffer.
    fn bytes(&self, len: u64) -> Vec<u8> {
        let memory = LinearMemory::new(&self.memory);
        let mut bytes = vec![0; len as usize];
        let region = memory.guest().region(GuestPtr::new(BUF as u32), len as u32);
        region.unwrap().read(&mut bytes);
        bytes
    }

    /// The number that a call wrote.
    fn word(&self) -> u64 {
        let memory = LinearMemory::new(&self.memory);
        (memory.guest())
            .place(GuestPtr::<u32>::new(OUT as u32))
            .unwrap()
            .read()
            .into()
    }
}
