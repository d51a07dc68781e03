//! A guest: a context, a memory, and calls that fail the test if anything from outside is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasi_rs::abi::{Errno, Filestat, Oflags, Record, Rights, RightsPair};
use wasi_rs::ctx::WasiCtx;
use wasi_rs::memory::{GuestPtr, GuestSlice, LinearMemory};
use wasi_rs::syscalls::{MAX_PARAMS, SYSCALLS};

use crate::Race;
use crate::arena::{Arena, INSIDE, SECRET};

pub const PREOPEN: u64 = 3;
/// The addresses of the strings of a call, of its results, and of a buffer.
pub const TEXT: u64 = 0x100;
pub const TEXT2: u64 = 0x1100;
pub const IOVS: u64 = 0x2100;
pub const OUT: u64 = 0x2200;
pub const BUF: u64 = 0x3000;
pub const BUF_LEN: u64 = 0x1000;
/// The length of memory in words.
const LEN: usize = 0x4000;
/// Words before and after the guest's memory that do not belong to it.
const MARGIN: usize = 0x400;
const UNTOUCHED: u32 = 0xa5a5_a5a5;

const FOLLOW: u64 = 1;

pub struct Guest<'a> {
    pub ctx: WasiCtx,
    pub arena: &'a Arena,
    pub race: &'a Race,
    /// The descriptor that paths are relative to.
    base: u64,
    words: Arc<[AtomicU32]>,
}

impl<'a> Guest<'a> {
    pub fn new(ctx: &WasiCtx, arena: &'a Arena, race: &'a Race) -> Self {
        let is_memory = |at| (MARGIN..MARGIN + LEN).contains(&at);
        let word = |at| AtomicU32::new(if is_memory(at) { 0 } else { UNTOUCHED });
        Self {
            ctx: ctx.clone(),
            arena,
            race,
            base: PREOPEN,
            words: (0..MARGIN + LEN + MARGIN).map(word).collect(),
        }
    }

    /// Another thread of the guest with the same memory, for another race.
    pub fn thread<'r>(&'r self, race: &'r Race) -> Guest<'r> {
        Guest {
            ctx: self.ctx.clone(),
            arena: self.arena,
            race,
            base: self.base,
            words: Arc::clone(&self.words),
        }
    }

