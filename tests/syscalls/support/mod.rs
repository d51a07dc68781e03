//! What tests share: a guest over a scratch directory, its masked memory, and its calls by name.

#[cfg(unix)]
mod by_path;
mod fixture;
mod forwarding;
mod host_files;
#[path = "../../support/iovecs.rs"]
mod iovecs;
mod lent;

mod open;
mod other_files;
mod outcome;
mod scratch;
mod setup;
mod way;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use wasi_rs::abi::{Errno, Record, Rights, Snapshot};
use wasi_rs::ctx::WasiCtx;
use wasi_rs::host::Interrupt;
use wasi_rs::memory::{GuestPtr, GuestSlice, LinearMemory};
use wasi_rs::syscalls::{MAX_PARAMS, SNAPSHOT0, SYSCALLS, Syscall, Trap};

pub use fixture::Fixture;
pub use lent::Lent;
#[cfg(unix)]
pub use lent::null;
pub use open::Open;
pub use outcome::Outcome;
pub use scratch::Scratch;
pub use setup::Setup;
pub use way::Way;

/// Guest memory is one page.
pub const END: u64 = 0x1_0000;
/// The address of results, which are far enough apart for the largest.
pub const OUT: u64 = 0x100;
pub const OUT2: u64 = 0x200;
/// The address at which [`Guest::alloc`] begins.
const HEAP: u64 = 0x400;
/// A large buffer for calls that fill one: its address, and its size.
pub const BUF: u64 = 0x8000;
pub const BUF_LEN: u64 = 0x4000;

/// The descriptor of the first preopen.
pub const PREOPEN: u64 = 3;
/// A descriptor number that no test opens.
pub const CLOSED: u64 = 99;

/// Every right of the witx.
pub const ALL: u64 = Rights::all().bits();
/// The rights that a file can have if it is opened through a preopen.
pub const FILE_RIGHTS: u64 = wasi_rs::abi::RightsPair::REGULAR_FILE.base.bits();
pub const DIR_RIGHTS: u64 = wasi_rs::abi::RightsPair::DIRECTORY.base.bits();
pub const INHERITABLE: u64 = wasi_rs::abi::RightsPair::DIRECTORY.inheriting.bits();

pub const FOLLOW: u64 = 1;
pub const NO_FOLLOW: u64 = 0;

/// The row of the table with this name.
#[track_caller]
pub fn syscall(name: &str) -> &'static Syscall {
    syscall_of(Snapshot::Preview1, name)
}

/// The same for guests of a snapshot.
#[track_caller]
fn syscall_of(snapshot: Snapshot, name: &str) -> &'static Syscall {
    let table = match snapshot {
        Snapshot::Preview1 => &SYSCALLS,
        Snapshot::Snapshot0 => &SNAPSHOT0,
    };
    (table.iter())
        .find(|syscall| syscall.name == name)
        .unwrap_or_else(|| panic!("{name} is no syscall"))
}

/// Memory with these bytes.
pub fn words(bytes: &[u8]) -> Vec<AtomicU32> {
    let (words, []) = bytes.as_chunks() else {
        panic!("memory consists of words");
    };
    (words.iter())
        .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)))
        .collect()
}

/// A guest: its context, and a page of memory that is `?` where nothing was stored.
///
/// Each call gets the memory as it was stored: what earlier calls have written is undone.
pub struct Guest {
    pub ctx: WasiCtx,
    /// The snapshot whose calls it makes.
    pub snapshot: Snapshot,
    pub scratch: Arc<Scratch>,
    way: Way,
    stdio: Arc<[Lent; 3]>,
    memory: Vec<AtomicU32>,
    /// The end of the allocated memory.
    heap: Cell<u64>,
}

impl Guest {
    /// Whether a directory is listed as a whole when a listing begins.
    pub fn lists_at_once(&self) -> bool {
        #[cfg(unix)]
        return self.way == Way::ByPath;
        #[cfg(not(unix))]
        false
    }

    fn over(ctx: WasiCtx, scratch: Arc<Scratch>, way: Way, stdio: Arc<[Lent; 3]>) -> Self {
        Self {
            ctx,
            snapshot: Snapshot::Preview1,
            scratch,
            way,
            stdio,
            memory: words(&[b'?'; END as usize]),
            heap: Cell::new(HEAP),
        }
    }

    /// The same guest in another thread: the same context, with a memory of its own.
    pub fn thread(&self) -> Self {
        let (scratch, stdio) = (Arc::clone(&self.scratch), Arc::clone(&self.stdio));
        Self {
            snapshot: self.snapshot,
            ..Self::over(self.ctx.clone(), scratch, self.way, stdio)
        }
    }

