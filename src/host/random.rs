//! Random bytes for guests: a ChaCha20 generator in user space, seeded by the operating system.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::io;

use super::sys::fork_generation;

/// Output in bytes after which a generator is seeded again, so that its state reveals no earlier output.
const RESEED_AFTER: u64 = 1 << 20;

/// A cryptographically secure generator. It is seeded again after a `fork(2)`, so that parent and child
/// do not generate the same bytes.
#[derive(Debug, Default)]
pub struct Random {
    /// `None` before the first use: most guests use none.
    seeded: Option<Box<Seeded>>,
}

#[derive(Debug)]
struct Seeded {
    generator: ChaCha20Rng,
    /// [`fork_generation`] when it was seeded.
    fork_generation: u64,
    /// Bytes of output until the next seed.
    left: u64,
}

impl Random {
    /// Fills `buf` with random bytes.
    ///
    /// # Errors
    ///
    /// The operating system has no random bytes for a seed.
    pub fn fill(&mut self, buf: &mut [u8]) -> io::Result<()> {
        let len = buf.len() as u64;
        let fork_generation = fork_generation();
        let usable = (self.seeded.as_mut())
            .filter(|seeded| seeded.fork_generation == fork_generation && seeded.left >= len);
        let seeded = match usable {
            Some(seeded) => seeded,
            None => self.seeded.insert(Box::new(Seeded {
                generator: seed()?,
                fork_generation,
                left: RESEED_AFTER.max(len),
            })),
        };
        seeded.left -= len;
        seeded.generator.fill_bytes(buf);
        Ok(())
    }
}

fn seed() -> io::Result<ChaCha20Rng> {
    let mut seed = <ChaCha20Rng as SeedableRng>::Seed::default();
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(ChaCha20Rng::from_seed(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_differ_and_go_on_across_a_new_seed() {
        let mut random = Random::default();
        let mut fills = Vec::new();
        for _ in 0..5 {
            let mut buf = vec![0; (RESEED_AFTER / 2) as usize];
            random.fill(&mut buf).unwrap();
            fills.push(buf[..32].to_vec());
        }
        fills.sort();
        fills.dedup();
        assert_eq!(fills.len(), 5);
    }

    #[test]
    fn two_generators_differ() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        Random::default().fill(&mut one).unwrap();
        Random::default().fill(&mut other).unwrap();
        assert_ne!(one, other);
    }
}
