//! The format of the fuzzer's input: a head with the options of the guest, and a record for each call.
//!
//! Records have a fixed length, and the mutator works on whole ones: so a useful call stays intact when another
//! one is inserted before it.

use arbitrary::{Arbitrary, Unstructured};

/// The size of the head in bytes.
pub const HEAD: usize = 8;
/// The size of a record in bytes: the call, and choices for its arguments.
pub const RECORD: usize = 32;
/// The maximum number of calls that are played.
pub const MAX_CALLS: usize = 48;

/// The maximum length that has an effect.
pub const MAX_LEN: usize = HEAD + MAX_CALLS * RECORD;

/// Bytes to make choices with. After the last one come zeros.
pub struct Source<'a>(Unstructured<'a>);

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    pub fn byte(&mut self) -> u8 {
        self.number()
    }

    pub fn number<T: Arbitrary<'a> + Default>(&mut self) -> T {
        T::arbitrary(&mut self.0).unwrap_or_default()
    }

    /// Chooses one of these by a byte.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }
}

/// The head and the calls of an input, padded with zeros.
pub fn split(data: &[u8]) -> ([u8; HEAD], impl Iterator<Item = [u8; RECORD]>) {
    let (head, calls) = data.split_at(data.len().min(HEAD));
    let calls = calls.chunks(RECORD).take(MAX_CALLS).map(padded);
    (padded(head), calls)
}

fn padded<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let mut padded = [0; LEN];
    padded[..bytes.len()].copy_from_slice(bytes);
    padded
}

/// Mutates an input of `size` bytes. Returns its new length. `bytes` is the fuzzer's own mutator for bytes.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    bytes: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let max_size = max_size.min(data.len());
    let count = size.saturating_sub(HEAD) / RECORD;
    let room = max_size.saturating_sub(HEAD) / RECORD;
    if size < HEAD || room == 0 {
        return bytes(data, size, max_size);
    }
    let mut random = Random(seed);
    let (what, one, other) = (random.below(16), random.below(count), random.below(count));
    let at = |record: usize| HEAD + record * RECORD;
    let end = at(count);
    match what {
        0 => bytes(data, size, max_size),
        1 => change(&mut data[..HEAD], size, bytes),
        2..=4 if count < room => {
            data.copy_within(at(one)..end, at(one) + RECORD);
            for byte in &mut data[at(one)..][..RECORD] {
                *byte = random.next() as u8;
            }
            end + RECORD
        }
        5 if 0 < count && count < room => {
            let record: [u8; RECORD] = padded(&data[at(other)..][..RECORD]);
            data.copy_within(at(one)..end, at(one) + RECORD);
            data[at(one)..][..RECORD].copy_from_slice(&record);
            end + RECORD
        }
        6 if 1 < count => {
            data.copy_within(at(one) + RECORD..end, at(one));
            end - RECORD
        }
        7 if 1 < count => {
            for offset in 0..RECORD {
                data.swap(at(one) + offset, at(other) + offset);
            }
            size
        }
        8 if 0 < count => {
            data[at(one)] = random.next() as u8;
            size
        }
        9..=11 if 0 < count => {
            let offset = random.below(RECORD);
            data[at(one) + offset] = random.next() as u8;
            size
        }
        _ if 0 < count => change(&mut data[at(one)..][..RECORD], size, bytes),
        _ => bytes(data, size, max_size),
    }
}

/// Mutates a part of an input without changing its length.
fn change(part: &mut [u8], size: usize, bytes: fn(&mut [u8], usize, usize) -> usize) -> usize {
    let len = bytes(part, part.len(), part.len());
    part[len..].fill(0);
    size
}

struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        // Odd, as a generator by shifts must not start with 0; multiplied, as small seeds are poor.
        self.0 = self.0.wrapping_mul(0x9e37_79b9) | 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 >> 8
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(_: &mut [u8], size: usize, _: usize) -> usize {
        size
    }

    #[test]
    fn mutation_keeps_whole_records_and_to_its_room() {
        for seed in 0..10_000 {
            for count in 0..4 {
                let mut data = vec![7; HEAD + 4 * RECORD + 5];
                let size = HEAD + count * RECORD;
                let max_size = HEAD + 3 * RECORD;
                let size = mutate(&mut data, size, max_size, seed, keep);
                assert_eq!((size - HEAD) % RECORD, 0);
                assert!(size <= max_size);
            }
        }
    }

    #[test]
    fn short_inputs_are_padded() {
        let (head, mut calls) = split(&[1; HEAD + 1]);
        assert_eq!(head, [1; HEAD]);
        assert_eq!(calls.next().unwrap()[..2], [1, 0]);
        assert!(calls.next().is_none());
    }
}
