use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasi_rs::memory::{GuestPtr, Iovecs, LinearMemory};

/// Calls with `bytes` in two buffers of a guest's, and copies back what they hold then.
pub fn with_iovecs<T>(bytes: &mut [u8], call: impl FnOnce(&Iovecs<'_>) -> T) -> T {
    let half = bytes.len() as u32 / 2;
    let list = bytes.len().next_multiple_of(4);
    let mut laid = bytes.to_vec();
    laid.resize(list, 0);
    let iovs = [0, half, half, bytes.len() as u32 - half];
    laid.extend(iovs.into_iter().flat_map(u32::to_le_bytes));
    let words: Vec<_> = (laid.as_chunks().0.iter())
        .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)))
        .collect();
    let linear = LinearMemory::new(&words);
    let iovs = linear.guest().iovecs(GuestPtr::new(list as u32), 2, 2);
    let result = call(&iovs.unwrap());
    let after = (words.iter()).flat_map(|word| word.load(Relaxed).to_ne_bytes());
    for (byte, new) in bytes.iter_mut().zip(after) {
        *byte = new;
    }
    result
}
