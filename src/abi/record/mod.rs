//! Records: how the structures of the witx lie in guest memory.
//!
//! Each layout is written once, in a table of field, type and offset, from which the plain
//! struct and its [`Record`] come. Byte order is little-endian whatever the host's. The tables
//! are checked when they are compiled (no overlap, natural alignment) and against the witx by
//! `tests/abi.rs`.
//!
//! Fields hold the numbers as they lie in memory: a guest may write any, so what they mean is
//! asked for with `from_raw` or `from_bits` of the type named in their documentation.

#[cfg(test)]
mod tests;

use super::types::{
    Device, Dircookie, Dirnamlen, Eventtype, Fd, Filesize, Inode, Linkcount, Size, Timestamp,
    Userdata,
};

/// A value with a fixed layout in guest memory.
pub trait Record: Copy {
    /// Bytes from one record to the next in an array.
    const SIZE: usize;
    /// The alignment that C gives it. Guests need not keep to it.
    const ALIGN: usize;
    /// Its fields in the order of their offsets; empty for a scalar.
    const FIELDS: &'static [Field];
    /// An array of `SIZE` bytes.
    type Bytes: Copy + AsRef<[u8]> + AsMut<[u8]>;
    /// Such an array to read into: `Default` stops at 32 bytes.
    const ZEROED: Self::Bytes;

    /// Its bytes. Padding is zero, so nothing of the host's shows in it.
    fn encode(&self) -> Self::Bytes;

    /// The record in these bytes. Padding is not looked at.
    fn decode(bytes: &Self::Bytes) -> Self;
}

/// Where a field of a [`Record`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The witx's name.
    pub name: &'static str,
    /// From the start of the record.
    pub offset: usize,
    /// In bytes.
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

                #[inline]
                fn encode(&self) -> Self::Bytes {
                    self.to_le_bytes()
                }

                #[inline]
                fn decode(bytes: &Self::Bytes) -> Self {
                    <$scalar>::from_le_bytes(*bytes)
                }
            }
        )*
    };
}

scalars!(u8, u16, u32, u64, i64);

/// Bytes whose meaning another field decides: the payload of a union.
impl<const N: usize> Record for [u8; N] {
    const SIZE: usize = N;
    const ALIGN: usize = 1;
    const FIELDS: &'static [Field] = &[];
    type Bytes = [u8; N];
    const ZEROED: Self::Bytes = [0; N];

    #[inline]
    fn encode(&self) -> Self::Bytes {
        *self
    }

    #[inline]
    fn decode(bytes: &Self::Bytes) -> Self {
        *bytes
    }
}

