//! The ABI against the witx: every number of `wasi_rs::abi` is compared with the declarations in `tests/witx`,
//! as the `witx` crate parses them.
//!
//! The `witx` crate comes without the specification's text. `tests/witx` therefore declares the
//! types itself; `published_witx_agrees` compares those declarations with a checkout of the
//! specification.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use bitflags::Flags;
use wasi_rs::abi::{self, Record, snapshot0};
use witx::{BuiltinType, Document, Id, IntRepr, Layout, RecordDatatype, RecordKind, Type, Variant};

fn load(name: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/witx")
        .join(name);
    witx::load(&[path]).unwrap_or_else(|error| panic!("{name}: {}", error.report()))
}

fn preview1() -> Document {
    load("preview1.witx")
}

fn snapshot0() -> Document {
    load("snapshot0.witx")
}

fn type_of(document: &Document, name: &str) -> Rc<Type> {
    document
        .typename(&Id::new(name))
        .unwrap_or_else(|| panic!("the witx has no {name}"))
        .type_()
        .clone()
}

fn record_of(document: &Document, name: &str) -> RecordDatatype {
    match &*type_of(document, name) {
        Type::Record(record) => record.clone(),
        other => panic!("{name} is a {}, not a record", other.kind()),
    }
}

fn variant_of(document: &Document, name: &str) -> Variant {
    match &*type_of(document, name) {
        Type::Variant(variant) => variant.clone(),
        other => panic!("{name} is a {}, not a variant", other.kind()),
    }
}

fn cases(variant: &Variant) -> Vec<&str> {
    variant
        .cases
        .iter()
        .map(|case| case.name.as_str())
        .collect()
}

/// `RegularFile` as the witx writes it: `regular_file`.
fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for character in camel.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[test]
fn errno_is_the_list_of_the_witx() {
    for document in [preview1(), snapshot0()] {
        let errno = variant_of(&document, "errno");
        let names: Vec<String> = cases(&errno)
            .iter()
            .map(|name| format!("E{}", name.to_ascii_uppercase()))
            .collect();
        assert_eq!(
            abi::Errno::ALL
                .iter()
                .map(|errno| errno.name())
                .collect::<Vec<_>>(),
            names
        );
        assert_eq!(errno.tag_repr, IntRepr::U16);
    }
    for (number, errno) in abi::Errno::ALL.iter().enumerate() {
        assert_eq!(usize::from(errno.raw()), number, "{}", errno.name());
        let variant = match errno {
            abi::Errno::TooBig => "2BIG".to_owned(),
            other => format!("{other:?}").to_ascii_uppercase(),
        };
        assert_eq!(format!("E{variant}"), errno.name());
    }
}

/// `$Enum` has the names, numbers and tag width of the witx's `$name`, in both directions.
macro_rules! assert_enumeration {
    ($document:expr, $name:literal, $Enum:ty) => {{
        let variant = variant_of($document, $name);
        assert!(variant.is_enum());
        let names: Vec<String> = <$Enum>::ALL
            .iter()
            .map(|value| snake(&format!("{value:?}")))
            .collect();
        assert_eq!(names, cases(&variant), $name);
        assert_eq!(size_of::<$Enum>(), variant.tag_repr.mem_size(), $name);
        for (number, &value) in (0_u32..).zip(<$Enum>::ALL) {
            assert_eq!(u32::from(value.raw()), number, "{value:?}");
            assert_eq!(<$Enum>::from_raw(number), Some(value));
        }
        let past = u32::try_from(<$Enum>::ALL.len()).unwrap();
        assert_eq!(<$Enum>::from_raw(past), None, $name);
    }};
}

#[test]
fn enumerations_are_those_of_the_witx() {
    let preview1 = preview1();
    assert_enumeration!(&preview1, "filetype", abi::Filetype);
    assert_enumeration!(&preview1, "whence", abi::Whence);
    assert_enumeration!(&preview1, "advice", abi::Advice);
    assert_enumeration!(&preview1, "clockid", abi::Clockid);
    assert_enumeration!(&preview1, "eventtype", abi::Eventtype);
    assert_enumeration!(&preview1, "preopentype", abi::Preopentype);
}

#[test]
fn snapshot0_whence_is_that_of_its_witx() {
    let whence = variant_of(&snapshot0(), "whence");
    let names: Vec<String> = (0..)
        .map_while(snapshot0::whence)
        .map(|whence| snake(&format!("{whence:?}")))
        .collect();
    assert_eq!(names, cases(&whence));
}

/// Name and value of each flag, in the order of their bits.
fn flags_of<F: Flags<Bits: Into<u64>>>() -> Vec<(String, u64)> {
    F::FLAGS
        .iter()
        .map(|flag| (flag.name().to_ascii_lowercase(), flag.value().bits().into()))
        .collect()
}

