use wasi_rs::memory::{GuestPtr, Iovecs, LinearMemory};

/// Calls `call` with `bytes` in two buffers of a guest's memory, and copies their content back.
pub fn with_iovecs<T>(bytes: &mut [u8], call: impl FnOnce(&Iovecs<'_>) -> T) -> T {
    let half = bytes.len() as u32 / 2;
    let list = bytes.len().next_multiple_of(4);
    let mut laid = bytes.to_vec();
    laid.resize(list, 0);
    let iovs = [0, half, half, bytes.len() as u32 - half];
    laid.extend(iovs.into_iter().flat_map(u32::to_le_bytes));
    let linear = LinearMemory::exclusive(&mut laid);
    let iovs = linear.guest().iovecs(GuestPtr::new(list as u32), 2, 2);
    let result = call(&iovs.unwrap());
    bytes.copy_from_slice(&laid[..bytes.len()]);
    result
}
