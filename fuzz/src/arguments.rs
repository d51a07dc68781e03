//! Arguments that a hostile guest would pass, in its memory.
//!
//! Most are valid, as calls with invalid ones are refused at once; each may become one of the values at which
//! hosts have failed.

use wasi_rs::abi::{Event, Record, Rights, RightsPair, Snapshot};
use wasi_rs::memory::LinearMemory;
use wasi_rs::syscalls::{MAX_PARAMS, Role, SYSCALLS};

use crate::input::Source;
use crate::scratch::VOCABULARY;

/// A guest's memory, allocated with exactly its size, so that the sanitizer notices accesses beyond it.
pub struct Memory {
    bytes: Box<[u8]>,
    /// The address for the next value.
    next: usize,
    /// The address of the last value.
    last: u32,
}

impl Memory {
    pub fn new(len: usize, fill: u8) -> Self {
        let bytes: Box<[u8]> = vec![fill; len].into();
        assert!(
            bytes.is_empty() || len.is_multiple_of(4) && bytes.as_ptr().addr().is_multiple_of(4),
            "memory consists of words"
        );
        Self {
            bytes,
            next: 0,
            last: 0,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The memory for a call.
    pub fn linear(&mut self) -> LinearMemory<'_> {
        let linear = LinearMemory::empty();
        if !self.bytes.is_empty() {
            // SAFETY: the bytes are aligned, as `new` has seen, and live as long as the borrow, during which
            // nothing else in Rust has them.
            unsafe { linear.set(self.bytes.as_mut_ptr(), self.bytes.len(), false) };
        }
        linear
    }

    /// Writes what is inside of `bytes`.
    pub fn put(&mut self, at: u64, bytes: &[u8]) {
        if let Some(to) = self.bytes.get_mut(at as usize..) {
            let len = bytes.len().min(to.len());
            to[..len].copy_from_slice(&bytes[..len]);
        }
    }

    /// `len` bytes at an address, if they are inside.
    pub fn get(&self, at: u64, len: usize) -> Option<&[u8]> {
        let at = usize::try_from(at).ok()?;
        self.bytes.get(at..at.checked_add(len)?)
    }

    fn u32_at(&self, at: u64) -> Option<u32> {
        Some(u32::from_le_bytes(self.get(at, 4)?.try_into().ok()?))
    }

    /// The buffers of a list at an address; `None` if the list is not inside.
    pub fn iovs(&self, at: u64, len: u64) -> Option<Vec<(u64, u64)>> {
        if len > 4096 {
            return None;
        }
        (0..len)
            .map(|index| {
                let at = at + index * 8;
                Some((self.u32_at(at)?.into(), self.u32_at(at + 4)?.into()))
            })
            .collect()
    }

    /// An address for `len` bytes: unused memory, or an invalid one if a byte says so.
    fn place(&mut self, source: &mut Source<'_>, len: usize) -> u32 {
        let memory = self.bytes.len() as u32;
        let at = match source.byte() {
            0xe0 => memory.wrapping_sub(len as u32),
            0xe1 => memory.wrapping_sub(len as u32).wrapping_add(1),
            0xe2 => memory,
            0xe3 => memory.wrapping_sub(1),
            0xe4 => u32::MAX,
            0xe5 => 0,
            0xe6 => 1 << 31,
            0xe7 => 0_u32.wrapping_sub(len as u32),
            0xe8..=0xef => self.last,
            0xf0 => self.last.wrapping_add(1),
            0xf1 => self.last.wrapping_sub(4),
            0xf2..=0xf4 => self.fresh(len + 3) + 3,
            0xf5 => source.number(),
            _ => self.fresh(len),
        };
        self.last = at;
        at
    }

    fn fresh(&mut self, len: usize) -> u32 {
        let mut at = self.next.next_multiple_of(8);
        if at + len > self.bytes.len() {
            at = 0;
        }
        self.next = at + len + 1;
        at as u32
    }
}

/// The state that arguments are made from.
pub struct Making<'a> {
    pub memory: &'a mut Memory,
    pub snapshot: Snapshot,
    /// The sizes of the arguments and of the environment: number, and bytes.
    pub args: (u32, u32),
    pub environ: (u32, u32),
    /// The last cookie that `fd_readdir` returned.
    pub cookie: u64,
    /// The path of the directory that the guest must not reach, without its leading slash.
    pub outside: &'a [u8],
}

