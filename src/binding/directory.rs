use std::rc::Rc;
use std::sync::Arc;

use napi::Result;
use napi_derive::napi;

use super::memory_fs::{Kept, Memory};
use crate::vfs::Directory;

/// What can be mounted: an open directory of a file system that is not the host's. JavaScript passes it on
/// from what made it to the guests that get it, and nothing else.
#[napi]
pub struct DirectoryHandle {
    of: Of,
    is_read_only: bool,
}

enum Of {
    Directory(Arc<dyn Directory>),
    Memory(Rc<Memory>),
}

impl DirectoryHandle {
    /// A handle of this directory.
    pub fn new(dir: Arc<dyn Directory>) -> Self {
        Self {
            of: Of::Directory(dir),
            is_read_only: false,
        }
    }

    /// A handle of a directory in which nothing is changed, whoever has it.
    pub fn read_only(dir: Arc<dyn Directory>) -> Self {
        Self {
            is_read_only: true,
            ..Self::new(dir)
        }
    }

    /// The root of a file system in memory.
    pub fn of_memory(memory: Rc<Memory>) -> Self {
        Self {
            of: Of::Memory(memory),
            is_read_only: false,
        }
    }

    /// Whether nothing is changed in it, whoever has it.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// The file system has been collected, which cannot be as long as JavaScript has this.
    pub fn dir(&self) -> Result<Arc<dyn Directory>> {
        match &self.of {
            Of::Directory(dir) => Ok(Arc::clone(dir)),
            Of::Memory(memory) => Ok(memory.kept()?.fs.root()),
        }
    }

    /// The file system in memory that it is of.
    pub fn memory(&self) -> Option<Rc<Kept>> {
        match &self.of {
            Of::Directory(_) => None,
            Of::Memory(memory) => memory.kept().ok(),
        }
    }
}
