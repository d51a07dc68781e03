//! Where the random bytes of a guest come from.

use std::fmt::Debug;

use crate::abi::Errno;
use crate::host;

/// A source of bytes that is not the host's: a seeded one, or one that repeats.
pub trait Random: Debug + Send + 'static {
    /// `getentropy(3)`: fills `buf`.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: there are no more.
    fn fill(&mut self, buf: &mut [u8]) -> Result<(), Errno>;
}

/// The source that a guest has.
#[derive(Debug)]
pub(super) enum RandomSource {
    Host(host::random::Random),
    Other(Box<dyn Random>),
}

impl RandomSource {
    #[inline]
    pub fn fill(&mut self, buf: &mut [u8]) -> Result<(), Errno> {
        match self {
            Self::Host(random) => Ok(random.fill(buf)?),
            Self::Other(random) => random.fill(buf),
        }
    }
}