/// The value at an offset of a longer record, in which the table's check has shown it to fit.
#[inline]
pub(super) fn decode_at<T: Record>(bytes: &[u8], offset: usize) -> T {
    let mut field = T::ZEROED;
    field
        .as_mut()
        .copy_from_slice(&bytes[offset..offset + T::SIZE]);
    T::decode(&field)
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

macro_rules! records {
    ($(
        $(#[$meta:meta])*
        pub struct $Name:ident: $size:literal bytes, align $align:literal {
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
                fn decode(bytes: &Self::Bytes) -> Self {
                    Self {
                        $($field: $crate::abi::record::decode_at(bytes, $offset),)*
                    }
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
    pub struct Iovec: 8 bytes, align 4 {
        /// Its address in guest memory.
        buf: u32 => 0,
        /// Its length.
        buf_len: Size => 4,
    }

    /// `prestat`—What `fd_prestat_get` says of a preopen.
    ///
    /// A union of one case, hence flat.
    pub struct Prestat: 8 bytes, align 4 {
        /// A [`Preopentype`](super::Preopentype).
        tag: u8 => 0,
        /// `prestat_dir::pr_name_len`: the bytes that `fd_prestat_dir_name` will write.
        name_len: Size => 4,
    }

    /// `fdstat`—What `fd_fdstat_get` says of a descriptor.
    pub struct Fdstat: 24 bytes, align 8 {
        /// A [`Filetype`](super::Filetype).
        fs_filetype: u8 => 0,
        /// [`Fdflags`](super::Fdflags).
        fs_flags: u16 => 2,
        /// [`Rights`](super::Rights) of the descriptor.
        fs_rights_base: u64 => 8,
        /// [`Rights`](super::Rights) of what is opened through it.
        fs_rights_inheriting: u64 => 16,
    }

    /// `filestat`—What `fd_filestat_get` and `path_filestat_get` say of a file.
    ///
    /// Snapshot 0 has [another](super::snapshot0::Filestat).
    pub struct Filestat: 64 bytes, align 8 {
        /// The device it is on.
        dev: Device => 0,
        /// Its number there.
        ino: Inode => 8,
        /// A [`Filetype`](super::Filetype).
        filetype: u8 => 16,
        /// How many names it has.
        nlink: Linkcount => 24,
        /// Its length; for a symbolic link, that of the path in it.
        size: Filesize => 32,
        /// When it was last read.
        atim: Timestamp => 40,
        /// When its contents last changed.
        mtim: Timestamp => 48,
        /// When its attributes last changed.
        ctim: Timestamp => 56,
    }

    /// `dirent`—The head of an entry that `fd_readdir` writes; the name follows, unaligned.
    pub struct Dirent: 24 bytes, align 8 {
        /// The cookie of the entry after this one.
        d_next: Dircookie => 0,
        /// The number of the file.
        d_ino: Inode => 8,
        /// The length of the name.
        d_namlen: Dirnamlen => 16,
        /// A [`Filetype`](super::Filetype).
        d_type: u8 => 20,
    }

    /// `subscription_clock`—What a subscription to a clock waits for.
    pub struct SubscriptionClock: 32 bytes, align 8 {
        /// A [`Clockid`](super::Clockid).
        id: u32 => 0,
        /// A moment, or a time from now.
        timeout: Timestamp => 8,
        /// How much later will do.
        precision: Timestamp => 16,
        /// [`Subclockflags`](super::Subclockflags).
        flags: u16 => 24,
    }

    /// `subscription_fd_readwrite`—What a subscription to a descriptor waits for.
    pub struct SubscriptionFdReadwrite: 4 bytes, align 4 {
        /// The descriptor.
        file_descriptor: Fd => 0,
    }

    /// `subscription`—The bytes of what `poll_oneoff` is asked to wait for.
    ///
    /// A tag may be anything in guest memory, so the union is not resolved yet:
    /// [`subscription`](RawSubscription::subscription) does that, and where it cannot, `userdata`
    /// is here for the event that says so. Snapshot 0 has
    /// [another](super::snapshot0::RawSubscription).
    pub struct RawSubscription: 48 bytes, align 8 {
        /// What the guest wants back with the event.
        userdata: Userdata => 0,
        /// An [`Eventtype`].
        tag: u8 => 8,
        /// A [`SubscriptionClock`], or a [`SubscriptionFdReadwrite`] at its start.
        u: [u8; 32] => 16,
    }

    /// `event_fd_readwrite`—What happened to a descriptor.
    pub struct EventFdReadwrite: 16 bytes, align 8 {
        /// How much can be read or written.
        nbytes: Filesize => 0,
        /// [`Eventrwflags`](super::Eventrwflags).
        flags: u16 => 8,
    }

    /// `event`—What `poll_oneoff` reports.
    pub struct Event: 32 bytes, align 8 {
        /// That of the subscription.
        userdata: Userdata => 0,
        /// An [`Errno`](super::Errno).
        error: u16 => 8,
        /// An [`Eventtype`], the tag of the subscription.
        r#type: u8 => 10,
        /// Zero in the event of a clock.
        fd_readwrite: EventFdReadwrite => 16,
    }
}

/// `subscription`—What `poll_oneoff` is asked to wait for, the same in both snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// What the guest wants back with the event.
    pub userdata: Userdata,
    /// What it waits for.
    pub u: SubscriptionU,
}

/// `subscription_u`—The three things that a guest can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionU {
    /// A clock reaches a time.
    Clock(SubscriptionClock),
    /// A descriptor can be read.
    FdRead(Fd),
    /// A descriptor can be written.
    FdWrite(Fd),
}

impl SubscriptionU {
    /// The tag, which its event repeats.
    pub const fn eventtype(&self) -> Eventtype {
        match self {
            SubscriptionU::Clock(_) => Eventtype::Clock,
            SubscriptionU::FdRead(_) => Eventtype::FdRead,
            SubscriptionU::FdWrite(_) => Eventtype::FdWrite,
        }
    }

    /// The union that a tag and a payload make; what a clock's payload is differs by snapshot.
    pub(super) fn decode(
        tag: u8,
        payload: &[u8],
        clock: impl FnOnce(&[u8]) -> SubscriptionClock,
    ) -> Option<Self> {
        let fd = || decode_at::<SubscriptionFdReadwrite>(payload, 0).file_descriptor;
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
            u: SubscriptionU::decode(self.tag, &self.u, |u| decode_at(u, 0))?,
        })
    }
}
