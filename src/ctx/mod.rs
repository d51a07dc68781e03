//! The state of one guest: its descriptors, strings and limits.
//!
//! A [`WasiCtx`] may be used by several threads at once, those of one guest, each of which can have one with an
//! interrupt of its own ([`WasiCtx::with_interrupt`]). The descriptor table is locked to look up a number, and
//! never during a system call: a thread that waits in `fd_read` does not block the others.
//!
//! This is also where a path of a guest is resolved to a name in a directory ([`resolve`]), because that needs
//! both the preopens and the file systems.

mod access;
mod budget;
mod by_memory;
mod clock;
mod cpu_time;
mod descriptor;
mod devices;
mod fd_entry;
mod fdflags;
mod fds;
mod file_id;
mod given_clock;
mod given_socket;
mod grant;
mod kind;
mod limits;
mod listing;
mod mounting;
mod mounts;
mod names;
mod options;
mod parked;
mod preopens;
mod random;
pub mod resolve;
mod resolved;
mod rest;
mod seen;
mod shared;
mod socket;
mod stdio;
mod stop;
mod strings;
mod table;
mod transfer;
mod view;
mod walk;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use budget::Slot;
pub use by_memory::Bond;
use by_memory::Fingerprint;
pub use clock::{Clock, Clocks};
pub use cpu_time::Stage;
pub use descriptor::Descriptor;
pub use fd_entry::FdEntry;
pub use fds::ReservedFd;
pub use file_id::FileId;
pub use given_clock::{GivenClock, Time, TimeSource};
pub use given_socket::{GivenSocket, SocketSource};
pub use grant::Grant;
pub use limits::Limits;
pub use listing::Listing;
pub use mounting::MountError;
pub use options::{Given, InitError, Options, Preopen, PreopenSource};
pub use random::{Random, SeededRandom};
pub use shared::{Hold, Token};
pub use stdio::Stdio;
pub use stop::WeakGuest;
pub use strings::StringArray;
pub use view::View;

use crate::abi::{Errno, Fd, Inode, Rights};
use crate::host::{Interrupt, Room};
use cpu_time::CpuTime;
use devices::Devices;
use mounts::Mounts;
use random::RandomSource;
use shared::{Holders, Share};
use stop::Stop;
use table::Table;

/// The number of standard streams, which have the first descriptors.
const STDIO: Fd = 3;

/// A guest, for one of its threads. A clone is the same guest.
#[derive(Clone, Debug)]
pub struct WasiCtx {
    guest: Arc<Guest>,
    clocks: Clocks,
    interrupt: Interrupt,
}

/// The state of a guest that its threads share.
#[derive(Debug)]
pub struct Guest {
    /// The guest's arguments.
    pub args: StringArray,
    /// The guest's environment.
    pub environ: StringArray,
    /// The limits of the guest.
    pub limits: Limits,
    /// The calls that the guest may make: see [`Grant::calls`].
    calls: AtomicU64,
    /// The calls that it has made without being allowed to: see [`WasiCtx::refused_calls`].
    refused: AtomicU64,
    /// Its rights for preopens: see [`Grant::preopens`].
    granted: AtomicU64,
    /// The identities of the preopens, closed ones among them.
    roots: Vec<FileId>,
    /// The memory that its directory streams may keep between calls.
    read_dir_room: Arc<Room>,
    table: Mutex<Table>,
    /// Its mounts, which the embedder's view shares.
    mounts: Arc<Mounts>,
    /// Whether it is the embedder's view of a guest.
    is_view: bool,
    random: RandomSource,
    /// Its clocks, if they are not the host's.
    given_clocks: OnceLock<Arc<dyn Clock>>,
    stop: Stop,
    cpu_time: CpuTime,
    share: Share,
    holders: Holders,
    /// Its options, for comparison.
    fingerprint: Fingerprint,
    /// Whether it has been closed, or its command has exited.
    ended: AtomicBool,
}

impl Deref for WasiCtx {
    type Target = Guest;

    #[inline]
    fn deref(&self) -> &Guest {
        &self.guest
    }
}

impl WasiCtx {
    /// Opens what the guest is given.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: a number in `stdio` is not open. What `open(2)` says of a preopen.
    /// [`Errno::Notcapable`]: the path of a preopen leads out of another preopen in which a guest can create
    /// links. [`Errno::Again`]: such a path was changed at the same time.
    pub fn new(options: Options) -> Result<Self, InitError> {
        let fingerprint = Fingerprint::of(&options);
        let mut entries = Vec::with_capacity(options.stdio.len() + options.preopens.len());
        for stdio in &options.stdio {
            let stream = stdio.open().map_err(|errno| InitError {
                errno,
                given: Given::Stdio(stdio.clone()),
            })?;
            entries.push(FdEntry::stdio(stream, options.grant.stdio));
        }
        let random = RandomSource::host();
        let stdio = options.stdio.each_ref().map(Stdio::downgrade);
        let devices = || Some(Devices::new(stdio.clone(), random.clone()));
        let is_file = |preopen: &Preopen| matches!(preopen.source, PreopenSource::File(..));
        let preopens = options.preopens.into_iter().map(preopens::as_file);
        let (files, dirs) = preopens.partition(is_file);
        let preopens = preopens::open(dirs, options.grant.preopens, devices)?;
        entries.extend(preopens.entries);
        let ctx = Self::of(Guest {
            args: options.args,
            environ: options.env,
            table: Mutex::new(Table::new(entries, options.limits.descriptors)),
            mounts: Arc::new(Mounts::new(preopens.mounts)),
            is_view: false,
            limits: options.limits,
            calls: AtomicU64::new(options.grant.calls),
            refused: AtomicU64::default(),
            granted: AtomicU64::new(options.grant.preopens.bits()),
            roots: preopens.ids,
            read_dir_room: Arc::default(),
            random,
            given_clocks: OnceLock::new(),
            stop: Stop::default(),
            cpu_time: CpuTime::default(),
            share: Share::default(),
            holders: Holders::default(),
            fingerprint,
            ended: AtomicBool::new(false),
        });
        match ctx.mount_preopens(files) {
            Ok(()) => Ok(ctx),
            Err((preopen, errno)) => Err(InitError {
                errno,
                given: Given::Preopen(preopen),
            }),
        }
    }

