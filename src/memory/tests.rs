use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::*;
use crate::abi::Iovec;

fn memory_of(bytes: &[u8]) -> Vec<AtomicU32> {
    let (words, []) = bytes.as_chunks() else {
        panic!("memory consists of words");
    };
    (words.iter())
        .map(|word| AtomicU32::new(u32::from_ne_bytes(*word)))
        .collect()
}

/// A memory that begins with these numbers.
fn memory_of_numbers(numbers: &[u32]) -> Vec<AtomicU32> {
    (numbers.iter())
        .map(|number| AtomicU32::new(number.to_le()))
        .collect()
}

fn bytes_of(memory: &[AtomicU32]) -> Vec<u8> {
    (memory.iter())
        .flat_map(|word| word.load(Relaxed).to_ne_bytes())
        .collect()
}

#[test]
fn bounds_are_drawn_where_node_draws_them() {
    let bytes = memory_of(&[0; 16]);
    let linear = LinearMemory::new(&bytes);
    let memory = linear.guest();
    let inside = |offset, len| memory.region(GuestPtr::new(offset), len).is_ok();
    assert!(inside(0, 16));
    assert!(inside(15, 1));
    assert!(inside(15, 0));
    assert!(!inside(16, 0), "no bytes at the very end");
    assert!(!inside(15, 2));
    assert!(!inside(0, 17));
    assert!(!inside(u32::MAX, 1));
    assert!(!inside(1, u32::MAX));
    let nothing = LinearMemory::empty();
    assert!(nothing.guest().region(GuestPtr::new(0), 0).is_err());
}

#[test]
fn an_array_whose_size_wraps_32_bits_is_outside() {
    let bytes = memory_of(&[0; 64]);
    let linear = LinearMemory::new(&bytes);
    let memory = linear.guest();
    for len in [0x2000_0000, 0x2000_0001, 0x0555_5556, u32::MAX] {
        assert!(memory.array::<u64>(GuestPtr::new(0), len).is_err());
    }
}

#[test]
fn values_are_little_endian_at_any_alignment() {
    for at in 0..9_u32 {
        let bytes = memory_of(&[b'?'; 24]);
        let linear = LinearMemory::new(&bytes);
        let memory = linear.guest();
        let place = memory.place::<u64>(GuestPtr::new(at)).unwrap();
        place.write(0x0807_0605_0403_0201);
        let mut expected = [b'?'; 24];
        expected[at as usize..][..8].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(bytes_of(&bytes), expected);
        assert_eq!(place.read(), 0x0807_0605_0403_0201);
    }
}

#[test]
fn regions_copy_every_length_at_every_alignment_and_nothing_beside() {
    let text: Vec<u8> = (1..=40).collect();
    for at in 0..9 {
        for len in 0..40 {
            let bytes = memory_of(&[b'?'; 64]);
            let linear = LinearMemory::new(&bytes);
            let memory = linear.guest();
            let region = memory.region(GuestPtr::new(at), len).unwrap();
            assert_eq!(region.write(&text), len as usize);
            let mut expected = [b'?'; 64];
            expected[at as usize..][..len as usize].copy_from_slice(&text[..len as usize]);
            assert_eq!(bytes_of(&bytes), expected);
            let mut back = vec![0; len as usize];
            region.read(&mut back);
            assert_eq!(back, text[..len as usize]);
        }
    }
}

#[test]
fn threads_put_bytes_of_one_word() {
    let words = memory_of(&[0; 8]);
    let words = &words;
    std::thread::scope(|scope| {
        for at in 1..6_u8 {
            scope.spawn(move || {
                let linear = LinearMemory::new(words);
                let place = linear.guest().place::<u8>(GuestPtr::new(at.into()));
                for value in 0..=at {
                    place.as_ref().unwrap().write(value);
                }
            });
        }
    });
    assert_eq!(bytes_of(words), [0, 1, 2, 3, 4, 5, 0, 0]);
}

#[test]
fn skip_stops_at_the_end() {
    let bytes = memory_of(b"0123456789ab");
    let linear = LinearMemory::new(&bytes);
    let memory = linear.guest();
    let region = memory.region(GuestPtr::new(2), 5).unwrap();
    let mut rest = [0; 3];
    region.skip(2).read(&mut rest);
    assert_eq!(&rest, b"456");
    assert!(region.skip(5).is_empty());
    assert!(region.skip(500).is_empty());
}

