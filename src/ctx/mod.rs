//! What one guest has: its descriptors, its strings, its limits.
//!
//! A [`WasiCtx`] may be used by several threads at once, the workers of one guest. The descriptor
//! table is locked to look a number up, never while the host does something: a thread that waits in
//! `fd_read` holds up nobody.
//!
//! This is also where a guest's path becomes a name in a directory of the host ([`resolve`]), because
//! that takes both the preopens and the host.

mod entry;
mod grant;
mod limits;
pub mod resolve;
mod stream;
mod strings;
mod table;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use entry::{Descriptor, Entry};
pub use grant::Grant;
pub use limits::Limits;
pub use strings::StringArray;

use crate::abi::{Errno, Fd, Rights, Snapshot};
use crate::host::random::Random;
use crate::host::{Dir, Stdio};
use table::Table;

/// How many standard streams there are; they have the first descriptors.
const STDIO: Fd = 3;

/// What a [`WasiCtx`] is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ABI that the guest was compiled for.
    pub snapshot: Snapshot,
    /// The guest's arguments, its own name first.
    pub args: StringArray,
    /// The guest's environment, each `NAME=value`.
    pub env: StringArray,
    /// The directories that the guest has from the start, in the order of their descriptors from 3.
    pub preopens: Vec<Preopen>,
    /// The embedder's descriptors that the guest has as 0, 1 and 2; they must stay open while it runs.
    pub stdio: [i32; 3],
    /// How much the guest may ask for.
    pub limits: Limits,
    /// What the guest may do.
    pub grant: Grant,
}

/// A directory that a guest has from the start.
#[derive(Clone, Debug)]
pub struct Preopen {
    /// Its name for the guest.
    pub mapped_path: String,
    /// Its path on the host, which a relative one begins at the working directory.
    pub real_path: PathBuf,
    /// What may be done in it, and to all that is opened through it.
    pub rights: Rights,
}

/// All that one guest has.
#[derive(Debug)]
pub struct WasiCtx {
    /// The ABI that the guest was compiled for.
    pub snapshot: Snapshot,
    /// The guest's arguments.
    pub args: StringArray,
    /// The guest's environment.
    pub environ: StringArray,
    /// How much the guest may ask for.
    pub limits: Limits,
    /// The calls that the guest may make: see [`Grant::calls`].
    calls: AtomicU64,
    table: Mutex<Table>,
    random: Mutex<Random>,
}

impl WasiCtx {
    /// Opens what the guest is given.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: a number in `stdio` is not open. What `open(2)` says of a preopen.
    pub fn new(options: Options) -> Result<Self, Errno> {
        let mut entries = Vec::with_capacity(options.stdio.len() + options.preopens.len());
        for fd in options.stdio {
            entries.push(Entry::stdio(Stdio::new(fd)?, options.grant.stdio));
        }
        for preopen in options.preopens {
            let dir = Dir::open_ambient(&preopen.real_path)?;
            entries.push(Entry::preopen(
                dir,
                preopen.mapped_path.into_bytes(),
                preopen.rights,
                options.grant.preopens,
            ));
        }
        Ok(Self {
            snapshot: options.snapshot,
            args: options.args,
            environ: options.env,
            table: Mutex::new(Table::new(entries, options.limits.descriptors)),
            limits: options.limits,
            calls: AtomicU64::new(options.grant.calls),
            random: Mutex::default(),
        })
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
            Err(Errno::Notcapable)
        }
    }

    /// Lets the guest do more. For what it has from the start, that holds at once; what it has opened
    /// in the meantime stays as it was.
    pub fn grant(&self, grant: Grant) {
        self.calls.fetch_or(grant.calls, Relaxed);
        for (fd, entry) in self.table().iter() {
            if entry.mapped_path().is_some() {
                entry.grant(grant.preopens);
            } else if fd < STDIO {
                entry.grant(grant.stdio);
            }
        }
    }

    /// The descriptor `fd`, whatever it may be used for.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn entry(&self, fd: Fd) -> Result<Arc<Entry>, Errno> {
        self.table().get(fd).cloned()
    }

    /// The descriptor `fd`, to use the rights `base`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn get(&self, fd: Fd, base: Rights) -> Result<Arc<Entry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require(base)?;
        Ok(entry)
    }

    /// The descriptor `fd`, to use the rights `base` at an offset.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::get`], `FD_SEEK` being needed, too. [`Errno::Spipe`]: it is a stream, which has no
    /// offsets.
    pub fn get_at_offset(&self, fd: Fd, base: Rights) -> Result<Arc<Entry>, Errno> {
        let entry = self.entry(fd)?;
        match entry.require(base | Rights::FD_SEEK) {
            Ok(()) => Ok(entry),
            Err(error) => {
                entry.require(base)?;
                Err(if entry.is_stream()? {
                    Errno::Spipe
                } else {
                    error
                })
            }
        }
    }

    /// The descriptor `fd`, to use it as a socket. As with Node, that takes all rights that a socket has.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn socket(&self, fd: Fd) -> Result<Arc<Entry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require_socket()?;
        Ok(entry)
    }

    /// Whether the guest may have one more descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: it has as many as it may.
    pub fn check_room(&self) -> Result<(), Errno> {
        self.table().check_room()
    }

    /// Gives a descriptor the lowest free number.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn insert(&self, entry: Entry) -> Result<Fd, Errno> {
        self.table().insert(entry)
    }

    /// Closes a descriptor. What a standard stream was lent from stays open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        // Closing can take the host a while: it comes after the table is free again.
        let closed = self.table().remove(fd)?;
        drop(closed);
        Ok(())
    }

    /// Closes every descriptor: the guest is over, whatever still refers to this.
    pub fn close_all(&self) {
        let closed = self.table().remove_all();
        drop(closed);
    }

    /// Moves a descriptor to the number of another, which is closed.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not open.
    pub fn renumber(&self, from: Fd, to: Fd) -> Result<(), Errno> {
        let replaced = self.table().renumber(from, to)?;
        drop(replaced);
        Ok(())
    }

    /// The preopened directories that are still open.
    pub fn preopens(&self) -> Vec<Arc<Entry>> {
        (self.table().iter())
            .filter(|(_, entry)| entry.mapped_path().is_some())
            .map(|(_, entry)| Arc::clone(entry))
            .collect()
    }

    /// Fills `buf` with random bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: the operating system gives no seed.
    pub fn random(&self, buf: &mut [u8]) -> Result<(), Errno> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(random.fill(buf)?)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
