//! The standard streams of a guest.

use std::sync::{Arc, Weak};

use crate::abi::Errno;
use crate::host;
use crate::vfs::{Result, Stream, StreamHandle};

/// A standard stream, as it is given to a guest.
#[derive(Clone, Debug)]
pub enum Stdio {
    /// The embedder's descriptor with this number, which is lent: it must stay open while the guest runs.
    Lent(i32),
    /// A stream that is no descriptor of the embedder. It is dropped when the guest closes its descriptor.
    Stream(Arc<dyn Stream>),
}

impl Stdio {
    /// Opens the stream.
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

    /// The stream, to open it again for as long as the guest has it.
    pub(super) fn downgrade(&self) -> WeakStdio {
        match self {
            Self::Lent(fd) => WeakStdio::Lent(*fd),
            Self::Stream(stream) => WeakStdio::Stream(Arc::downgrade(stream)),
        }
    }
}

/// A standard stream that is not kept open by this.
#[derive(Clone, Debug)]
pub(super) enum WeakStdio {
    Lent(i32),
    Stream(Weak<dyn Stream>),
}

impl WeakStdio {
    /// Opens the stream.
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