    /// The same guest, which makes the calls of this snapshot.
    pub fn of(&self, snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            ..self.thread()
        }
    }

    /// The same guest in a thread that is interrupted when `check` returns true.
    pub fn interruptible(&self, check: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.interrupted_by(Interrupt::when(check))
    }

    /// The same guest in a thread whose calls this interrupts.
    pub fn interrupted_by(&self, interrupt: Interrupt) -> Self {
        let mut guest = self.thread();
        guest.ctx = guest.ctx.with_interrupt(interrupt);
        guest
    }

    /// The same guest with an empty memory.
    pub fn fresh(&self) -> Self {
        self.thread()
    }

    /// The host's descriptor of a standard stream.
    #[cfg(unix)]
    pub fn stdio(&self, fd: usize) -> &Lent {
        &self.stdio[fd]
    }

    /// A copy of the present memory.
    pub fn memory(&self) -> Vec<u8> {
        let mut bytes = vec![0; END as usize];
        self.with_memory(|memory| memory.read(&mut bytes));
        bytes
    }

    fn with_memory<T>(&self, access: impl FnOnce(GuestSlice<'_>) -> T) -> T {
        let memory = LinearMemory::new(&self.memory);
        access(memory.guest().region(GuestPtr::new(0), END as u32).unwrap())
    }

    /// Writes bytes to an address.
    pub fn put(&self, at: u64, bytes: &[u8]) {
        let written = self.with_memory(|memory| memory.skip(at as usize).write(bytes));
        assert_eq!(written, bytes.len());
    }

    /// Allocates `len` bytes, with `?` on both sides of them. Returns their address.
    pub fn alloc(&self, len: u64) -> u64 {
        let at = self.heap.get().next_multiple_of(8);
        assert!(
            at + len < BUF,
            "the test stores more than there is room for"
        );
        self.heap.set(at + len + 1);
        at
    }

    /// Calls `call`, and frees what it has allocated.
    #[track_caller]
    pub fn scoped<T>(&self, call: impl FnOnce() -> T) -> T {
        let heap = self.heap.get();
        let result = call();
        self.put(heap, &vec![b'?'; (self.heap.get() - heap) as usize]);
        self.heap.set(heap);
        result
    }

    /// Stores bytes. Returns their address and length, as calls take them.
    pub fn store(&self, bytes: impl AsRef<[u8]>) -> [u64; 2] {
        let bytes = bytes.as_ref();
        let at = self.alloc(bytes.len() as u64);
        self.put(at, bytes);
        [at, bytes.len() as u64]
    }

    /// Stores a list of buffers. Returns its address and length.
    pub fn iovs(&self, bufs: &[[u64; 2]]) -> [u64; 2] {
        let words = bufs.iter().flatten().map(|word| *word as u32);
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        let [at, _] = self.store(bytes);
        [at, bufs.len() as u64]
    }

    /// Stores a list with one buffer, this text.
    pub fn ciovs(&self, text: impl AsRef<[u8]>) -> [u64; 2] {
        self.iovs(&[self.store(text)])
    }

    /// Makes a call, and then restores memory.
    #[track_caller]
    pub fn call(&self, name: &str, args: impl AsRef<[u64]>) -> Outcome {
        let args = args.as_ref();
        let before = self.memory();
        let result = self.result(name, args);
        let after = self.memory();
        self.put(0, &before);
        let args: Vec<_> = args.iter().map(|arg| format!("{arg:#x}")).collect();
        let call = format!("{:?}, {name}({})", self.way, args.join(", "));
        Outcome {
            call,
            result,
            before,
            after,
        }
    }

    /// Makes a call. What it writes stays in memory, and is not checked.
    #[track_caller]
    pub fn result(&self, name: &str, args: &[u64]) -> Result<(), Trap> {
        let syscall = syscall_of(self.snapshot, name);
        assert_eq!(args.len(), syscall.types.len(), "parameters of {name}");
        let mut padded = [0; MAX_PARAMS];
        padded[..args.len()].copy_from_slice(args);
        let memory = LinearMemory::new(&self.memory);
        (syscall.call)(&self.ctx, memory.guest(), &padded)
    }

    /// The arguments of a call with a descriptor, a path, and others after them.
    pub fn at(&self, fd: u64, path: &str, rest: &[u64]) -> Vec<u64> {
        args(&[&[fd], &self.store(path), rest])
    }

    /// Makes a call that must succeed and write nothing to memory.
    #[track_caller]
    pub fn ok(&self, name: &str, args: impl AsRef<[u64]>) {
        self.call(name, args).wrote(&[]);
    }

    /// Asserts that calls are refused with these errnos, and change neither memory nor the scratch directory.
    #[track_caller]
    pub fn refuses(&self, name: &str, rows: &[(&str, Vec<u64>, Errno)]) {
        let tree = self.scratch.tree();
        for (row, args, errno) in rows {
            self.call(name, args).is_refused(*errno, row);
            assert_eq!(self.scratch.tree(), tree, "{name}, {row}: files changed");
        }
    }

    /// The errno of a call, which may be success, whatever it writes to memory.
    #[track_caller]
    pub fn errno(&self, name: &str, args: impl AsRef<[u64]>) -> Errno {
        match self.result(name, args.as_ref()) {
            Ok(()) => Errno::Success,
            Err(trap) => {
                (trap.errno()).unwrap_or_else(|code| panic!("{name} ended the guest with {code}"))
            }
        }
    }

    /// The arguments of a `path_open` relative to `fd`.
    pub fn open_args(&self, fd: u64, path: &str, open: Open) -> Vec<u64> {
        let [path, path_len] = self.store(path);
        let Open {
            lookup,
            oflags,
            base,
            inheriting,
            fdflags,
        } = open;
        let (oflags, fdflags) = (oflags.bits().into(), fdflags.bits().into());
        vec![
            fd, lookup, path, path_len, oflags, base, inheriting, fdflags, OUT,
        ]
    }

    /// Opens a path relative to `fd`.
    #[track_caller]
    pub fn open_at(&self, fd: u64, path: &str, open: Open) -> u64 {
        let outcome = self.scoped(|| self.call("path_open", self.open_args(fd, path, open)));
        outcome.wrote_within(&[(OUT, 4)]).u32_at(OUT).into()
    }

    /// Opens a path relative to the preopen.
    #[track_caller]
    pub fn open(&self, path: &str, open: Open) -> u64 {
        self.open_at(PREOPEN, path, open)
    }

    /// Opens `file` with every right but these.
    #[track_caller]
    pub fn file_without(&self, rights: Rights) -> u64 {
        let fd = self.open("file", Open::FILE);
        self.set_rights(fd, FILE_RIGHTS & !rights.bits(), 0);
        fd
    }

    /// Opens the preopen's directory again, with every right but these.
    #[track_caller]
    pub fn dir_without(&self, rights: Rights) -> u64 {
        let fd = self.open(".", Open::DIR);
        self.set_rights(
            fd,
            DIR_RIGHTS & !rights.bits(),
            INHERITABLE & !rights.bits(),
        );
        fd
    }

    /// `fd_fdstat_set_rights`.
    #[track_caller]
    pub fn set_rights(&self, fd: u64, base: u64, inheriting: u64) {
        self.ok("fd_fdstat_set_rights", [fd, base, inheriting]);
    }

    /// Reads a file from its offset to its end, or as much as a small buffer takes.
    #[track_caller]
    pub fn read(&self, fd: u64) -> String {
        let outcome = self.scoped(|| {
            let [iovs, iovs_len] = self.iovs(&[[BUF, 64]]);
            self.call("fd_read", [fd, iovs, iovs_len, OUT])
        });
        outcome.wrote_within(&[(BUF, 64), (OUT, 4)]);
        String::from_utf8(outcome.bytes_at(BUF, outcome.u32_at(OUT).into())).unwrap()
    }

    /// Writes a text, all of it.
    #[track_caller]
    pub fn write(&self, fd: u64, text: &str) {
        let outcome = self.scoped(|| {
            let [ciovs, ciovs_len] = self.ciovs(text);
            self.call("fd_write", [fd, ciovs, ciovs_len, OUT])
        });
        outcome.wrote(&[(OUT, &(text.len() as u32).to_le_bytes())]);
    }

    /// The record that a call such as `fd_fdstat_get` writes to its last parameter.
    #[track_caller]
    pub fn record<T: Record>(&self, name: &str, args: &[u64]) -> T {
        let args: Vec<u64> = args.iter().copied().chain([OUT]).collect();
        let outcome = self.call(name, args);
        outcome
            .wrote_within(&[(OUT, T::SIZE as u64)])
            .record_at(OUT)
    }
}

/// Joins arguments to one list.
pub fn args(parts: &[&[u64]]) -> Vec<u64> {
    parts.concat()
}