    fn of(guest: Guest) -> Self {
        let interrupt = Interrupt::NEVER.or_event(Arc::clone(&guest.stop.event));
        Self {
            guest: Arc::new(guest),
            clocks: Clocks::Host,
            interrupt,
        }
    }

    /// The same guest with clocks of the embedder, in all its threads. The first ones that it is given count.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.fingerprint.more();
        let clock = Arc::clone(self.given_clocks.get_or_init(|| clock));
        Self {
            clocks: Clocks::Other(clock),
            ..self
        }
    }

    /// The same guest with random bytes of the embedder.
    #[must_use]
    pub fn with_random(self, random: Arc<dyn Random>) -> Self {
        self.fingerprint.more();
        self.random.replace(random);
        self
    }

    /// The same guest, for a thread whose calls this interrupts. Stopping the guest interrupts them, too.
    #[must_use]
    pub fn with_interrupt(self, interrupt: Interrupt) -> Self {
        let interrupt = interrupt.or_event(Arc::clone(&self.stop.event));
        Self { interrupt, ..self }
    }

    /// What interrupts the guest's calls in this thread.
    #[inline]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The guest's clocks.
    #[inline]
    pub fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Checks that the guest may make the call of this row of the table of calls.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not.
    pub fn check_call(&self, row: usize) -> Result<(), Errno> {
        if self.calls.load(Relaxed) & 1 << row != 0 {
            Ok(())
        } else {
            self.refuse(row);
            Err(Errno::Notcapable)
        }
    }

    #[cold]
    fn refuse(&self, row: usize) {
        // A guest that was stopped may make no calls at all: this is not recorded.
        if self.stopped().is_none() {
            self.refused.fetch_or(1 << row, Relaxed);
        }
    }

    /// The calls that the guest has made without being allowed to: a bit for each row of the table of calls.
    pub fn refused_calls(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Allows the guest more. That applies at once to what it was started with; what it has opened since keeps
    /// its rights.
    pub fn grant(&self, grant: Grant) {
        self.calls.fetch_or(grant.calls, Relaxed);
        if self.stopped().is_some() {
            self.calls.store(Grant::NONE.calls, Relaxed);
        }
        self.granted.fetch_or(grant.preopens.bits(), Relaxed);
        for mount in self.mounts.table().mounts() {
            mount.target.root.grant(grant.preopens);
        }
        for (fd, entry) in self.table().iter() {
            if entry.mapped_path().is_some() {
                entry.grant(grant.preopens);
            } else if fd < STDIO {
                entry.grant(grant.stdio);
            }
        }
    }

    /// The rights of the guest for preopens.
    fn granted(&self) -> Rights {
        Rights::from_bits_retain(self.granted.load(Relaxed))
    }

    /// Closes every descriptor, as the guest has ended. Others may still refer to it.
    pub fn close_all(&self) {
        self.ended.store(true, Relaxed);
        let closed = self.table().replace(|_| None);
        let unmounted = self.mounts.change(|table| table.remove(|_| true));
        drop((closed, unmounted));
    }

    /// Ends a guest that must do nothing any more: it has no descriptors, and may make no calls.
    pub fn revoke(&self) {
        self.calls.store(0, Relaxed);
        self.close_all();
    }

    /// The inode number of `..` in a directory. It is `listed`, as its file system says, unless the directory
    /// is a preopen or mounted: then it is that of the directory itself, as `/..` is `/`.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn parent_ino(&self, dir: &FdEntry, listed: Inode) -> Result<Inode, Errno> {
        let dir = dir.file_id()?;
        let is_mounted = || {
            let mounts = self.mounts.for_paths();
            mounts.is_some_and(|mounts| mounts.is_root(dir))
        };
        Ok(if self.roots.contains(&dir) || is_mounted() {
            dir.ino
        } else {
            listed
        })
    }

    /// Whether a directory is mounted somewhere.
    fn is_mount_root(&self, id: FileId) -> bool {
        (self.mounts.for_paths()).is_some_and(|mounts| mounts.is_root(id))
    }

    /// Fills `buf` with random bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: the source has failed.
    pub fn random(&self, buf: &mut [u8]) -> Result<(), Errno> {
        self.random.fill(buf)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
