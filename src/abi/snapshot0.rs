//! The layouts and numbers of snapshot 0 (`wasi_unstable`) that differ from preview1.
//!
//! Three things: the numbers of `whence`; a link count of 32 bits, which makes `filestat`
//! shorter; and an identifier before the clock's id, which makes `subscription` longer. Rights
//! lack `sock_accept`. The rest is preview1's.
//!
//! # Parity
//!
//! Node gives a guest of snapshot 0 the functions of preview1, under the older name.

use super::record::{
    self, Subscription, SubscriptionClock, SubscriptionU, decode_payload, records,
};
use super::types::{Device, Filesize, Filetype, Inode, Timestamp, Userdata, Whence};

/// `whence`—Origin of the offset that `fd_seek` is passed: 0 is the current offset, 1 the end, 2 the
/// start.
///
/// As [`Whence::from_raw`], only the bits of the tag type (`u8`) count.
pub fn whence(raw: u32) -> Option<Whence> {
    match raw as u8 {
        0 => Some(Whence::Cur),
        1 => Some(Whence::End),
        2 => Some(Whence::Set),
        _ => None,
    }
}

records! {
    /// `filestat`—File attributes, from `fd_filestat_get` and `path_filestat_get`. Each field is
    /// that of [`record::Filestat`].
    pub struct Filestat: output, 56 bytes, align 8 {
        /// ID of the device that contains the file.
        dev: Device => 0,
        /// Serial number of the file on that device.
        ino: Inode => 8,
        /// File type.
        filetype: Filetype => 16,
        /// Number of hard links.
        nlink: u32 => 20,
        /// Size in bytes; for a symbolic link, the length of its target.
        size: Filesize => 24,
        /// Last access of the data.
        atim: Timestamp => 32,
        /// Last modification of the data.
        mtim: Timestamp => 40,
        /// Last change of the file's status.
        ctim: Timestamp => 48,
    }

    /// `subscription_clock`—A subscription to the time of a clock: [`SubscriptionClock`] with an
    /// identifier.
    pub struct RawSubscriptionClock: input, 40 bytes, align 8 {
        /// Identifier of the clock that the guest chose. Not used.
        identifier: Userdata => 0,
        /// The clock: a [`Clockid`](super::Clockid).
        id: u32 => 8,
        /// Absolute or relative time in nanoseconds.
        timeout: Timestamp => 16,
        /// Longest additional delay in nanoseconds. Not used.
        precision: Timestamp => 24,
        /// The bits of [`Subclockflags`](super::Subclockflags).
        flags: u16 => 32,
    }

    /// `subscription`—An event that `poll_oneoff` is asked to wait for, its union unresolved as in
    /// [`record::RawSubscription`].
    pub struct RawSubscription: input, 56 bytes, align 8 {
        /// Value of the guest's that the event repeats.
        userdata: Userdata => 0,
        /// Type of the event: an [`Eventtype`](super::Eventtype).
        tag: u8 => 8,
        /// A [`RawSubscriptionClock`], or a
        /// [`SubscriptionFdReadwrite`](super::SubscriptionFdReadwrite), at its start.
        u: [u8; 40] => 16,
    }
}

impl From<&record::Filestat> for Filestat {
    /// A link count above [`u32::MAX`] becomes that.
    fn from(filestat: &record::Filestat) -> Self {
        Filestat {
            dev: filestat.dev,
            ino: filestat.ino,
            filetype: filestat.filetype,
            nlink: u32::try_from(filestat.nlink).unwrap_or(u32::MAX),
            size: filestat.size,
            atim: filestat.atim,
            mtim: filestat.mtim,
            ctim: filestat.ctim,
        }
    }
}

