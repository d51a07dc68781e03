//! Parameters of the calls: what each is for, and how it is passed as values of wasm.
//!
//! A row of the table names a type of [`role`] for each parameter. That determines its [`Role`], which is data
//! for those who make or trace calls; the values of wasm that it is passed as; and the type that the call's
//! function takes.

use std::marker::PhantomData;

use crate::abi::{self, Field, Iovec, Record, Snapshot, snapshot0};
use crate::memory::GuestPtr;

/// A value type of wasm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// `i32`. Its bits are taken as unsigned.
    I32,
    /// `i64`. Its bits are taken as unsigned.
    I64,
}

/// A parameter of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the witx.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
}

/// Several `T`s in guest memory, as a guest passes them: not checked yet.
pub struct GuestRange<T> {
    /// The address of the first.
    pub ptr: GuestPtr<T>,
    /// Their number.
    pub len: abi::Size,
}

/// The type that a function takes for a parameter.
pub(super) trait Value {
    /// The values of wasm that it is passed as.
    const TYPES: &'static [ParamType];

    /// Takes it from the bits of the arguments; for an `i32`, only the lower half is used.
    fn take(bits: &mut impl Iterator<Item = u64>) -> Self;
}

impl Value for u32 {
    const TYPES: &'static [ParamType] = &[ParamType::I32];

    fn take(bits: &mut impl Iterator<Item = u64>) -> Self {
        bits.next().unwrap_or(0) as u32
    }
}

impl Value for u64 {
    const TYPES: &'static [ParamType] = &[ParamType::I64];

    fn take(bits: &mut impl Iterator<Item = u64>) -> Self {
        bits.next().unwrap_or(0)
    }
}

impl Value for i64 {
    const TYPES: &'static [ParamType] = u64::TYPES;

    fn take(bits: &mut impl Iterator<Item = u64>) -> Self {
        u64::take(bits).cast_signed()
    }
}

impl<T> Value for GuestPtr<T> {
    const TYPES: &'static [ParamType] = u32::TYPES;

    fn take(bits: &mut impl Iterator<Item = u64>) -> Self {
        GuestPtr::new(u32::take(bits))
    }
}

impl<T> Value for GuestRange<T> {
    const TYPES: &'static [ParamType] = &[ParamType::I32, ParamType::I32];

    fn take(bits: &mut impl Iterator<Item = u64>) -> Self {
        let ptr = Value::take(bits);
        let len = Value::take(bits);
        Self { ptr, len }
    }
}

/// A type that a row of the table names for a parameter.
pub(super) trait Param {
    /// What the parameter is for.
    const ROLE: Role;

    /// The type that the function takes for it.
    type Value: Value;
}

/// A type that a row of the table names for a result.
pub(super) trait Pointee {
    /// What the result is.
    const OUTPUT: Output;

    /// Its layout in memory, in preview1.
    type Record: Record;
}