/// Lengths and counts at which hosts have failed.
fn tweak(source: &mut Source<'_>, honest: u32, memory: usize, at: u32) -> u32 {
    match source.byte() {
        0xe0 => 0,
        0xe1 => honest.wrapping_add(1),
        0xe2 => u32::MAX,
        0xe3 => 1 << 31,
        0xe4 => memory as u32,
        0xe5 => (memory as u32).wrapping_sub(at),
        0xe6 => 4095,
        0xe7 => 4096,
        0xe8 => 1024,
        0xe9 => 1025,
        0xea => 0x2000_0000,
        0xeb => 0x1555_5556,
        0xec => 0x0555_5556,
        0xed => source.number(),
        0xee => honest.saturating_sub(1),
        _ => honest,
    }
}

impl Making<'_> {
    /// Arguments for the call of a row.
    pub fn arguments(mut self, row: usize, source: &mut Source<'_>) -> [u64; MAX_PARAMS] {
        let mut args = [0; MAX_PARAMS];
        let mut nsubscriptions = 0;
        let mut next = 0;
        for param in SYSCALLS[row].params {
            let (one, other) = self.argument(param.role, source, &mut nsubscriptions);
            let values = param.role.types().len();
            args[next..next + values].copy_from_slice(&[one, other][..values]);
            next += values;
        }
        args
    }

    fn argument(
        &mut self,
        role: Role,
        source: &mut Source<'_>,
        nsubscriptions: &mut u32,
    ) -> (u64, u64) {
        let one = match role {
            Role::Path => return self.path(source),
            Role::Buf => return self.buf(source),
            Role::Iovs | Role::Ciovs => return self.iovs(source),
            Role::Fd => fd(source).into(),
            Role::Clockid => below_or_raw(source, 5).into(),
            Role::Whence => below_or_raw(source, 4).into(),
            Role::Advice => below_or_raw(source, 7).into(),
            Role::Fdflags | Role::Oflags => match source.byte() {
                flags @ ..0xe0 => u64::from(flags & 31),
                _ => source.number::<u32>().into(),
            },
            Role::Lookupflags => below_or_raw(source, 2).into(),
            Role::Fstflags => below_or_raw(source, 16).into(),
            Role::Riflags | Role::Siflags | Role::Sdflags => below_or_raw(source, 8).into(),
            Role::Filesize | Role::Filedelta => offset(source),
            Role::Timestamp => source.choose(&TIMES),
            Role::Rights => rights(source),
            Role::Dircookie => match source.byte() {
                ..0x80 => self.cookie,
                0x80..0xc0 => 0,
                0xc0..0xe0 => source.byte().into(),
                _ => offset(source),
            },
            Role::Exitcode | Role::Signal => {
                source.choose(&[0, 1, 2, 9, 15, 0x7fff_ffff, 0xffff_ffff])
            }
            Role::Out(output) => {
                let size = output.size(self.snapshot);
                self.memory.place(source, size).into()
            }
            Role::Argv => self.memory.place(source, 4 * self.args.0 as usize).into(),
            Role::ArgvBuf => self.memory.place(source, self.args.1 as usize).into(),
            Role::Environ => {
                let size = 4 * self.environ.0 as usize;
                self.memory.place(source, size).into()
            }
            Role::EnvironBuf => self.memory.place(source, self.environ.1 as usize).into(),
            Role::Subscriptions => {
                let (at, len) = self.subscriptions(source);
                *nsubscriptions = len;
                at.into()
            }
            Role::Events => {
                let size = Event::SIZE * (*nsubscriptions).min(64) as usize;
                self.memory.place(source, size).into()
            }
            Role::Size => (*nsubscriptions).into(),
        };
        (one, 0)
    }

    fn path(&mut self, source: &mut Source<'_>) -> (u64, u64) {
        let (placement, length) = (source.byte(), source.byte());
        let bytes = path(source, self.outside);
        let at = (self.memory).place(&mut Source::new(&[placement, 0, 0, 0, 0]), bytes.len());
        self.memory.put(at.into(), &bytes);
        let length = &mut Source::new(std::slice::from_ref(&length));
        let len = tweak(length, bytes.len() as u32, self.memory.bytes.len(), at);
        (at.into(), len.into())
    }

    fn buf(&mut self, source: &mut Source<'_>) -> (u64, u64) {
        let len = source.choose(&[64, 0, 1, 20, 24, 30, 300, 1024, 3, 5000]);
        let at = self.memory.place(source, len as usize);
        let len = tweak(source, len, self.memory.bytes.len(), at);
        (at.into(), len.into())
    }

    fn iovs(&mut self, source: &mut Source<'_>) -> (u64, u64) {
        let count = match source.byte() {
            count @ ..0xe0 => u32::from(count % 5),
            0xe0..0xe8 => 1024,
            _ => 1025,
        };
        let at = self.memory.place(source, 8 * count as usize);
        for index in 0..count {
            // A long list repeats one buffer, as there are not enough choices for more.
            if index < 4 {
                let (buf, buf_len) = self.buf(source);
                let record = buf as u32 as u64 | buf_len << 32;
                let record = record.to_le_bytes();
                self.memory
                    .put(u64::from(at) + 8 * u64::from(index), &record);
            } else {
                let record: [u8; 8] = (self.memory.get(at.into(), 8))
                    .and_then(|record| record.try_into().ok())
                    .unwrap_or_default();
                self.memory
                    .put(u64::from(at) + 8 * u64::from(index), &record);
            }
        }
        let count = tweak(source, count, self.memory.bytes.len(), at);
        (at.into(), count.into())
    }

    fn subscriptions(&mut self, source: &mut Source<'_>) -> (u32, u32) {
        let size: usize = match self.snapshot {
            Snapshot::Snapshot0 => 56,
            Snapshot::Preview1 => 48,
        };
        let count = match source.byte() {
            count @ ..0xf0 => u32::from(count % 5),
            _ => 100,
        };
        let at = self.memory.place(source, size * count as usize);
        for index in 0..count {
            let record = subscription(self.snapshot, source, index);
            let at = u64::from(at) + u64::from(index) * size as u64;
            self.memory.put(at, &record[..size]);
        }
        let count = tweak(source, count, self.memory.bytes.len(), at);
        (at, count)
    }
}

