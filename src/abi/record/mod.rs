//! Records: how the structures of the witx lie in guest memory.
//!
//! Each layout is written once, in a table of field, type and offset, from which the plain
//! struct and its [`Record`] come. Byte order is little-endian whatever the host's. The tables
//! are checked when they are compiled (no overlap, natural alignment) and against the witx by
//! `tests/abi.rs`.
//!
//! An `input` record is read from guest memory. A guest may write any number there, so its fields
//! are the numbers, and `from_raw` or `from_bits` of the type that a field's documentation names
//! says what they mean. An `output` record is written to guest memory: its enumerations have their
//! own types, and become numbers here.

#[cfg(test)]
mod tests;

use core::convert::Infallible;
use core::fmt::Debug;

use super::errno::Errno;
use super::types::{
    Device, Dircookie, Dirnamlen, Eventtype, Fd, Filesize, Filetype, Inode, Linkcount, Preopentype,
    Size, Timestamp, Userdata,
};

/// A value with a fixed layout in guest memory.
pub trait Record: Copy {
    /// Size in bytes: the distance from one record to the next in an array.
    const SIZE: usize;
    /// Alignment in bytes that C gives it. Guests need not keep to it.
    const ALIGN: usize;
    /// Its fields in the order of their offsets; empty for a scalar.
    const FIELDS: &'static [Field];
    /// An array of `SIZE` bytes.
    type Bytes: Copy + AsRef<[u8]> + AsMut<[u8]>;
    /// Such an array to read into: `Default` stops at 32 bytes.
    const ZEROED: Self::Bytes;
    /// Why `decode` can fail: [`Infallible`] for scalars and input records, of which any bytes are
    /// one, [`UnknownCase`] for enumerations and output records.
    type Error: Debug;

    /// Its bytes. Padding is zero, so that no memory of the host leaks to the guest.
    fn encode(&self) -> Self::Bytes;

    /// The record in these bytes. Padding is ignored.
    ///
    /// # Errors
    ///
    /// [`UnknownCase`]: the number of an enumeration is none of the witx's.
    fn decode(bytes: &Self::Bytes) -> Result<Self, Self::Error>;
}

/// A number that the witx gives to no case of its enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCase;

impl From<Infallible> for UnknownCase {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A field of a [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The witx's name.
    pub name: &'static str,
    /// Offset in bytes from the start of the record.
    pub offset: usize,
    /// Size in bytes.
    pub size: usize,
}

macro_rules! scalars {
    ($($scalar:ty),*) => {
        $(
            impl Record for $scalar {
                const SIZE: usize = size_of::<$scalar>();
                // What the witx says, which is not what every host says of its own u64.
                const ALIGN: usize = size_of::<$scalar>();
                const FIELDS: &'static [Field] = &[];
                type Bytes = [u8; size_of::<$scalar>()];
                const ZEROED: Self::Bytes = [0; size_of::<$scalar>()];
                type Error = Infallible;

                #[inline]
                fn encode(&self) -> Self::Bytes {
                    self.to_le_bytes()
                }

                #[inline]
                fn decode(bytes: &Self::Bytes) -> Result<Self, Infallible> {
                    Ok(<$scalar>::from_le_bytes(*bytes))
                }
            }
        )*
    };
}

scalars!(u8, u16, u32, u64, i64);

macro_rules! enumerations {
    ($($Enum:ty: $tag:ty),*) => {
        $(
            impl Record for $Enum {
                const SIZE: usize = <$tag>::SIZE;
                const ALIGN: usize = <$tag>::ALIGN;
                const FIELDS: &'static [Field] = &[];
                type Bytes = <$tag as Record>::Bytes;
                const ZEROED: Self::Bytes = <$tag>::ZEROED;
                type Error = UnknownCase;

                #[inline]
                fn encode(&self) -> Self::Bytes {
                    self.raw().encode()
                }

                fn decode(bytes: &Self::Bytes) -> Result<Self, UnknownCase> {
                    let Ok(number) = <$tag>::decode(bytes);
                    Self::ALL.get(usize::from(number)).copied().ok_or(UnknownCase)
                }
            }
        )*
    };
}

enumerations!(Errno: u16, Eventtype: u8, Filetype: u8, Preopentype: u8);

/// The payload of a union: bytes whose meaning its tag decides.
impl<const N: usize> Record for [u8; N] {
    const SIZE: usize = N;
    const ALIGN: usize = 1;
    const FIELDS: &'static [Field] = &[];
    type Bytes = [u8; N];
    const ZEROED: Self::Bytes = [0; N];
    type Error = Infallible;

    #[inline]
    fn encode(&self) -> Self::Bytes {
        *self
    }