impl RawSubscription {
    /// The subscription with its union resolved, or `None` if the tag is not an
    /// [`Eventtype`](super::Eventtype).
    pub fn subscription(&self) -> Option<Subscription> {
        Some(Subscription {
            userdata: self.userdata,
            u: SubscriptionU::decode(self.tag, &self.u, |u| {
                let clock = decode_payload::<RawSubscriptionClock>(u);
                SubscriptionClock {
                    id: clock.id,
                    timeout: clock.timeout,
                    precision: clock.precision,
                    flags: clock.flags,
                }
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::record::Record;

    #[test]
    fn whence_is_numbered_differently() {
        assert_eq!(whence(0), Some(Whence::Cur));
        assert_eq!(whence(1), Some(Whence::End));
        assert_eq!(whence(2), Some(Whence::Set));
        assert_eq!(whence(3), None);
        assert_eq!(whence(256), Some(Whence::Cur));
    }

    #[test]
    fn filestat_bytes() {
        let preview1 = record::Filestat {
            dev: 1,
            ino: 2,
            filetype: Filetype::RegularFile,
            nlink: 3,
            size: 5,
            atim: 6,
            mtim: 7,
            ctim: 8,
        };
        let encoded = Filestat::from(&preview1).encode();
        assert_eq!(
            encoded,
            [
                1, 0, 0, 0, 0, 0, 0, 0, // dev
                2, 0, 0, 0, 0, 0, 0, 0, // ino
                4, // filetype: regular_file
                0, 0, 0, // padding
                3, 0, 0, 0, // nlink
                5, 0, 0, 0, 0, 0, 0, 0, // size
                6, 0, 0, 0, 0, 0, 0, 0, // atim
                7, 0, 0, 0, 0, 0, 0, 0, // mtim
                8, 0, 0, 0, 0, 0, 0, 0, // ctim
            ]
        );
        assert_eq!(Filestat::decode(&encoded), Ok(Filestat::from(&preview1)));
    }

    #[test]
    fn filestat_nlink_saturates() {
        let preview1 = record::Filestat {
            nlink: 1 << 32,
            ..record::Filestat::decode(&record::Filestat::ZEROED).unwrap()
        };
        assert_eq!(Filestat::from(&preview1).nlink, u32::MAX);
    }

    fn raw(pieces: &[&[u8]]) -> RawSubscription {
        let bytes = pieces.concat();
        let Ok(raw) = RawSubscription::decode(bytes.as_slice().try_into().expect("56 bytes"));
        raw
    }

    #[test]
    fn subscription_to_a_clock() {
        let subscription = raw(&[
            &[0x11, 0, 0, 0, 0, 0, 0, 0], // userdata
            &[0],                         // tag: clock
            &[0; 7],                      // padding
            &[0xff; 8],                   // clock.identifier
            &[1, 0, 0, 0],                // clock.id: monotonic
            &[0; 4],                      // padding
            &[9, 0, 0, 0, 0, 0, 0, 0],    // clock.timeout
            &[8, 0, 0, 0, 0, 0, 0, 0],    // clock.precision
            &[1, 0],                      // clock.flags: abstime
            &[0; 6],                      // padding
        ])
        .subscription();
        assert_eq!(
            subscription,
            Some(Subscription {
                userdata: 0x11,
                u: SubscriptionU::Clock(SubscriptionClock {
                    id: 1,
                    timeout: 9,
                    precision: 8,
                    flags: 1,
                }),
            })
        );
    }

    #[test]
    fn subscription_to_a_descriptor_or_to_nothing_known() {
        let tagged = |tag| {
            raw(&[
                &[0x22, 0, 0, 0, 0, 0, 0, 0], // userdata
                &[tag],                       // tag
                &[0; 7],                      // padding
                &[7, 0, 0, 0],                // file_descriptor
                &[0xff; 36],                  // what only a clock has
            ])
        };
        let u = |tag: u8| {
            tagged(tag)
                .subscription()
                .map(|subscription| subscription.u)
        };
        assert_eq!(u(1), Some(SubscriptionU::FdRead(7)));
        assert_eq!(u(2), Some(SubscriptionU::FdWrite(7)));
        assert_eq!(u(3), None);
        assert_eq!(tagged(3).userdata, 0x22);
    }
}
