use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::directory::DirectoryHandle;
use super::files::Files;
use crate::ctx::View;
use crate::vfs::memory::{Limits, MemoryFs};

/// A file system in memory.
#[napi(js_name = "MemoryFileSystem")]
pub struct MemoryFileSystem {
    fs: MemoryFs,
}

#[napi]
impl MemoryFileSystem {
    /// An empty one, with these limits: whole numbers, `Infinity` for none.
    #[napi(constructor)]
    pub fn new(max_bytes: f64, max_files: f64) -> Self {
        let limits = Limits {
            bytes: max_bytes as u64,
            files: max_files as u64,
        };
        Self {
            fs: MemoryFs::new(limits),
        }
    }

    /// Its root, for who mounts it.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::new(self.fs.root())
    }

    /// Its files, for the host.
    #[napi]
    pub fn files(&self) -> Result<Files> {
        let view = View::over(self.fs.root());
        view.map(Files::of_file_system)
            .map_err(|errno| Error::from_reason(errno.name()))
    }
}