    #[inline]
    fn decode(bytes: &Self::Bytes) -> Result<Self, Infallible> {
        Ok(*bytes)
    }
}

/// The value at an offset of a longer record, in which the table's check has shown it to fit.
#[inline]
pub(super) fn decode_at<T: Record>(bytes: &[u8], offset: usize) -> Result<T, T::Error> {
    let mut field = T::ZEROED;
    field
        .as_mut()
        .copy_from_slice(&bytes[offset..offset + T::SIZE]);
    T::decode(&field)
}

/// The record at the start of a union's payload.
pub(super) fn decode_payload<T: Record<Error = Infallible>>(payload: &[u8]) -> T {
    let Ok(record) = decode_at(payload, 0);
    record
}

/// Whether a table is one that C could have laid out.
pub(super) const fn is_layout(
    size: usize,
    align: usize,
    fields: &[Field],
    field_aligns: &[usize],
) -> bool {
    let mut end = 0;
    let mut index = 0;
    while index < fields.len() {
        let Field { offset, size, .. } = fields[index];
        let field_align = field_aligns[index];
        if offset < end || !offset.is_multiple_of(field_align) || field_align > align {
            return false;
        }
        end = offset + size;
        index += 1;
    }
    end <= size && size.is_multiple_of(align)
}

/// The witx's name of a field, where Rust has to write `r#type`.
pub(super) const fn witx_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// [`Record::Error`] of a table's row.
macro_rules! decode_error {
    (input) => {
        core::convert::Infallible
    };
    (output) => {
        $crate::abi::record::UnknownCase
    };
}

pub(super) use decode_error;

macro_rules! records {
    ($(
        $(#[$meta:meta])*
        pub struct $Name:ident: $direction:ident, $size:literal bytes, align $align:literal {
            $($(#[$field_meta:meta])* $field:ident: $ty:ty => $offset:literal,)*
        }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $Name {
                $($(#[$field_meta])* pub $field: $ty,)*
            }

            impl $crate::abi::record::Record for $Name {
                const SIZE: usize = $size;
                const ALIGN: usize = $align;
                const FIELDS: &'static [$crate::abi::record::Field] = &[$(
                    $crate::abi::record::Field {
                        name: $crate::abi::record::witx_name(stringify!($field)),
                        offset: $offset,
                        size: <$ty as $crate::abi::record::Record>::SIZE,
                    },
                )*];
                type Bytes = [u8; $size];
                const ZEROED: Self::Bytes = [0; $size];
                type Error = $crate::abi::record::decode_error!($direction);

                #[inline]
                fn encode(&self) -> Self::Bytes {
                    let mut bytes = Self::ZEROED;
                    $(
                        bytes[$offset..$offset + <$ty as $crate::abi::record::Record>::SIZE]
                            .copy_from_slice(
                                $crate::abi::record::Record::encode(&self.$field).as_ref(),
                            );
                    )*
                    bytes
                }

                #[inline]
                fn decode(bytes: &Self::Bytes) -> Result<Self, Self::Error> {
                    Ok(Self {
                        $($field: $crate::abi::record::decode_at(bytes, $offset)?,)*
                    })
                }
            }

            const _: () = assert!($crate::abi::record::is_layout(
                $size,
                $align,
                <$Name as $crate::abi::record::Record>::FIELDS,
                &[$(<$ty as $crate::abi::record::Record>::ALIGN,)*],
            ));
        )*
    };
}

pub(super) use records;

records! {
    /// `iovec` and `ciovec`—A region of guest memory to fill or to write out.
    pub struct Iovec: input, 8 bytes, align 4 {
        /// Address of the buffer in guest memory.
        buf: u32 => 0,
        /// Length of the buffer in bytes.
        buf_len: Size => 4,
    }

    /// `prestat`—Information about a preopen, from `fd_prestat_get`.
    ///
    /// A union of one case, hence flat.
    pub struct Prestat: output, 8 bytes, align 4 {
        /// Type of the preopen.
        tag: Preopentype => 0,
        /// `prestat_dir::pr_name_len`: length of the name in bytes without a NUL, for
        /// `fd_prestat_dir_name`.
        name_len: Size => 4,
    }

    /// `fdstat`—Attributes of a descriptor, from `fd_fdstat_get`.
    pub struct Fdstat: output, 24 bytes, align 8 {
        /// File type.
        fs_filetype: Filetype => 0,
        /// Descriptor flags: the bits of [`Fdflags`](super::Fdflags).
        fs_flags: u16 => 2,
        /// Rights of the descriptor: the bits of [`Rights`](super::Rights).
        fs_rights_base: u64 => 8,
        /// Maximum [`Rights`](super::Rights) of descriptors that are opened through this one.
        fs_rights_inheriting: u64 => 16,
    }

    /// `filestat`—File attributes, from `fd_filestat_get` and `path_filestat_get`.
    ///
    /// Snapshot 0 has [another](super::snapshot0::Filestat).
    pub struct Filestat: output, 64 bytes, align 8 {
        /// ID of the device that contains the file (`st_dev`).
        dev: Device => 0,
        /// Serial number of the file on that device (`st_ino`).
        ino: Inode => 8,
        /// File type.
        filetype: Filetype => 16,
        /// Number of hard links.
        nlink: Linkcount => 24,
        /// Size in bytes; for a symbolic link, the length of its target.
        size: Filesize => 32,
        /// Last access of the data, on the realtime clock as all three.
        atim: Timestamp => 40,
        /// Last modification of the data.
        mtim: Timestamp => 48,
        /// Last change of the file's status.
        ctim: Timestamp => 56,
    }

    /// `dirent`—Head of a directory entry from `fd_readdir`; the name follows, unaligned.
    pub struct Dirent: output, 24 bytes, align 8 {
        /// Cookie of the next entry.
        d_next: Dircookie => 0,
        /// Serial number of the file.
        d_ino: Inode => 8,
        /// Length of the name in bytes.
        d_namlen: Dirnamlen => 16,
        /// File type, of a symbolic link itself.
        d_type: Filetype => 20,
    }

    /// `subscription_clock`—A subscription to the time of a clock.
    pub struct SubscriptionClock: input, 32 bytes, align 8 {
        /// The clock: a [`Clockid`](super::Clockid).
        id: u32 => 0,
        /// Absolute time on clock `id` if `flags` has
        /// [`SUBSCRIPTION_CLOCK_ABSTIME`](super::Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME), else
        /// relative to now; in nanoseconds.
        timeout: Timestamp => 8,
        /// Longest additional delay in nanoseconds, so that the host can wake up for several events
        /// at once. A hint, which is not used.
        precision: Timestamp => 16,
        /// The bits of [`Subclockflags`](super::Subclockflags).
        flags: u16 => 24,
    }

    /// `subscription_fd_readwrite`—A subscription to a descriptor that becomes readable or
    /// writable.
    pub struct SubscriptionFdReadwrite: input, 4 bytes, align 4 {
        /// The descriptor.
        file_descriptor: Fd => 0,
    }

    /// `subscription`—An event that `poll_oneoff` is asked to wait for, as it lies in memory.
    ///
    /// A guest may write any tag, so the union is not resolved yet:
    /// [`subscription`](RawSubscription::subscription) does that. Snapshot 0 has
    /// [another](super::snapshot0::RawSubscription).
    pub struct RawSubscription: input, 48 bytes, align 8 {
        /// Value of the guest's that the event repeats.
        userdata: Userdata => 0,
        /// Type of the event: an [`Eventtype`].
        tag: u8 => 8,
        /// A [`SubscriptionClock`], or a [`SubscriptionFdReadwrite`] at its start.
        u: [u8; 32] => 16,
    }

    /// `event_fd_readwrite`—State of a descriptor that became readable or writable.
    pub struct EventFdReadwrite: output, 16 bytes, align 8 {
        /// Number of bytes that can be read; 0 if unknown, and in an event of type `fd_write`.
        nbytes: Filesize => 0,
        /// The bits of [`Eventrwflags`](super::Eventrwflags).
        flags: u16 => 8,
    }

    /// `event`—An event that occurred, from `poll_oneoff`.
    pub struct Event: output, 32 bytes, align 8 {
        /// That of the subscription.
        userdata: Userdata => 0,
        /// Why the subscription failed, or [`Errno::Success`].
        error: Errno => 8,
        /// Type of the event: the tag of the subscription.
        r#type: Eventtype => 10,
        /// State of the descriptor; zero in the event of a clock.
        fd_readwrite: EventFdReadwrite => 16,
    }
}

/// `subscription`—An event that `poll_oneoff` is asked to wait for, the same in both snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Value of the guest's that the event repeats.
    pub userdata: Userdata,
    /// The event.
    pub u: SubscriptionU,
}

/// `subscription_u`—The contents of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionU {
    /// A clock reaches a time.
    Clock(SubscriptionClock),
    /// A descriptor becomes readable.
    FdRead(Fd),
    /// A descriptor becomes writable.
    FdWrite(Fd),
}

impl SubscriptionU {
    /// The tag of the union, which the event repeats.
    pub const fn eventtype(&self) -> Eventtype {
        match self {
            SubscriptionU::Clock(_) => Eventtype::Clock,
            SubscriptionU::FdRead(_) => Eventtype::FdRead,
            SubscriptionU::FdWrite(_) => Eventtype::FdWrite,
        }
    }

    /// The union with this tag and payload, or `None` if the tag is not an [`Eventtype`]. `clock`
    /// decodes the payload of a clock, which differs between the snapshots.
    pub(super) fn decode(
        tag: u8,
        payload: &[u8],
        clock: impl FnOnce(&[u8]) -> SubscriptionClock,
    ) -> Option<Self> {
        let fd = || decode_payload::<SubscriptionFdReadwrite>(payload).file_descriptor;
        Some(match Eventtype::from_raw(tag.into())? {
            Eventtype::Clock => SubscriptionU::Clock(clock(payload)),
            Eventtype::FdRead => SubscriptionU::FdRead(fd()),
            Eventtype::FdWrite => SubscriptionU::FdWrite(fd()),
        })
    }
}

impl RawSubscription {
    /// The subscription with its union resolved, or `None` if the tag is not an [`Eventtype`].
    pub fn subscription(&self) -> Option<Subscription> {
        Some(Subscription {
            userdata: self.userdata,
            u: SubscriptionU::decode(self.tag, &self.u, decode_payload)?,
        })
    }
}
