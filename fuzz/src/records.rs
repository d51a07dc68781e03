//! Decodes bytes as records of the ABI, and encodes them again.

use std::fmt::Debug;

use wasi_rs::abi::{
    Advice, Clockid, Dirent, Errno, Event, EventFdReadwrite, Eventtype, Fdstat, Filestat, Filetype,
    Iovec, Preopentype, Prestat, RawSubscription, Record, Subscription, SubscriptionClock,
    SubscriptionFdReadwrite, SubscriptionU, Whence, snapshot0,
};
use wasi_rs::ctx::StringArray;
use wasi_rs::ctx::resolve::trim_slashes;
use wasi_rs::host::Name;
use wasi_rs::memory::GuestPtr;
use wasi_rs::syscalls::capability;

use crate::arguments::Memory;
use crate::input::Source;

/// Takes the bytes for each kind of record, for strings, and for names.
///
/// # Panics
///
/// What is encoded differs from what was decoded.
pub fn check(data: &[u8]) {
    each_record(data);
    subscriptions(data);
    numbers(data);
    strings(data);
    names(data);
}

fn each_record(data: &[u8]) {
    round_trip::<u8>(data);
    round_trip::<u16>(data);
    round_trip::<u32>(data);
    round_trip::<u64>(data);
    round_trip::<i64>(data);
    round_trip::<Iovec>(data);
    round_trip::<Prestat>(data);
    round_trip::<Fdstat>(data);
    round_trip::<Filestat>(data);
    round_trip::<Dirent>(data);
    round_trip::<SubscriptionClock>(data);
    round_trip::<SubscriptionFdReadwrite>(data);
    round_trip::<RawSubscription>(data);
    round_trip::<EventFdReadwrite>(data);
    round_trip::<Event>(data);
    round_trip::<snapshot0::Filestat>(data);
    round_trip::<snapshot0::RawSubscriptionClock>(data);
    round_trip::<snapshot0::RawSubscription>(data);
}

fn decoded<T: Record>(data: &[u8]) -> Result<T, T::Error> {
    let mut bytes = T::ZEROED;
    let len = data.len().min(T::SIZE);
    bytes.as_mut()[..len].copy_from_slice(&data[..len]);
    T::decode(&bytes)
}

fn round_trip<T: Record + PartialEq + Debug>(data: &[u8]) {
    // Invalid bytes, such as an unknown case of an enumeration.
    let Ok(record) = decoded::<T>(data) else {
        return;
    };
    let encoded = record.encode();
    assert_eq!(encoded.as_ref().len(), T::SIZE);
    assert_eq!(T::decode(&encoded).unwrap(), record);
    // Bytes of no field are zero; the others are unchanged.
    let mut covered = vec![T::FIELDS.is_empty(); T::SIZE];
    for field in T::FIELDS {
        covered[field.offset..field.offset + field.size].fill(true);
    }
    // A field that is itself a record has padding of its own, which is not compared.
    for (at, byte) in encoded.as_ref().iter().enumerate() {
        let given = data.get(at).copied().unwrap_or(0);
        assert!(*byte == given || *byte == 0, "{at} of {record:?}");
        assert!(covered[at] || *byte == 0, "{at} of {record:?}");
    }
    in_memory(data, record, encoded.as_ref());
}

/// The same in guest memory, at any alignment.
fn in_memory<T: Record>(data: &[u8], record: T, encoded: &[u8]) {
    let at = data.first().map_or(0, |byte| u32::from(byte % 9));
    let len = (T::SIZE + at as usize).next_multiple_of(4);
    let mut memory = Memory::new(len, b'?');
    let linear = memory.linear();
    let guest = linear.guest();
    let too_far = (len - T::SIZE + 1) as u32;
    assert!(guest.place::<T>(GuestPtr::new(too_far)).is_err());
    guest.place(GuestPtr::new(at)).unwrap().write(record);
    let (before, place) = memory.bytes().split_at(at as usize);
    assert!(before.iter().all(|byte| *byte == b'?'));
    assert_eq!(&place[..T::SIZE], encoded);
}

fn subscriptions(data: &[u8]) {
    let Ok(raw) = decoded::<RawSubscription>(data);
    let subscription = raw.subscription();
    let eventtype = Eventtype::from_raw(raw.tag.into());
    assert_eq!(
        subscription.map(|subscription| subscription.u.eventtype()),
        eventtype
    );
    if let Some(subscription) = subscription {
        assert_eq!(raw_of(subscription).subscription(), Some(subscription));
    }
    // The older layout has the same fields, and more room before the clock.
    let Ok(older) = decoded::<snapshot0::RawSubscription>(data);
    assert_eq!(
        older
            .subscription()
            .map(|subscription| subscription.userdata),
        eventtype.map(|_| raw.userdata)
    );
    let mut u = [0; 40];
    let payload_at = if raw.tag == Eventtype::Clock.raw() {
        8
    } else {
        0
    };
    u[payload_at..payload_at + 32].copy_from_slice(&raw.u);
    let older = snapshot0::RawSubscription {
        userdata: raw.userdata,
        tag: raw.tag,
        u,
    };
    assert_eq!(older.subscription(), subscription);
}