/// A descriptor: one of the few that a guest has, or one that it does not.
fn fd(source: &mut Source<'_>) -> u32 {
    match source.byte() {
        fd @ ..0xb0 => u32::from(fd % 16),
        0xb0..0xd8 => 3,
        0xd8..0xf0 => 4,
        0xf0 => u32::MAX,
        0xf1 => i32::MAX as u32,
        0xf2 => 1 << 31,
        0xf3 => 1 << 30,
        0xf4 => 4095,
        0xf5 => 4096,
        0xf6 => source.number(),
        other => u32::from(other) - 0xe0,
    }
}

/// A valid number, or any.
fn below_or_raw(source: &mut Source<'_>, limit: u8) -> u32 {
    match source.byte() {
        number @ ..0xe8 => u32::from(number % limit),
        0xe8 => limit.into(),
        0xe9 => u32::MAX,
        0xea => 256,
        0xeb => 1 << 16,
        _ => source.number(),
    }
}

fn offset(source: &mut Source<'_>) -> u64 {
    source.choose(&[
        0,
        1,
        3,
        5,
        10,
        11,
        100,
        4095,
        4096,
        1 << 16,
        1 << 20,
        (1 << 22) - 1,
        1 << 22,
        1 << 31,
        1 << 32,
        1 << 62,
        i64::MAX as u64 - 1,
        i64::MAX as u64,
        1 << 63,
        (1 << 63) + 1,
        u64::MAX,
        u64::MAX - 1,
        u64::MAX - 10,
    ])
}

