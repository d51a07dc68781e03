//! The table of the calls as data, for JavaScript that traces a guest.

use bitflags::Flags;
use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::Environment;
use super::exports::instance;
use super::trampoline;
use crate::abi::{
    Advice, Clockid, Event, EventFdReadwrite, Eventrwflags, Eventtype, Fdflags, Field, Filetype,
    Fstflags, Iovec, Lookupflags, Oflags, Preopentype, RawSubscription, Record, Riflags, Rights,
    Roflags, Sdflags, Siflags, Snapshot, Subclockflags, SubscriptionClock, SubscriptionFdReadwrite,
    Whence, snapshot0,
};
use crate::syscalls::{Output, Parameter, Role, SYSCALLS, capability};

/// What is needed to decode the arguments and results of the calls.
#[napi(object, object_from_js = false)]
pub struct Signatures {
    /// In the order of the table.
    pub calls: Vec<Signature>,
    /// The names of numbers, by role, output or field.
    pub words: Vec<Words>,
    /// The records in memory that have fields.
    pub records: Vec<RecordLayout>,
}

/// A call.
#[napi(object, object_from_js = false)]
pub struct Signature {
    /// The name under which guests import it.
    pub name: &'static str,
    /// Its parameters.
    pub params: Vec<SignatureParam>,
}

/// A parameter of a call.
#[napi(object, object_from_js = false)]
pub struct SignatureParam {
    /// Its name in the witx.
    pub name: &'static str,
    /// What it is for: the name of its [`Role`]; `Out` for all pointers to results.
    pub role: String,
    /// The result: the name of its [`Output`].
    pub output: Option<String>,
    /// The size of the result in bytes.
    pub size: Option<u32>,
    /// The number of values of wasm that it is passed as.
    pub arity: u32,
}

/// The names of the cases of an enumeration, or of the bits of flags.
#[napi(object, object_from_js = false)]
pub struct Words {
    /// The name of the role, of the output, or of the record and its field.
    pub of: &'static str,
    /// Whether the names are those of bits.
    pub is_flags: bool,
    /// The names, beginning with that of 0 or of the lowest bit.
    pub names: Vec<String>,
}

/// A record in the memory of a guest.
#[napi(object, object_from_js = false)]
pub struct RecordLayout {
    /// Its name, without `Raw` for one whose union is not resolved.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: u32,
    /// Its fields, in the order of their offsets.
    pub fields: Vec<FieldLayout>,
}