fn raw_of(subscription: Subscription) -> RawSubscription {
    let mut u = [0; 32];
    match subscription.u {
        SubscriptionU::Clock(clock) => u = clock.encode(),
        SubscriptionU::FdRead(fd) | SubscriptionU::FdWrite(fd) => {
            u[..4].copy_from_slice(&fd.encode())
        }
    }
    RawSubscription {
        userdata: subscription.userdata,
        tag: subscription.u.eventtype().raw(),
        u,
    }
}

fn numbers(data: &[u8]) {
    let Ok(raw) = decoded::<u32>(data);
    if let Some(filetype) = Filetype::from_raw(raw) {
        assert_eq!(filetype.raw(), raw as u8);
    }
    if let Some(whence) = Whence::from_raw(raw) {
        assert_eq!(whence.raw(), raw as u8);
        assert_eq!(snapshot0::whence(raw).is_some(), raw as u8 <= 2);
    }
    if let Some(advice) = Advice::from_raw(raw) {
        assert_eq!(advice.raw(), raw as u8);
    }
    if let Some(id) = Clockid::from_raw(raw) {
        assert_eq!(id.raw(), raw);
    }
    if let Some(preopentype) = Preopentype::from_raw(raw) {
        assert_eq!(preopentype.raw(), raw as u8);
    }
    if let Some(errno) = Errno::ALL.get(raw as usize) {
        assert_eq!(u32::from(errno.raw()), raw);
    }
    if let Ok(filestat) = decoded::<Filestat>(data) {
        let older = snapshot0::Filestat::from(&filestat);
        assert_eq!(u64::from(older.nlink), filestat.nlink.min(u32::MAX.into()));
        assert_eq!((older.ino, older.ctim), (filestat.ino, filestat.ctim));
    }
}

/// Strings, written as by `args_get`.
fn strings(data: &[u8]) {
    let strings: Vec<&[u8]> = data.split(|byte| *byte == b',').collect();
    let array = StringArray::new(&strings).unwrap();
    assert_eq!(array.len() as usize, strings.len());
    let source = &mut Source::new(data);
    let (pointers_at, buf_at): (u8, u8) = (source.byte(), source.byte());
    let len =
        pointers_at as usize + 4 * strings.len() + buf_at as usize + array.buf_size() as usize;
    let pointers = GuestPtr::new(pointers_at.into());
    let buf_at = pointers_at as usize + 4 * strings.len() + buf_at as usize;
    let len = len.next_multiple_of(4);
    let mut short = Memory::new(len - 4, b'?');
    array
        .copy_to(
            short.linear().guest(),
            pointers,
            GuestPtr::new(buf_at as u32),
        )
        .unwrap_err();
    assert!(short.bytes().iter().all(|byte| *byte == b'?'));
    let mut memory = Memory::new(len, b'?');
    array
        .copy_to(
            memory.linear().guest(),
            pointers,
            GuestPtr::new(buf_at as u32),
        )
        .unwrap();
    for (index, string) in strings.iter().enumerate() {
        let pointer = memory
            .get(u64::from(pointers_at) + 4 * index as u64, 4)
            .unwrap();
        let at = u32::from_le_bytes(pointer.try_into().unwrap()) as usize;
        let is = memory.bytes()[at..]
            .split(|byte| *byte == 0)
            .next()
            .unwrap();
        assert_eq!(is, string.split(|byte| *byte == 0).next().unwrap());
    }
}

fn names(data: &[u8]) {
    let (trimmed, slashes) = trim_slashes(data);
    assert!(!trimmed.ends_with(b"/"));
    assert_eq!(slashes, data.ends_with(b"/"));
    assert!(data.starts_with(trimmed) && data[trimmed.len()..].iter().all(|byte| *byte == b'/'));
    if let Some(name) = Name::new(data) {
        let std::path::Component::Normal(normal) = (std::path::Path::new(
            <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(data),
        ))
        .components()
        .next()
        .unwrap() else {
            panic!("{data:?} is no name");
        };
        assert_eq!(normal.as_encoded_bytes(), name.as_bytes());
    }
    if let Ok(text) = str::from_utf8(data) {
        assert_eq!(
            capability::grant(text).is_some(),
            capability::names().any(|name| name == text)
        );
    }
}
