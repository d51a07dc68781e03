//! The type of what a descriptor is open on: found when it is first needed, as opening does not need it and it
//! costs a system call.

use super::{Descriptor, FdEntry};
use crate::abi::{Errno, Filestat, Filetype, Rights, RightsPair};
use crate::host::StreamFlags;

/// The type, and the rights that follow from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub filetype: Filetype,
    /// The most that a descriptor of this type can have.
    pub rights: RightsPair,
    /// The rights of its type that a standard stream lacks because of its access mode.
    pub lacks: Rights,
}

impl Kind {
    const DIRECTORY: Self = Self {
        filetype: Filetype::Directory,
        rights: RightsPair::DIRECTORY,
        lacks: Rights::empty(),
    };
}

impl FdEntry {
    /// The type of what is open.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn filetype(&self) -> Result<Filetype, Errno> {
        self.kind().map(|kind| kind.filetype)
    }

    #[inline]
    pub(super) fn kind(&self) -> Result<&Kind, Errno> {
        match self.kind.get() {
            Some(kind) => Ok(kind),
            None => self.find_kind(),
        }
    }

    #[cold]
    fn find_kind(&self) -> Result<&Kind, Errno> {
        match &self.descriptor {
            Descriptor::Dir(_) | Descriptor::Parked(_) => {
                Ok(self.kind.get_or_init(|| Kind::DIRECTORY))
            }
            Descriptor::File(file) => match file.handle().filetype() {
                Some(filetype) => self.note_kind(filetype),
                None => self.kind_in(&self.descriptor.stat()?),
            },
            _ => self.kind_in(&self.descriptor.stat()?),
        }
    }

    /// The type, from its attributes.
    #[inline]
    pub(super) fn kind_in(&self, stat: &Filestat) -> Result<&Kind, Errno> {
        match self.kind.get() {
            Some(kind) => Ok(kind),
            None => self.note_kind(stat.filetype),
        }
    }

    #[cold]
    fn note_kind(&self, filetype: Filetype) -> Result<&Kind, Errno> {
        let mut rights = match filetype {
            Filetype::RegularFile => RightsPair::REGULAR_FILE,
            Filetype::Directory => RightsPair::DIRECTORY,
            Filetype::SocketStream | Filetype::SocketDgram => RightsPair::SOCKET,
            Filetype::CharacterDevice if self.descriptor.is_terminal() => RightsPair::TTY,
            Filetype::CharacterDevice | Filetype::BlockDevice => RightsPair::DEVICE,
            Filetype::SymbolicLink | Filetype::Unknown => RightsPair {
                base: Rights::empty(),
                inheriting: Rights::empty(),
            },
        };
        let mut lacks = Rights::empty();
        if let Descriptor::Stream(stream) = &self.descriptor
            && stream.is_lent()
        {
            let StreamFlags { read, write, .. } = self.stream_flags(stream)?;
            lacks.set(Rights::FD_READ, !read);
            lacks.set(Rights::FD_WRITE, !write);
            lacks &= rights.base;
            rights.base -= lacks;
        }
        // Computed before it is stored: the system call must not block other threads.
        Ok(self.kind.get_or_init(|| Kind {
            filetype,
            rights,
            lacks,
        }))
    }

    /// Whether its type has no offsets.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::filetype`].
    pub fn is_stream(&self) -> Result<bool, Errno> {
        Ok(!self.kind()?.rights.base.contains(Rights::FD_SEEK))
    }
}
