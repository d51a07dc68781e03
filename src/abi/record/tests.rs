use super::*;

/// Joins the commented pieces of an expected record.
fn bytes(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

#[track_caller]
fn both_ways<T: Record + PartialEq + core::fmt::Debug>(record: T, expected: &[u8]) {
    let encoded = record.encode();
    assert_eq!(encoded.as_ref(), expected);
    assert_eq!(T::decode(&encoded).unwrap(), record);
}

#[test]
fn scalars_are_little_endian() {
    both_ways(0x12_u8, &[0x12]);
    both_ways(0x1234_u16, &[0x34, 0x12]);
    both_ways(0x1234_5678_u32, &[0x78, 0x56, 0x34, 0x12]);
    both_ways(0x0102_0304_0506_0708_u64, &[8, 7, 6, 5, 4, 3, 2, 1]);
    both_ways(-2_i64, &[254, 255, 255, 255, 255, 255, 255, 255]);
}

#[test]
fn iovec_bytes() {
    both_ways(
        Iovec {
            buf: 0x8000_0010,
            buf_len: 5,
        },
        &[
            0x10, 0x00, 0x00, 0x80, // buf
            5, 0, 0, 0, // buf_len
        ],
    );
}

#[test]
fn prestat_bytes() {
    both_ways(
        Prestat {
            tag: Preopentype::Dir,
            name_len: 0x0107,
        },
        &[
            0, // tag: dir
            0, 0, 0, // padding
            7, 1, 0, 0, // name_len
        ],
    );
}

#[test]
fn fdstat_bytes() {
    both_ways(
        Fdstat {
            fs_filetype: Filetype::RegularFile,
            fs_flags: 0x0105,
            fs_rights_base: 0x08e0_01ff,
            fs_rights_inheriting: 0x0fff_ffff,
        },
        &[
            4, // fs_filetype: regular_file
            0, // padding
            5, 1, // fs_flags
            0, 0, 0, 0, // padding
            0xff, 0x01, 0xe0, 0x08, 0, 0, 0, 0, // fs_rights_base
            0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, // fs_rights_inheriting
        ],
    );
}

#[test]
fn filestat_bytes() {
    both_ways(
        Filestat {
            dev: 1,
            ino: 2,
            filetype: Filetype::Directory,
            nlink: 4,
            size: 5,
            atim: 6,
            mtim: 7,
            ctim: 0x0800_0000_0000_0000,
        },
        &[
            1, 0, 0, 0, 0, 0, 0, 0, // dev
            2, 0, 0, 0, 0, 0, 0, 0, // ino
            3, // filetype: directory
            0, 0, 0, 0, 0, 0, 0, // padding
            4, 0, 0, 0, 0, 0, 0, 0, // nlink
            5, 0, 0, 0, 0, 0, 0, 0, // size
            6, 0, 0, 0, 0, 0, 0, 0, // atim
            7, 0, 0, 0, 0, 0, 0, 0, // mtim
            0, 0, 0, 0, 0, 0, 0, 8, // ctim
        ],
    );
}

#[test]
fn dirent_bytes() {
    both_ways(
        Dirent {
            d_next: 3,
            d_ino: 0x0102_0304_0506_0708,
            d_namlen: 9,
            d_type: Filetype::SymbolicLink,
        },
        &[
            3, 0, 0, 0, 0, 0, 0, 0, // d_next
            8, 7, 6, 5, 4, 3, 2, 1, // d_ino
            9, 0, 0, 0, // d_namlen
            7, // d_type: symbolic_link
            0, 0, 0, // padding
        ],
    );
}

#[test]
fn event_bytes() {
    both_ways(
        Event {
            userdata: 0x11,
            error: Errno::Notcapable,
            r#type: Eventtype::FdWrite,
            fd_readwrite: EventFdReadwrite {
                nbytes: 0x22,
                flags: 1,
            },
        },
        &[
            0x11, 0, 0, 0, 0, 0, 0, 0, // userdata
            76, 0, // error: notcapable
            2, // type: fd_write
            0, 0, 0, 0, 0, // padding
            0x22, 0, 0, 0, 0, 0, 0, 0, // fd_readwrite.nbytes
            1, 0, // fd_readwrite.flags: fd_readwrite_hangup
            0, 0, 0, 0, 0, 0, // padding
        ],
    );
}

#[test]
fn numbers_of_no_case_do_not_decode() {
    assert_eq!(Filetype::decode(&[7]), Ok(Filetype::SymbolicLink));
    assert_eq!(Filetype::decode(&[8]), Err(UnknownCase));
    assert_eq!(Errno::decode(&[76, 0]), Ok(Errno::Notcapable));
    assert_eq!(Errno::decode(&[8, 1]), Err(UnknownCase));
    let mut prestat = Prestat::ZEROED;
    assert!(Prestat::decode(&prestat).is_ok());
    prestat[0] = 1;
    assert_eq!(Prestat::decode(&prestat), Err(UnknownCase));
}

fn raw(bytes: &[u8]) -> RawSubscription {
    let Ok(raw) = RawSubscription::decode(bytes.try_into().expect("48 bytes"));
    raw
}

#[test]
fn subscription_to_a_clock() {
    let bytes = bytes(&[
        &[0x11, 0, 0, 0, 0, 0, 0, 0],          // userdata
        &[0],                                  // tag: clock
        &[0xff; 7],                            // padding
        &[1, 0, 0, 0],                         // clock.id: monotonic
        &[0xff; 4],                            // padding
        &[0x00, 0xca, 0x9a, 0x3b, 0, 0, 0, 0], // clock.timeout
        &[0x40, 0, 0, 0, 0, 0, 0, 0],          // clock.precision
        &[1, 0],                               // clock.flags: abstime
        &[0xff; 6],                            // padding
    ]);
    assert_eq!(
        raw(&bytes).subscription(),
        Some(Subscription {
            userdata: 0x11,
            u: SubscriptionU::Clock(SubscriptionClock {
                id: 1,
                timeout: 1_000_000_000,
                precision: 0x40,
                flags: 1,
            }),
        })
    );
}

#[test]
fn subscription_to_a_descriptor() {
    for (tag, u) in [
        (1, SubscriptionU::FdRead(7)),
        (2, SubscriptionU::FdWrite(7)),
    ] {
        let bytes = bytes(&[
            &[0x22, 0, 0, 0, 0, 0, 0, 0], // userdata
            &[tag],                       // tag
            &[0; 7],                      // padding
            &[7, 0, 0, 0],                // file_descriptor
            &[0xff; 28],                  // what only a clock has
        ]);
        let subscription = raw(&bytes).subscription().expect("a known tag");
        assert_eq!(subscription, Subscription { userdata: 0x22, u });
        assert_eq!(subscription.u.eventtype().raw(), tag);
    }
}

#[test]
fn subscription_to_nothing_known_keeps_userdata() {
    let bytes = bytes(&[
        &[0x33, 0, 0, 0, 0, 0, 0, 0], // userdata
        &[3],                         // tag: none
        &[0; 39],
    ]);
    let raw = raw(&bytes);
    assert_eq!(raw.subscription(), None);
    assert_eq!((raw.userdata, raw.tag), (0x33, 3));
}

#[test]
fn tables_that_overlap_or_misalign_are_none() {
    let is_layout = |size, align, fields: &[(usize, usize)]| {
        let aligns: Vec<usize> = fields.iter().map(|&(_, size)| size).collect();
        let fields: Vec<Field> = fields
            .iter()
            .map(|&(offset, size)| Field {
                name: "",
                offset,
                size,
            })
            .collect();
        is_layout(size, align, &fields, &aligns)
    };
    assert!(is_layout(8, 4, &[(0, 1), (4, 4)]));
    assert!(!is_layout(8, 4, &[(0, 4), (2, 2)]), "overlap");
    assert!(!is_layout(8, 4, &[(2, 4)]), "offset not aligned");
    assert!(
        !is_layout(8, 4, &[(0, 8)]),
        "field aligned more than the record"
    );
    assert!(!is_layout(8, 4, &[(4, 4), (8, 1)]), "past the end");
    assert!(
        !is_layout(6, 4, &[(0, 4)]),
        "size no multiple of the alignment"
    );
}