#[test]
fn iovecs_are_checked_one_by_one() {
    // Two records at 0: (24, 8) and (31, 1); a third at 16: (32, 0), which begins at the end.
    let bytes = memory_of_numbers(&[24, 8, 31, 1, 32, 0, 0, 0]);
    let linear = LinearMemory::new(&bytes);
    let memory = linear.guest();
    let list = GuestPtr::<Iovec>::new(0);

    let iovecs = memory.iovecs(list, 2, MAX_IOVECS).unwrap();
    let found: Vec<_> = (iovecs.bufs().iter())
        .map(|buf| (buf.offset(), buf.len()))
        .collect();
    assert_eq!(found, [(24, 8), (31, 1)]);
    let base = bytes.as_ptr().addr();
    iovecs.with_host(|bufs| {
        let bufs = bufs.iter().map(|buf| (buf.base.addr() - base, buf.len));
        assert_eq!(bufs.collect::<Vec<_>>(), [(24, 8), (31, 1)]);
    });

    assert!(memory.iovecs(list, 0, 0).unwrap().bufs().is_empty());
    assert_eq!(
        memory.iovecs(list, 3, 9).err(),
        Some(InvalidIovecs::OutOfBounds)
    );
    assert_eq!(
        memory.iovecs(list, 2, 1).err(),
        Some(InvalidIovecs::TooMany)
    );
    assert_eq!(
        memory.iovecs(list, 5, 9).err(),
        Some(InvalidIovecs::OutOfBounds)
    );
    let wraps = memory.iovecs(list, 0x2000_0000, 9).err();
    assert_eq!(wraps, Some(InvalidIovecs::OutOfBounds));
}

#[test]
fn truncated_iovecs_keep_the_front() {
    let bytes = memory_of_numbers(&[0, 5, 8, 5, 0, 0, 0, 0]);
    let linear = LinearMemory::new(&bytes);
    let mut iovecs = (linear.guest())
        .iovecs(GuestPtr::new(0), 2, MAX_IOVECS)
        .unwrap();
    iovecs.truncate(7);
    let lens: Vec<_> = iovecs.bufs().iter().map(|buf| buf.len()).collect();
    assert_eq!(lens, [5, 2]);
}

#[test]
fn advanced_iovecs_keep_the_rest() {
    let bytes = memory_of_numbers(&[0, 5, 8, 5, 0, 0, 0, 0]);
    let linear = LinearMemory::new(&bytes);
    let mut iovecs = (linear.guest())
        .iovecs(GuestPtr::new(0), 2, MAX_IOVECS)
        .unwrap();
    for (count, rest) in [
        (0, [(0, 5), (8, 5)]),
        (3, [(3, 2), (8, 5)]),
        (4, [(5, 0), (10, 3)]),
        (9, [(5, 0), (13, 0)]),
    ] {
        iovecs.advance(count);
        let left = (iovecs.bufs().iter()).map(|buf| (buf.offset(), buf.len()));
        assert_eq!(left.collect::<Vec<_>>(), rest);
        assert_eq!(iovecs.is_empty(), count == 9);
    }
}

#[test]
fn threads_may_share_a_memory() {
    let bytes = memory_of(&[0; 64]);
    let bytes = &bytes;
    std::thread::scope(|scope| {
        for at in 0..3_u32 {
            scope.spawn(move || {
                let linear = LinearMemory::new(bytes);
                let memory = linear.guest();
                for round in 0..20_u64 {
                    memory
                        .place::<u64>(GuestPtr::new(at * 4))
                        .unwrap()
                        .write(round);
                    memory
                        .region(GuestPtr::new(at), 20)
                        .unwrap()
                        .write(b"01234567890123456789");
                    let mut copy = [0; 24];
                    memory
                        .region(GuestPtr::new(at), 24)
                        .unwrap()
                        .read(&mut copy);
                }
            });
        }
    });
}

#[test]
fn a_list_has_no_more_bytes_than_one_call_moves() {
    const LEN: u32 = 4 << 20;
    let list = [0, LEN].repeat(MAX_IOVECS);
    let mut words = memory_of_numbers(&list);
    words.resize_with(LEN as usize / 4, || AtomicU32::new(0));
    let linear = LinearMemory::new(&words);
    let memory = linear.guest();
    let iovs = |len| memory.iovecs(GuestPtr::new(0), len, MAX_IOVECS).unwrap();
    assert_eq!(iovs(511).len(), 511 * LEN as usize);
    for len in [512, MAX_IOVECS as u32] {
        assert_eq!(iovs(len).len(), MAX_TRANSFER);
        assert_eq!(iovs(len).bufs().len(), len as usize);
    }
}

#[test]
fn lists_are_copied_piece_by_piece() {
    // Four buffers: at odd addresses, an empty one, and one to the end of memory.
    let list = [33, 5, 40, 0, 42, 3, 60, 4];
    let mut words = memory_of_numbers(&list);
    words.resize_with(16, || AtomicU32::new(u32::from_ne_bytes(*b"????")));
    let linear = LinearMemory::new(&words);
    let memory = linear.guest();
    let mut iovs = memory.iovecs(GuestPtr::new(0), 4, MAX_IOVECS).unwrap();
    iovs.scatter(b"abcdefghijklmnop");
    assert_eq!(&bytes_of(&words)[32..], b"?abcde????fgh???????????????ijkl");
    let mut all = [b'-'; 14];
    iovs.gather(&mut all);
    assert_eq!(&all, b"abcdefghijkl--");
    iovs.scatter(b"1234567");
    iovs.advance(6);
    iovs.gather(&mut all[..4]);
    assert_eq!(&all, b"7hijefghijkl--");
}
