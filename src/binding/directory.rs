use std::sync::Arc;

use napi_derive::napi;

use crate::vfs::Directory;

/// What can be mounted: an open directory of a file system that is not the host's. JavaScript passes it on
/// from what made it to the guests that get it, and nothing else.
#[napi(js_name = "Directory")]
pub struct DirectoryHandle {
    dir: Arc<dyn Directory>,
}

impl DirectoryHandle {
    /// A handle of this directory.
    pub fn new(dir: Arc<dyn Directory>) -> Self {
        Self { dir }
    }

    /// The directory.
    pub fn dir(&self) -> Arc<dyn Directory> {
        Arc::clone(&self.dir)
    }
}
