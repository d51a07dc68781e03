//! Where the standard streams of a guest come from.

use std::sync::{Arc, Weak};

use crate::abi::Errno;
use crate::host;
use crate::vfs::{Result, Stream, StreamHandle};

/// A standard stream that a guest is given.
#[derive(Clone, Debug)]
pub enum Stdio {
    /// The embedder's descriptor with this number, which is lent, and must stay open while the guest runs.
    Lent(i32),
    /// A stream that is no descriptor of the embedder's. The guest lets go of it when it closes its own
    /// descriptor.
    Stream(Arc<dyn Stream>),
}

impl Stdio {
    /// The stream, open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is no such descriptor.
    pub(super) fn open(&self) -> Result<StreamHandle> {
        Ok(match self {
            Self::Lent(fd) => StreamHandle::Host(host::File::lent(*fd)?),
            Self::Stream(stream) => StreamHandle::Other(Arc::clone(stream)),
        })
    }

    /// The stream, to be opened once more for as long as the guest holds it.
    pub(super) fn downgrade(&self) -> WeakStdio {
        match self {
            Self::Lent(fd) => WeakStdio::Lent(*fd),
            Self::Stream(stream) => WeakStdio::Stream(Arc::downgrade(stream)),
        }
    }
}

/// A standard stream that does not stay open because of this.
#[derive(Clone, Debug)]
pub(super) enum WeakStdio {
    Lent(i32),
    Stream(Weak<dyn Stream>),
}

impl WeakStdio {
    /// The stream, open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: it is closed.
    pub fn open(&self) -> Result<StreamHandle> {
        match self {
            Self::Lent(fd) => Stdio::Lent(*fd).open(),
            Self::Stream(stream) => {
                let stream = stream.upgrade().ok_or(Errno::Badf)?;
                Ok(StreamHandle::Other(stream))
            }
        }
    }
}
