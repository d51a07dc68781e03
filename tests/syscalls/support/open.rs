use wasi_rs::abi::{Fdflags, Oflags, Rights};

use super::{DIR_RIGHTS, FILE_RIGHTS, FOLLOW, INHERITABLE, NO_FOLLOW};

/// How to open something.
#[derive(Clone, Copy)]
pub struct Open {
    pub lookup: u64,
    pub oflags: Oflags,
    pub base: u64,
    pub inheriting: u64,
    pub fdflags: Fdflags,
}

impl Open {
    /// A file, with all its rights.
    pub const FILE: Self = Self {
        lookup: FOLLOW,
        oflags: Oflags::empty(),
        base: FILE_RIGHTS,
        inheriting: 0,
        fdflags: Fdflags::empty(),
    };
    /// A directory, with all its rights.
    pub const DIR: Self = Self {
        oflags: Oflags::DIRECTORY,
        base: DIR_RIGHTS,
        inheriting: INHERITABLE,
        ..Self::FILE
    };
    /// Anything, for reading.
    pub const READ: Self = Self {
        base: Rights::FD_READ.bits() | Rights::FD_SEEK.bits() | Rights::FD_TELL.bits(),
        ..Self::FILE
    };

    pub const fn no_follow(self) -> Self {
        Self {
            lookup: NO_FOLLOW,
            ..self
        }
    }

    pub const fn oflags(self, oflags: Oflags) -> Self {
        Self { oflags, ..self }
    }

    pub const fn fdflags(self, fdflags: Fdflags) -> Self {
        Self { fdflags, ..self }
    }

    pub const fn base(self, base: Rights) -> Self {
        Self {
            base: base.bits(),
            ..self
        }
    }
}