/// Makes [`Role`] of the parameters that are not pointers to a result, and their types in [`role`].
macro_rules! roles {
    ($($(#[$doc:meta])* $Role:ident: $Value:ty;)*) => {
        /// What a parameter of a call is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Role {
            $($(#[$doc])* $Role,)*
            /// A pointer to where a result is written.
            Out(Output),
        }

        impl Role {
            /// The values of wasm that the parameter is passed as.
            pub const fn types(self) -> &'static [ParamType] {
                match self {
                    $(Self::$Role => <$Value as Value>::TYPES,)*
                    Self::Out(_) => <GuestPtr<u8> as Value>::TYPES,
                }
            }
        }

        /// The roles as types, for the rows of the table.
        pub(super) mod role {
            use super::*;

            $(
                pub enum $Role {}

                impl Param for $Role {
                    const ROLE: super::Role = super::Role::$Role;
                    type Value = $Value;
                }
            )*

            /// [`Role::Out`](super::Role::Out) with the result `R`.
            pub struct Out<R>(PhantomData<R>);

            impl<R: Pointee> Param for Out<R> {
                const ROLE: super::Role = super::Role::Out(R::OUTPUT);
                type Value = GuestPtr<R::Record>;
            }
        }
    };
}

roles! {
    /// A descriptor.
    Fd: abi::Fd;
    /// A clock.
    Clockid: u32;
    /// A time, or a precision, in nanoseconds.
    Timestamp: abi::Timestamp;
    /// An offset or a length in a file, in bytes.
    Filesize: abi::Filesize;
    /// A relative offset in a file, in bytes.
    Filedelta: abi::Filedelta;
    /// The origin of a relative offset; the numbers depend on the [`Snapshot`].
    Whence: u32;
    /// How a part of a file will be used.
    Advice: u32;
    /// A position in a directory.
    Dircookie: abi::Dircookie;
    /// Flags of a descriptor.
    Fdflags: u32;
    /// Flags of `path_open`.
    Oflags: u32;
    /// Flags of path resolution.
    Lookupflags: u32;
    /// Which timestamps to set.
    Fstflags: u32;
    /// Flags of `sock_recv`.
    Riflags: u32;
    /// Flags of `sock_send`.
    Siflags: u32;
    /// Which directions of a connection to shut down.
    Sdflags: u32;
    /// Rights of a descriptor.
    Rights: u64;
    /// The exit code of the guest.
    Exitcode: abi::Exitcode;
    /// A signal.
    Signal: u32;
    /// The number of elements that the parameters before it point to.
    Size: abi::Size;
    /// A path: a pointer to its bytes, and their number.
    Path: GuestRange<u8>;
    /// A buffer to fill: a pointer to its bytes, and their number.
    Buf: GuestRange<u8>;
    /// Buffers to fill: a pointer to a list of them, and their number.
    Iovs: GuestRange<Iovec>;
    /// Buffers to write: a pointer to a list of them, and their number.
    Ciovs: GuestRange<Iovec>;
    /// Room for a pointer to each argument.
    Argv: GuestPtr<u32>;
    /// Room for the arguments.
    ArgvBuf: GuestPtr<u8>;
    /// Room for a pointer to each environment variable.
    Environ: GuestPtr<u32>;
    /// Room for the environment variables.
    EnvironBuf: GuestPtr<u8>;
    /// A pointer to subscriptions, laid out as the [`Snapshot`] has them; [`Role::Size`] says how many.
    Subscriptions: GuestPtr<u8>;
    /// Room for an event for each subscription.
    Events: GuestPtr<abi::Event>;
}

/// Makes [`Output`] of the results that a parameter can point to.
macro_rules! outputs {
    ($($(#[$doc:meta])* $Output:ident: $Type:ty, $Record:ty;)*) => {
        /// What a call writes to where a parameter points.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Output {
            $($(#[$doc])* $Output,)*
        }

        impl Output {
            /// Its size in bytes, for a guest of this snapshot.
            pub const fn size(self, snapshot: Snapshot) -> usize {
                match (self, snapshot) {
                    (Self::Filestat, Snapshot::Snapshot0) => snapshot0::Filestat::SIZE,
                    $((Self::$Output, _) => <$Record>::SIZE,)*
                }
            }

            /// Its fields, for a guest of this snapshot; `None` for a scalar.
            pub const fn fields(self, snapshot: Snapshot) -> &'static [Field] {
                match (self, snapshot) {
                    (Self::Filestat, Snapshot::Snapshot0) => snapshot0::Filestat::FIELDS,
                    $((Self::$Output, _) => <$Record>::FIELDS,)*
                }
            }
        }

        $(impl Pointee for $Type {
            const OUTPUT: Output = Output::$Output;
            type Record = $Record;
        })*
    };
}

outputs! {
    /// A descriptor.
    Fd: role::Fd, abi::Fd;
    /// A number of bytes or elements.
    Size: role::Size, abi::Size;
    /// An offset in a file.
    Filesize: role::Filesize, abi::Filesize;
    /// A time, or the resolution of a clock, in nanoseconds.
    Timestamp: role::Timestamp, abi::Timestamp;
    /// Flags of a message that `sock_recv` received.
    Roflags: abi::Roflags, u16;
    /// Type, flags and rights of a descriptor.
    Fdstat: abi::Fdstat, abi::Fdstat;
    /// Attributes of a file.
    Filestat: abi::Filestat, abi::Filestat;
    /// The type of a preopen, and the length of its name.
    Prestat: abi::Prestat, abi::Prestat;
}

/// The number of values of wasm that these parameters are passed as.
pub(super) const fn arity(params: &[Parameter]) -> usize {
    let (mut arity, mut param) = (0, 0);
    while param < params.len() {
        arity += params[param].role.types().len();
        param += 1;
    }
    arity
}

/// The values of wasm that these parameters are passed as; `ARITY` is their [`arity`].
pub(super) const fn types<const ARITY: usize>(params: &[Parameter]) -> [ParamType; ARITY] {
    let mut types = [ParamType::I32; ARITY];
    let (mut at, mut param) = (0, 0);
    while param < params.len() {
        let mut of = params[param].role.types();
        while let [first, rest @ ..] = of {
            types[at] = *first;
            at += 1;
            of = rest;
        }
        param += 1;
    }
    types
}