const TIMES: [u64; 8] = [
    0,
    1,
    999_999_999,
    1_000_000_000,
    1_700_000_000_123_456_789,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

fn rights(source: &mut Source<'_>) -> u64 {
    match source.byte() {
        0..0x30 => RightsPair::REGULAR_FILE.base.bits(),
        0x30..0x50 => RightsPair::DIRECTORY.base.bits(),
        0x50..0x70 => RightsPair::DIRECTORY.inheriting.bits(),
        0x70..0x80 => Rights::READ_ONLY.bits(),
        0x80..0x90 => 0,
        0x90..0xa0 => u64::MAX,
        0xa0..0xb0 => Rights::all().bits(),
        0xb0..0xbe => (Rights::FD_WRITE | Rights::FD_SEEK).bits(),
        bit @ 0xbe..0xfe => 1 << (bit - 0xbe),
        _ => source.number(),
    }
}

/// A path of names that exist, that lead out, and that are invalid.
pub fn path(source: &mut Source<'_>, outside: &[u8]) -> Vec<u8> {
    let shape = source.byte();
    let count = usize::from(shape & 7) % 6;
    let separator: &[u8] = if shape & 0x20 != 0 { b"//" } else { b"/" };
    let mut names = Vec::new();
    for _ in 0..count {
        let name = VOCABULARY[usize::from(source.byte()) % VOCABULARY.len()];
        let name = if name.is_empty() { outside } else { name };
        names.push(name);
    }
    let mut path = Vec::new();
    if shape & 0x08 != 0 {
        path.push(b'/');
    }
    if shape & 0x40 != 0 {
        path.extend(b"./");
    }
    let times = if shape & 0x80 != 0 { 60 } else { 1 };
    path.extend(vec![names.join(separator); times].join(separator));
    if shape & 0x10 != 0 {
        path.extend(separator);
    }
    path
}

/// The bytes of a subscription, as many as the longer layout has.
fn subscription(snapshot: Snapshot, source: &mut Source<'_>, userdata: u32) -> [u8; 56] {
    let mut record = [0; 56];
    record[..4].copy_from_slice(&userdata.to_le_bytes());
    let tag = match source.byte() {
        tag @ ..0xf0 => tag % 3,
        tag => tag,
    };
    record[8] = tag;
    if tag == 0 {
        let clock = below_or_raw(source, 4).to_le_bytes();
        let timeout = source.choose(&TIMES).to_le_bytes();
        let flags = source.byte() & 3;
        let (id, timeout_at, flags_at) = match snapshot {
            Snapshot::Snapshot0 => (24, 32, 48),
            Snapshot::Preview1 => (16, 24, 40),
        };
        record[id..id + 4].copy_from_slice(&clock);
        record[timeout_at..timeout_at + 8].copy_from_slice(&timeout);
        record[flags_at] = flags;
    } else {
        record[16..20].copy_from_slice(&fd(source).to_le_bytes());
    }
    record
}

/// Arguments with arbitrary bits.
pub fn raw(source: &mut Source<'_>) -> [u64; MAX_PARAMS] {
    std::array::from_fn(|_| match source.byte() {
        small @ ..0x60 => small.into(),
        0x60..0x80 => source.number::<u16>().into(),
        0x80..0xa0 => offset(source),
        0xa0 => u32::MAX.into(),
        0xa1 => 0xffff_fff8,
        0xa2 => 0x7fff_ffff,
        0xa3 => 0x8000_0000,
        other => u64::from(other) * 64,
    })
}