/// A field of a record.
#[napi(object, object_from_js = false)]
pub struct FieldLayout {
    /// The witx's name.
    pub name: &'static str,
    /// Its offset in bytes.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// The table for guests of this version of WASI.
#[napi]
pub fn signatures(version: String) -> Signatures {
    let snapshot = snapshot_of(&version);
    let calls = SYSCALLS.iter().map(|syscall| Signature {
        name: syscall.name,
        params: (syscall.params.iter())
            .map(|param| described(param, snapshot))
            .collect(),
    });
    Signatures {
        calls: calls.collect(),
        words: words(snapshot),
        records: records(snapshot),
    }
}

/// The snapshot with this name: `'preview1'` or `'unstable'`.
pub fn snapshot_of(version: &str) -> Snapshot {
    match version {
        "unstable" => Snapshot::Snapshot0,
        _ => Snapshot::Preview1,
    }
}

fn described(param: &Parameter, snapshot: Snapshot) -> SignatureParam {
    let output = match param.role {
        Role::Out(output) => Some(output),
        _ => None,
    };
    SignatureParam {
        name: param.name,
        role: match output {
            Some(_) => "Out".to_owned(),
            None => format!("{:?}", param.role),
        },
        output: output.map(|output| format!("{output:?}")),
        size: output.map(|output| output.size(snapshot) as u32),
        arity: param.role.types().len() as u32,
    }
}

/// The witx's names of the cases of an enumeration, from Rust's names.
macro_rules! cases {
    ($of:literal, $Enum:ty) => {
        Words {
            of: $of,
            is_flags: false,
            names: (<$Enum>::ALL.iter())
                .map(|case| witx_name(&format!("{case:?}")))
                .collect(),
        }
    };
}

/// `regular_file` for `RegularFile`.
fn witx_name(case: &str) -> String {
    let mut name = String::new();
    for (index, letter) in case.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The names of flags. Their bits are consecutive, from the lowest one.
fn bits<F: Flags>(of: &'static str) -> Words {
    Words {
        of,
        is_flags: true,
        names: F::FLAGS.iter().map(|flag| flag.name().into()).collect(),
    }
}

fn words(snapshot: Snapshot) -> Vec<Words> {
    let mut whences = Whence::ALL.to_vec();
    if snapshot == Snapshot::Snapshot0 {
        whences = (0..).map_while(snapshot0::whence).collect();
    }
    vec![
        Words {
            of: "Whence",
            is_flags: false,
            names: whences
                .iter()
                .map(|case| witx_name(&format!("{case:?}")))
                .collect(),
        },
        cases!("Clockid", Clockid),
        cases!("Advice", Advice),
        cases!("Filestat.filetype", Filetype),
        cases!("Fdstat.fs_filetype", Filetype),
        cases!("Prestat.tag", Preopentype),
        cases!("Subscription.tag", Eventtype),
        cases!("SubscriptionClock.id", Clockid),
        cases!("Event.type", Eventtype),
        bits::<Fdflags>("Fdflags"),
        bits::<Oflags>("Oflags"),
        bits::<Lookupflags>("Lookupflags"),
        bits::<Fstflags>("Fstflags"),
        bits::<Riflags>("Riflags"),
        bits::<Siflags>("Siflags"),
        bits::<Sdflags>("Sdflags"),
        bits::<Rights>("Rights"),
        bits::<Roflags>("Roflags"),
        bits::<Fdflags>("Fdstat.fs_flags"),
        bits::<Rights>("Fdstat.fs_rights_base"),
        bits::<Rights>("Fdstat.fs_rights_inheriting"),
        bits::<Subclockflags>("SubscriptionClock.flags"),
        bits::<Eventrwflags>("EventFdReadwrite.flags"),
    ]
}

fn layout(name: &'static str, size: usize, fields: &'static [Field]) -> RecordLayout {
    let field = |field: &Field| FieldLayout {
        name: field.name,
        offset: field.offset as u32,
        size: field.size as u32,
    };
    RecordLayout {
        name,
        size: size as u32,
        fields: fields.iter().map(field).collect(),
    }
}

fn record<T: Record>(name: &'static str) -> RecordLayout {
    layout(name, T::SIZE, T::FIELDS)
}

fn records(snapshot: Snapshot) -> Vec<RecordLayout> {
    let output =
        |name, output: Output| layout(name, output.size(snapshot), output.fields(snapshot));
    let mut records = vec![
        output("Prestat", Output::Prestat),
        output("Fdstat", Output::Fdstat),
        output("Filestat", Output::Filestat),
        record::<Iovec>("Iovec"),
        record::<SubscriptionFdReadwrite>("SubscriptionFdReadwrite"),
        record::<Event>("Event"),
        record::<EventFdReadwrite>("EventFdReadwrite"),
    ];
    records.extend(match snapshot {
        Snapshot::Preview1 => [
            record::<RawSubscription>("Subscription"),
            record::<SubscriptionClock>("SubscriptionClock"),
        ],
        Snapshot::Snapshot0 => [
            record::<snapshot0::RawSubscription>("Subscription"),
            record::<snapshot0::RawSubscriptionClock>("SubscriptionClock"),
        ],
    });
    records
}

/// The names of the calls that belong to a capability.
#[napi]
pub fn capability_calls(name: String) -> Vec<&'static str> {
    capability::grant(&name).map_or_else(Vec::new, |grant| names_of(grant.calls))
}

/// The names of the calls that a guest has made without the capability for them.
#[napi]
pub fn refused_calls(env: Env, number: u32) -> Result<Vec<&'static str>> {
    Ok(names_of(instance(&env, number)?.ctx().refused_calls()))
}

/// The names of the calls of these rows, each a bit.
pub fn names_of(rows: u64) -> Vec<&'static str> {
    let named = SYSCALLS.iter().enumerate();
    named
        .filter(|(row, _)| rows & 1 << row != 0)
        .map(|(_, syscall)| syscall.name)
        .collect()
}

/// Throws a value past the guest that has made a call, as if a function of the host had thrown it in the call.
///
/// # Errors
///
/// It is thrown.
#[napi]
pub fn throw_past(env: Env, number: u32, value: Unknown<'_>) -> Result<()> {
    let instance = instance(&env, number)?;
    let environment = Environment::of(&env)?;
    env.throw(value)?;
    environment.keep_thrown(env.raw());
    trampoline::rethrow(&env, &environment, &instance)?;
    Err(Error::new(Status::PendingException, ""))
}