#[track_caller]
fn assert_flags<F: Flags<Bits: Into<u64>>>(document: &Document, name: &str) {
    let record = record_of(document, name);
    let repr = record
        .bitflags_repr()
        .unwrap_or_else(|| panic!("{name} has no flags"));
    assert_eq!(size_of::<F::Bits>(), repr.mem_size(), "{name}");
    let expected: Vec<(String, u64)> = record
        .members
        .iter()
        .enumerate()
        .map(|(bit, member)| (member.name.as_str().to_owned(), 1 << bit))
        .collect();
    assert_eq!(flags_of::<F>(), expected, "{name}");
}

#[test]
fn flags_are_those_of_the_witx() {
    let preview1 = preview1();
    assert_flags::<abi::Rights>(&preview1, "rights");
    assert_flags::<abi::Fdflags>(&preview1, "fdflags");
    assert_flags::<abi::Oflags>(&preview1, "oflags");
    assert_flags::<abi::Lookupflags>(&preview1, "lookupflags");
    assert_flags::<abi::Fstflags>(&preview1, "fstflags");
    assert_flags::<abi::Riflags>(&preview1, "riflags");
    assert_flags::<abi::Roflags>(&preview1, "roflags");
    assert_flags::<abi::Sdflags>(&preview1, "sdflags");
    assert_flags::<abi::Subclockflags>(&preview1, "subclockflags");
    assert_flags::<abi::Eventrwflags>(&preview1, "eventrwflags");

    assert_eq!(
        *type_of(&preview1, "siflags"),
        Type::Builtin(BuiltinType::U16)
    );
    let none: u16 = abi::Siflags::all().bits();
    assert_eq!(none, 0);
}

#[test]
fn snapshot0_rights_are_those_of_preview1_without_sock_accept() {
    let mut rights: Vec<String> = flags_of::<abi::Rights>()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(rights.pop().as_deref(), Some("sock_accept"));
    let declared: Vec<String> = record_of(&snapshot0(), "rights")
        .members
        .iter()
        .map(|member| member.name.as_str().to_owned())
        .collect();
    assert_eq!(rights, declared);
}

/// A type alias has the width and the sign of the witx's type.
trait Scalar {
    const SIZE: usize;
    const SIGNED: bool;
}

macro_rules! scalars {
    ($($scalar:ty),*) => {
        $(
            impl Scalar for $scalar {
                const SIZE: usize = size_of::<$scalar>();
                const SIGNED: bool = <$scalar>::MIN != 0;
            }
        )*
    };
}

scalars!(u32, u64, i64);

