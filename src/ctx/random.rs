//! The random bytes of a guest.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::abi::Errno;
use crate::host;

/// A source of random bytes that is not the host's, such as one with a seed.
pub trait Random: Debug + Send + Sync + 'static {
    /// `getentropy(3)`: fills `buf`. May be called again while it runs.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: it has failed.
    fn fill(&self, buf: &mut [u8]) -> Result<(), Errno>;
}

/// A ChaCha20 generator with a seed: the same seed gives the same bytes on every machine.
#[derive(Debug)]
pub struct SeededRandom(Mutex<ChaCha20Rng>);

impl SeededRandom {
    /// The generator with this seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(Mutex::new(ChaCha20Rng::from_seed(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<(), Errno> {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generator.fill_bytes(buf);
        Ok(())
    }
}

#[derive(Debug)]
enum Source {
    Host(host::random::Random),
    Other(Arc<dyn Random>),
}

/// The source of random bytes of a guest, which its devices share.
#[derive(Clone, Debug)]
pub(super) struct RandomSource(Arc<Mutex<Source>>);

impl RandomSource {
    /// The host's.
    pub fn host() -> Self {
        let random = Source::Host(host::random::Random::default());
        Self(Arc::new(Mutex::new(random)))
    }

    /// Replaces the source.
    pub fn replace(&self, random: Arc<dyn Random>) {
        *self.lock() = Source::Other(random);
    }

    #[inline]
    pub fn fill(&self, buf: &mut [u8]) -> Result<(), Errno> {
        let other = match &mut *self.lock() {
            Source::Host(random) => return Ok(random.fill(buf)?),
            Source::Other(random) => Arc::clone(random),
        };
        // Called without the lock: a function of the embedder may have the guest ask for more.
        other.fill(buf)
    }

    fn lock(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_bytes() {
        let mut bytes = [0; 8];
        SeededRandom::new([0; 32]).fill(&mut bytes).unwrap();
        // The keystream of ChaCha20 for a key and a nonce of zeros.
        assert_eq!(bytes, [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
        let mut other = [0; 8];
        SeededRandom::new([1; 32]).fill(&mut other).unwrap();
        assert_ne!(bytes, other);
    }
}
