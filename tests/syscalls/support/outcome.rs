use wasi_rs::abi::{Errno, Record};
use wasi_rs::syscalls::Trap;

/// The result of a call, and memory before and after it.
#[must_use]
pub struct Outcome {
    pub(super) call: String,
    pub result: Result<(), Trap>,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
}

impl Outcome {
    /// Asserts that the call was refused, and wrote nothing.
    #[track_caller]
    pub fn is_refused(&self, errno: Errno, row: &str) {
        let Self { call, .. } = self;
        assert_eq!(
            self.result.map_err(Trap::errno),
            Err(Ok(errno)),
            "{row}: {call}"
        );
        self.assert_memory(&self.before);
    }

    /// Asserts that the call succeeded, and wrote exactly these bytes at these addresses.
    #[track_caller]
    pub fn wrote(&self, patches: &[(u64, &[u8])]) {
        assert_eq!(self.result, Ok(()), "{}", self.call);
        let mut expected = self.before.clone();
        for (at, bytes) in patches {
            expected[*at as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        self.assert_memory(&expected);
    }

    /// Asserts that the call succeeded, and wrote only inside these regions: addresses and lengths.
    #[track_caller]
    pub fn wrote_within(&self, regions: &[(u64, u64)]) -> &Self {
        assert_eq!(self.result, Ok(()), "{}", self.call);
        let mut expected = self.before.clone();
        for (at, len) in regions {
            let region = *at as usize..(*at + *len) as usize;
            expected[region.clone()].copy_from_slice(&self.after[region]);
        }
        self.assert_memory(&expected);
        self
    }

    #[track_caller]
    fn assert_memory(&self, expected: &[u8]) {
        let differs = (expected.iter().zip(&self.after)).position(|(expected, is)| expected != is);
        if let Some(at) = differs {
            let end = (at + 48).min(expected.len());
            let (expected, is) = (&expected[at..end], &self.after[at..end]);
            panic!(
                "{}: memory from {at:#x} is\n{}\nand not\n{}",
                self.call,
                is.escape_ascii(),
                expected.escape_ascii()
            );
        }
    }

    pub fn bytes_at(&self, at: u64, len: u64) -> Vec<u8> {
        self.after[at as usize..(at + len) as usize].to_vec()
    }

    pub fn record_at<T: Record>(&self, at: u64) -> T {
        let mut bytes = T::ZEROED;
        bytes
            .as_mut()
            .copy_from_slice(&self.after[at as usize..][..T::SIZE]);
        T::decode(&bytes).unwrap()
    }

    pub fn u32_at(&self, at: u64) -> u32 {
        self.record_at(at)
    }

    pub fn u64_at(&self, at: u64) -> u64 {
        self.record_at(at)
    }
}
