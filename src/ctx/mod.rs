//! What one guest has: its descriptors, its strings, its limits.
//!
//! A [`WasiCtx`] may be used by several threads at once, the workers of one guest, each of which can have one
//! with an interrupt of its own ([`WasiCtx::with_interrupt`]). The descriptor table is locked to look a number up, never while the host does something: a thread that waits in
//! `fd_read` holds up nobody.
//!
//! This is also where a guest's path becomes a name in a directory of the host ([`resolve`]), because
//! that takes both the preopens and the host.

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

/// How many standard streams there are; they have the first descriptors.
const STDIO: Fd = 3;

/// One guest, as a thread of it sees it. Clones are the same guest.
#[derive(Clone, Debug)]
pub struct WasiCtx {
    guest: Arc<Guest>,
    clocks: Clocks,
    interrupt: Interrupt,
}

/// All that one guest has.
#[derive(Debug)]
pub struct Guest {
    /// The guest's arguments.
    pub args: StringArray,
    /// The guest's environment.
    pub environ: StringArray,
    /// How much the guest may ask for.
    pub limits: Limits,
    /// The calls that the guest may make: see [`Grant::calls`].
    calls: AtomicU64,
    /// Those that it has made all the same: see [`WasiCtx::refused_calls`].
    refused: AtomicU64,
    /// What it may do to preopens: see [`Grant::preopens`].
    granted: AtomicU64,
    /// Which directories the guest has from the start, be they closed since.
    roots: Vec<FileId>,
    /// What the places of `fd_readdir` share.
    read_dir_room: Arc<Room>,
    table: Mutex<Table>,
    /// What paths meet beside what the preopens have; the embedder's view has the same.
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
    /// What it was given.
    fingerprint: Fingerprint,
    /// Whether it has been closed, or its command is over.
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
    /// [`Errno::Notcapable`]: a preopen's path leads out of another in which a guest can make links.
    /// [`Errno::Again`]: that came to mean another directory at the same time.
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
        let interrupt = Interrupt::NEVER.or_bell(Arc::clone(&guest.stop.bell));
        Self {
            guest: Arc::new(guest),
            clocks: Clocks::Host,
            interrupt,
        }
    }

    /// The same guest with other clocks than the host's, which it has in other threads as well. The first that
    /// it is given are those.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.fingerprint.more();
        let clock = Arc::clone(self.given_clocks.get_or_init(|| clock));
        Self {
            clocks: Clocks::Other(clock),
            ..self
        }
    }

    /// The same guest with other random bytes than the host's.
    #[must_use]
    pub fn with_random(self, random: Arc<dyn Random>) -> Self {
        self.fingerprint.more();
        self.random.replace(random);
        self
    }

    /// The same guest, for a thread in which its calls are interrupted by this, and by its being stopped.
    #[must_use]
    pub fn with_interrupt(self, interrupt: Interrupt) -> Self {
        let interrupt = interrupt.or_bell(Arc::clone(&self.stop.bell));
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

    /// Whether the guest may make the call of this row of their table.
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
        // One that is to end is refused everything.
        if self.stopped().is_none() {
            self.refused.fetch_or(1 << row, Relaxed);
        }
    }

    /// The calls that the guest has made and may not, a bit for each row of their table.
    pub fn refused_calls(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Lets the guest do more. For what it has from the start, that holds at once; what it has opened
    /// in the meantime stays as it was.
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

    /// What the guest may do to preopens.
    fn granted(&self) -> Rights {
        Rights::from_bits_retain(self.granted.load(Relaxed))
    }

    /// Closes every descriptor: the guest is over, whatever still refers to this.
    pub fn close_all(&self) {
        self.ended.store(true, Relaxed);
        let closed = self.table().replace(|_| None);
        let unmounted = self.mounts.change(|table| table.remove(|_| true));
        drop((closed, unmounted));
    }

    /// Ends a guest that should not be there any more: it has no descriptors and no calls.
    pub fn revoke(&self) {
        self.calls.store(0, Relaxed);
        self.close_all();
    }

    /// The inode number of `..` in a directory, of which the host says that it is `listed`: as `/..` is
    /// `/`, that of a directory which the guest has from the start is this directory itself.
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

    /// Whether a directory is what is mounted somewhere.
    fn is_mount_root(&self, id: FileId) -> bool {
        (self.mounts.for_paths()).is_some_and(|mounts| mounts.is_root(id))
    }

    /// Fills `buf` with random bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: there are none.
    pub fn random(&self, buf: &mut [u8]) -> Result<(), Errno> {
        self.random.fill(buf)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