#[track_caller]
fn assert_scalar<S: Scalar>(document: &Document, name: &str) {
    let witx = type_of(document, name);
    assert_eq!(S::SIZE, witx.mem_size(), "{name}");
    let signed = match &*witx {
        Type::Builtin(BuiltinType::S64) => true,
        Type::Builtin(BuiltinType::U32 { .. } | BuiltinType::U64) | Type::Handle(_) => false,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(S::SIGNED, signed, "{name}");
}

#[test]
fn scalars_are_those_of_the_witx() {
    let preview1 = preview1();
    assert_scalar::<abi::Fd>(&preview1, "fd");
    assert_scalar::<abi::Size>(&preview1, "size");
    assert_scalar::<abi::Filesize>(&preview1, "filesize");
    assert_scalar::<abi::Filedelta>(&preview1, "filedelta");
    assert_scalar::<abi::Timestamp>(&preview1, "timestamp");
    assert_scalar::<abi::Userdata>(&preview1, "userdata");
    assert_scalar::<abi::Dircookie>(&preview1, "dircookie");
    assert_scalar::<abi::Dirnamlen>(&preview1, "dirnamlen");
    assert_scalar::<abi::Device>(&preview1, "device");
    assert_scalar::<abi::Inode>(&preview1, "inode");
    assert_scalar::<abi::Linkcount>(&preview1, "linkcount");
    assert_scalar::<abi::Exitcode>(&preview1, "exitcode");
    assert_eq!(type_of(&snapshot0(), "linkcount").mem_size(), 4);
}

/// Name, offset and size of each field, in the order of memory.
type Fields = Vec<(String, usize, usize)>;

/// The tag and the payload of a union that lies at `offset`; the payload has the union's name.
fn union_fields(union: &Variant, name: &str, offset: usize) -> Fields {
    let payload = union.payload_offset();
    vec![
        ("tag".to_owned(), offset, union.tag_repr.mem_size()),
        (
            name.to_owned(),
            offset + payload,
            union.mem_size() - payload,
        ),
    ]
}

fn record_fields(record: &RecordDatatype) -> Fields {
    assert_eq!(record.kind, RecordKind::Other);
    let mut fields = Fields::new();
    for member in record.member_layout() {
        let name = member.member.name.as_str();
        match &**member.member.tref.type_() {
            Type::Variant(union) if !union.is_enum() => {
                fields.extend(union_fields(union, name, member.offset));
            }
            scalar => fields.push((name.to_owned(), member.offset, scalar.mem_size())),
        }
    }
    fields
}

fn fields_of<R: Record>() -> Fields {
    R::FIELDS
        .iter()
        .map(|field| (field.name.to_owned(), field.offset, field.size))
        .collect()
}

#[track_caller]
fn assert_size<R: Record>(document: &Document, name: &str) {
    let witx = type_of(document, name).mem_size_align();
    assert_eq!((R::SIZE, R::ALIGN), (witx.size, witx.align), "{name}");
    assert_eq!(size_of::<R::Bytes>(), witx.size, "{name}");
    assert_eq!(R::ZEROED.as_ref(), vec![0; witx.size], "{name}");
}

#[track_caller]
fn assert_record<R: Record>(document: &Document, name: &str) {
    assert_size::<R>(document, name);
    assert_eq!(
        fields_of::<R>(),
        record_fields(&record_of(document, name)),
        "{name}"
    );
}

#[test]
fn records_lie_as_in_the_witx() {
    let preview1 = preview1();
    assert_record::<abi::Iovec>(&preview1, "iovec");
    assert_record::<abi::Iovec>(&preview1, "ciovec");
    assert_record::<abi::Fdstat>(&preview1, "fdstat");
    assert_record::<abi::Filestat>(&preview1, "filestat");
    assert_record::<abi::Dirent>(&preview1, "dirent");
    assert_record::<abi::SubscriptionClock>(&preview1, "subscription_clock");
    assert_record::<abi::SubscriptionFdReadwrite>(&preview1, "subscription_fd_readwrite");
    assert_record::<abi::RawSubscription>(&preview1, "subscription");
    assert_record::<abi::EventFdReadwrite>(&preview1, "event_fd_readwrite");
    assert_record::<abi::Event>(&preview1, "event");
}

#[test]
fn prestat_is_a_union_of_one_case() {
    let preview1 = preview1();
    assert_size::<abi::Prestat>(&preview1, "prestat");
    assert_eq!(
        record_fields(&record_of(&preview1, "prestat_dir")),
        [("pr_name_len".to_owned(), 0, 4)]
    );
    assert_eq!(
        fields_of::<abi::Prestat>(),
        union_fields(&variant_of(&preview1, "prestat"), "name_len", 0)
    );
}

#[test]
fn subscription_tags_select_the_payload_of_the_witx() {
    for document in [preview1(), snapshot0()] {
        let union = variant_of(&document, "subscription_u");
        assert_eq!(cases(&union), cases(&variant_of(&document, "eventtype")));
        let payloads: Vec<Rc<Type>> = union
            .cases
            .iter()
            .map(|case| case.tref.as_ref().expect("a payload").type_().clone())
            .collect();
        let clock = type_of(&document, "subscription_clock");
        let fd = type_of(&document, "subscription_fd_readwrite");
        assert_eq!(payloads, [clock, fd.clone(), fd]);
    }
}

#[test]
fn snapshot0_records_lie_as_in_its_witx() {
    let snapshot0 = snapshot0();
    assert_record::<snapshot0::Filestat>(&snapshot0, "filestat");
    assert_record::<snapshot0::RawSubscriptionClock>(&snapshot0, "subscription_clock");
    assert_record::<snapshot0::RawSubscription>(&snapshot0, "subscription");
}

#[test]
fn snapshot0_shares_the_other_records() {
    let snapshot0 = snapshot0();
    assert_record::<abi::Iovec>(&snapshot0, "iovec");
    assert_size::<abi::Prestat>(&snapshot0, "prestat");
    assert_record::<abi::Fdstat>(&snapshot0, "fdstat");
    assert_record::<abi::Dirent>(&snapshot0, "dirent");
    assert_record::<abi::SubscriptionFdReadwrite>(&snapshot0, "subscription_fd_readwrite");
    assert_record::<abi::Event>(&snapshot0, "event");
}

/// The specification's text without its comments, as the `witx` crate compares them, too.
fn published(directory: &Path) -> Document {
    let path = directory.join("typenames.witx");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let declarations: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(";;"))
        .collect();
    witx::parse(&declarations.join("\n")).unwrap_or_else(|error| panic!("{}", error.report()))
}

#[test]
#[ignore = "WASI_REPO must name a checkout of WebAssembly/WASI, branch wasi-0.1"]
fn published_witx_agrees() {
    let repo = PathBuf::from(std::env::var_os("WASI_REPO").expect("WASI_REPO is set"));
    for (ours, phase) in [(preview1(), "preview1"), (snapshot0(), "preview0")] {
        let theirs = published(&repo.join(phase).join("witx"));
        for typename in ours.typenames() {
            let declared = theirs
                .typename(&typename.name)
                .unwrap_or_else(|| panic!("{phase} has no {}", typename.name.as_str()));
            assert_eq!(typename.type_(), declared.type_(), "{phase}");
        }
        // Not in `wasi_rs::abi`: lists are not records, and no signal is ever sent.
        let unused = ["iovec_array", "ciovec_array", "signal"];
        for typename in theirs.typenames() {
            let name = typename.name.as_str();
            assert!(
                unused.contains(&name) || ours.typename(&typename.name).is_some(),
                "{phase} has {name}"
            );
        }
    }
}