    /// The same guest, with paths relative to a directory that it has open.
    pub fn below(&self, base: u64) -> Guest<'_> {
        Guest {
            base,
            ..self.thread(self.race)
        }
    }

    pub fn memory(&self) -> LinearMemory<'_> {
        LinearMemory::new(&self.words[MARGIN..MARGIN + LEN])
    }

    /// Asserts that nothing but the guest's memory was written.
    pub fn assert_margins(&self) {
        let (before, after) = (&self.words[..MARGIN], &self.words[MARGIN + LEN..]);
        let untouched = |word: &AtomicU32| word.load(Relaxed) == UNTOUCHED;
        assert!(
            before.iter().chain(after).all(untouched),
            "written outside of memory"
        );
    }

    fn with_memory(&self, at: u64, len: usize, access: impl FnOnce(GuestSlice<'_>)) {
        let at = GuestPtr::new(at as u32);
        access(self.memory().guest().region(at, len as u32).unwrap());
    }

    pub fn put(&self, at: u64, bytes: &[u8]) {
        self.with_memory(at, bytes.len(), |memory| {
            memory.write(bytes);
        });
    }

    pub fn bytes_at(&self, at: u64, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; len as usize];
        self.with_memory(at, bytes.len(), |memory| memory.read(&mut bytes));
        bytes
    }

    pub fn record<T: Record>(&self, at: u64) -> T {
        let mut bytes = T::ZEROED;
        bytes
            .as_mut()
            .copy_from_slice(&self.bytes_at(at, T::SIZE as u64));
        T::decode(&bytes).unwrap()
    }

    /// Makes a call. Returns whether it succeeded.
    pub fn call(&self, name: &str, given: &[u64]) -> bool {
        self.errno(name, given) == Errno::Success
    }

    pub fn errno(&self, name: &str, given: &[u64]) -> Errno {
        let syscall = SYSCALLS
            .iter()
            .find(|syscall| syscall.name == name)
            .unwrap();
        assert_eq!(given.len(), syscall.types.len(), "parameters of {name}");
        let mut args = [0; MAX_PARAMS];
        args[..given.len()].copy_from_slice(given);
        self.race.calls.fetch_add(1, Relaxed);
        match (syscall.call)(&self.ctx, self.memory().guest(), &args) {
            Ok(()) => {
                self.race.succeeded.fetch_add(1, Relaxed);
                Errno::Success
            }
            Err(trap) => {
                (trap.errno()).unwrap_or_else(|code| panic!("{name} ended the guest with {code}"))
            }
        }
    }

    /// Writes a path to memory. Returns its address and length.
    fn path(&self, at: u64, path: &str) -> [u64; 2] {
        self.put(at, path.as_bytes());
        [at, path.len() as u64]
    }

    /// Makes a call with a path relative to the base, and these arguments after it.
    pub fn at(&self, name: &str, path: &str, rest: &[u64]) -> bool {
        let [at, len] = self.path(TEXT, path);
        self.call(name, &[&[self.base, at, len], rest].concat())
    }

    /// Makes a call with lookup flags, a path, and these arguments after it.
    fn looking_up(&self, name: &str, lookup: u64, path: &str, rest: &[u64]) -> bool {
        let [at, len] = self.path(TEXT, path);
        self.call(name, &[&[self.base, lookup, at, len], rest].concat())
    }

    pub fn open(&self, lookup: u64, path: &str, oflags: Oflags, rights: Rights) -> Option<u64> {
        let how = [oflags.bits().into(), rights.bits(), 0, 0, OUT];
        self.looking_up("path_open", lookup, path, &how)
            .then(|| self.record::<u32>(OUT).into())
    }

    /// Opens a directory with all rights.
    pub fn hold(&self, path: &str) -> Option<u64> {
        let RightsPair { base, inheriting } = RightsPair::DIRECTORY;
        let oflags = Oflags::DIRECTORY.bits().into();
        let how = [oflags, base.bits(), inheriting.bits(), 0, OUT];
        self.looking_up("path_open", FOLLOW, path, &how)
            .then(|| self.record::<u32>(OUT).into())
    }

    fn iovs(&self, len: u64) -> [u64; 2] {
        let record = [(BUF as u32).to_le_bytes(), (len as u32).to_le_bytes()].concat();
        self.put(IOVS, &record);
        [IOVS, 1]
    }

    /// Reads from a descriptor, and asserts that it is not open on a file outside.
    pub fn read(&self, fd: u64) {
        let [iovs, iovs_len] = self.iovs(BUF_LEN);
        if self.call("fd_read", &[fd, iovs, iovs_len, OUT]) {
            self.assert_no_secret(self.record::<u32>(OUT).into());
        }
    }

    fn write(&self, fd: u64) {
        self.put(BUF, INSIDE.as_bytes());
        let [ciovs, ciovs_len] = self.iovs(INSIDE.len() as u64);
        self.call("fd_write", &[fd, ciovs, ciovs_len, OUT]);
    }

    /// Asserts that what was written to the buffer comes from inside.
    pub fn assert_no_secret(&self, len: u64) {
        let read = self.bytes_at(BUF, len);
        let found = read
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        assert!(!found, "read from outside: {}", read.escape_ascii());
    }

    pub fn close(&self, fd: u64) {
        self.call("fd_close", &[fd]);
    }

    pub fn try_read(&self, path: &str) {
        for lookup in [0, FOLLOW] {
            if let Some(fd) = self.open(lookup, path, Oflags::empty(), Rights::FD_READ) {
                self.read(fd);
                self.close(fd);
            }
        }
    }

    pub fn try_create(&self, path: &str) {
        for oflags in [
            Oflags::CREAT,
            Oflags::CREAT | Oflags::TRUNC,
            Oflags::CREAT | Oflags::EXCL,
        ] {
            if let Some(fd) = self.open(FOLLOW, path, oflags, Rights::FD_WRITE) {
                self.write(fd);
                self.close(fd);
            }
        }
    }

    pub fn try_readdir(&self, path: &str) {
        if let Some(fd) = self.open(FOLLOW, path, Oflags::DIRECTORY, Rights::FD_READDIR) {
            if self.call("fd_readdir", &[fd, BUF, BUF_LEN, 0, OUT]) {
                self.assert_no_secret(self.record::<u32>(OUT).into());
            }
            self.close(fd);
        }
    }

    pub fn try_stat(&self, path: &str) {
        for lookup in [0, FOLLOW] {
            if self.looking_up("path_filestat_get", lookup, path, &[OUT]) {
                let ino = self.record::<Filestat>(OUT).ino;
                assert!(
                    !self.arena.is_outside(ino),
                    "{path}: attributes of a file outside"
                );
            }
        }
    }

    pub fn try_set_times(&self, path: &str) {
        for lookup in [0, FOLLOW] {
            let times = [1_000_000_000, 2_000_000_000, 0b0101];
            self.looking_up("path_filestat_set_times", lookup, path, &times);
        }
    }

    pub fn try_mkdir(&self, path: &str) {
        self.at("path_create_directory", path, &[]);
    }

    pub fn try_rmdir(&self, path: &str) {
        self.at("path_remove_directory", path, &[]);
    }

    pub fn try_unlink(&self, path: &str) {
        self.at("path_unlink_file", path, &[]);
    }

    pub fn try_readlink(&self, path: &str) {
        if self.at("path_readlink", path, &[BUF, BUF_LEN, OUT]) {
            let target = self.bytes_at(BUF, self.record::<u32>(OUT).into());
            assert_ne!(target, b"secret", "{path}: the text of a link outside");
        }
    }

    pub fn try_symlink(&self, path: &str) {
        let [at, len] = self.path(TEXT, path);
        let [target, target_len] = self.path(TEXT2, "file");
        self.call("path_symlink", &[target, target_len, self.base, at, len]);
    }

    /// Makes a hard link, with and without following a symbolic link, and asserts that it is not to a file
    /// outside.
    pub fn try_link(&self, from: &str, to: &str) {
        for lookup in [0, FOLLOW] {
            let [from, from_len] = self.path(TEXT, from);
            let [new, new_len] = self.path(TEXT2, to);
            let linked = self.call(
                "path_link",
                &[self.base, lookup, from, from_len, self.base, new, new_len],
            );
            if linked {
                self.try_stat(to);
                self.try_unlink(to);
            }
        }
    }

    pub fn try_rename(&self, from: &str, to: &str) {
        let [from, from_len] = self.path(TEXT, from);
        let [new, new_len] = self.path(TEXT2, to);
        self.call(
            "path_rename",
            &[self.base, from, from_len, self.base, new, new_len],
        );
    }

    /// Makes every call that takes a path, with one that may lead out at any moment.
    pub fn try_all(&self, path: &str) {
        self.try_read(path);
        self.try_stat(path);
        self.try_readlink(path);
        self.try_readdir(path);
        self.try_set_times(path);
        self.try_link(path, "linked");
        self.try_link("file", path);
        self.try_rename("moved", path);
        self.try_rename(path, "moved");
        self.try_stat("moved");
        self.try_rename("moved", path);
        self.try_symlink(path);
        self.try_unlink(path);
        self.try_mkdir(path);
        self.try_rmdir(path);
        self.try_create(path);
    }
}
