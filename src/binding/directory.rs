use std::rc::Rc;
use std::sync::Arc;

use napi::{Error, Result};
use napi_derive::napi;

use super::memory_fs::{Kept, Memory};
use crate::ctx::View;
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
    Guest(Arc<View>),
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

    /// What the embedder sees of a guest.
    pub fn of_guest(view: Arc<View>) -> Self {
        Self {
            of: Of::Guest(view),
            is_read_only: false,
        }
    }

    /// Whether nothing is changed in it, whoever has it.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// What paths in it are resolved in.
    ///
    /// # Errors
    ///
    /// The file system has been collected, which cannot be as long as JavaScript has this. It cannot be looked
    /// at.
    pub fn view(&self) -> Result<Arc<View>> {
        let view = match &self.of {
            Of::Directory(dir) => View::over(Arc::clone(dir)).map(Arc::new),
            Of::Memory(memory) => memory.kept()?.view().cloned(),
            Of::Guest(view) => Ok(Arc::clone(view)),
        };
        view.map_err(|errno| Error::from_reason(errno.name()))
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// As [`view`](Self::view). It is that of a guest which has no root.
    pub fn dir(&self) -> Result<Arc<dyn Directory>> {
        match &self.of {
            Of::Directory(dir) => Ok(Arc::clone(dir)),
            Of::Memory(memory) => Ok(memory.kept()?.fs.root()),
            Of::Guest(view) => {
                let root = view.directory(b".");
                root.map_err(|errno| Error::from_reason(errno.name()))
            }
        }
    }

    /// The file system in memory that it is of.
    pub fn memory(&self) -> Option<Rc<Kept>> {
        match &self.of {
            Of::Directory(_) | Of::Guest(_) => None,
            Of::Memory(memory) => memory.kept().ok(),
        }
    }
}
