//! The binary format of WebAssembly, as far as it takes to find what a module has that grows, to lower the most
//! that its memories and tables may grow to; and what parameters its functions have.

use std::fmt;

/// A module begins with this, a magic number and the version.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// The sections that are looked at.
const TYPE: u8 = 1;
const IMPORT: u8 = 2;
const FUNCTIONS: u8 = 3;
const TABLE: u8 = 4;
const MEMORY: u8 = 5;
const EXPORT: u8 = 7;

/// Entries of tables in the room of a page of memory. An engine has a pointer for each.
const ENTRIES_PER_PAGE: u64 = 65_536 / 8;

/// What a type is of.
const FUNCTION: u8 = 0x60;
const ARRAY: u8 = 0x5e;
const STRUCT: u8 = 0x5f;
const RECURSIVE: u8 = 0x4e;
const SUBTYPE: u8 = 0x50;
const FINAL_SUBTYPE: u8 = 0x4f;

/// How a table begins that has an expression for its entries.
const WITH_EXPRESSION: u8 = 0x40;

/// What an import is of.
const IMPORTED_FUNCTION: u8 = 0;
const IMPORTED_TABLE: u8 = 1;
const IMPORTED_MEMORY: u8 = 2;
const IMPORTED_GLOBAL: u8 = 3;
const IMPORTED_TAG: u8 = 4;

/// The flags of limits.
const HAS_MAXIMUM: u8 = 1;
const IS_SHARED: u8 = 2;
const HAS_LONG_ADDRESSES: u8 = 4;
const HAS_PAGE_SIZE: u8 = 8;

/// Why a module's memory is not limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitError {
    /// It is no module, or ends early, or uses what is not known here.
    Malformed,
    /// It begins with this many pages, which is more than it may have.
    TooSmall(u64),
    /// It begins with this many entries of tables, for which the same holds.
    TooManyEntries(u64),
    /// It makes objects that are collected: they are on the engine's heap, which nothing here limits.
    Collected,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("no WebAssembly module whose memory can be limited"),
            Self::Collected => f.write_str(
                "no WebAssembly module whose memory can be limited: it makes objects that are collected",
            ),
            Self::TooManyEntries(minimum) => write!(
                f,
                "the program begins with {minimum} entries of tables, which is more memory than it may have"
            ),
            Self::TooSmall(minimum) => write!(
                f,
                "the program begins with {minimum} pages of 64 KiB, which is more memory than it may have"
            ),
        }
    }
}

/// The module with no memory, its own or an imported one, that may grow beyond `pages` of 64 KiB. Several of
/// its own have as much together, and its tables have the same once more.
///
/// # Errors
///
/// [`LimitError`].
pub fn limit_memory(module: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    let mut reader = Reader(module);
    if reader.take(HEADER.len())? != HEADER {
        return Err(LimitError::Malformed);
    }
    let mut limited = Vec::with_capacity(module.len() + 16);
    limited.extend_from_slice(HEADER);
    while !reader.0.is_empty() {
        let whole = reader.0;
        let id = reader.byte()?;
        let len = reader.number()?;
        let content = reader.take(usize::try_from(len).map_err(|_| LimitError::Malformed)?)?;
        let content = match id {
            TYPE => {
                // There may be types of functions only.
                types(content)?;
                content.to_vec()
            }
            IMPORT => limit_imports(content, pages)?,
            TABLE => limit_tables(content, pages)?,
            MEMORY => limit_memories(content, pages)?,
            _ => {
                limited.extend_from_slice(&whole[..whole.len() - reader.0.len()]);
                continue;
            }
        };
        limited.push(id);
        write_number(&mut limited, content.len() as u64);
        limited.extend_from_slice(&content);
    }
    Ok(limited)
}

/// The types of the parameters of each type, all of which must be of functions.
fn types(section: &[u8]) -> Result<Vec<Vec<u8>>, LimitError> {
    let mut reader = Reader(section);
    let mut types = Vec::new();
    for _ in 0..reader.number()? {
        let kind = reader.byte()?;
        if kind == RECURSIVE {
            for _ in 0..reader.number()? {
                let kind = reader.byte()?;
                types.push(reader.function_type(kind)?);
            }
        } else {
            types.push(reader.function_type(kind)?);
        }
    }
    reader.end()?;
    Ok(types)
}

/// The types of the parameters of an exported function, as the text format names them; none where one is no
/// number.
///
/// # Errors
///
/// [`LimitError`]: it is no module, or uses what is not known here.
pub fn parameters(module: &[u8], name: &str) -> Result<Option<Vec<&'static str>>, LimitError> {
    let mut reader = Reader(module);
    if reader.take(HEADER.len())? != HEADER {
        return Err(LimitError::Malformed);
    }
    let (mut types, mut functions, mut exported) = (Vec::new(), Vec::new(), None);
    while !reader.0.is_empty() {
        let id = reader.byte()?;
        let content = reader.name()?;
        let mut section = Reader(content);
        match id {
            TYPE => types = self::types(content)?,
            IMPORT => {
                for _ in 0..section.number()? {
                    functions.extend(section.import()?.function);
                }
            }
            FUNCTIONS => {
                for _ in 0..section.number()? {
                    functions.push(section.number()?);
                }
            }
            EXPORT => {
                for _ in 0..section.number()? {
                    let is_named = section.name()? == name.as_bytes();
                    let is_function = section.byte()? == IMPORTED_FUNCTION;
                    let index = section.number()?;
                    exported = exported.or((is_named && is_function).then_some(index));
                }
            }
            _ => {}
        }
    }
    let function = exported.and_then(|index| functions.get(usize::try_from(index).ok()?));
    let params = function.and_then(|index| types.get(usize::try_from(*index).ok()?));
    let params = params.ok_or(LimitError::Malformed)?;
    Ok(params.iter().map(|param| number_type(*param)).collect())
}

/// The name of a type of numbers.
fn number_type(value_type: u8) -> Option<&'static str> {
    match value_type {
        0x7f => Some("i32"),
        0x7e => Some("i64"),
        0x7d => Some("f32"),
        0x7c => Some("f64"),
        _ => None,
    }
}

fn limit_memories(section: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    let mut reader = Reader(section);
    let mut limited = Vec::with_capacity(section.len() + 8);
    let count = reader.number()?;
    write_number(&mut limited, count);
    for _ in 0..count {
        let limits = reader.limits()?.lowered(pages / count);
        limits.map_err(LimitError::TooSmall)?.write(&mut limited);
    }
    reader.end()?;
    Ok(limited)
}

fn limit_tables(section: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    let mut reader = Reader(section);
    let mut limited = Vec::with_capacity(section.len() + 8);
    let count = reader.number()?;
    write_number(&mut limited, count);
    let entries = pages.saturating_mul(ENTRIES_PER_PAGE);
    for _ in 0..count {
        let whole = reader.0;
        let has_expression = whole.first() == Some(&WITH_EXPRESSION);
        if has_expression {
            reader.take(2)?;
        }
        reader.value_type()?;
        limited.extend_from_slice(&whole[..whole.len() - reader.0.len()]);
        let limits = reader.limits()?.lowered(entries / count);
        limits
            .map_err(LimitError::TooManyEntries)?
            .write(&mut limited);
        if has_expression {
            let whole = reader.0;
            reader.expression()?;
            limited.extend_from_slice(&whole[..whole.len() - reader.0.len()]);
        }
    }
    reader.end()?;
    Ok(limited)
}

fn limit_imports(section: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    let mut reader = Reader(section);
    let mut limited = Vec::with_capacity(section.len() + 8);
    let count = reader.number()?;
    write_number(&mut limited, count);
    for _ in 0..count {
        let import = reader.import()?;
        limited.extend_from_slice(import.bytes);
        if let Some(limits) = import.memory {
            let limits = limits.lowered(pages);
            limits.map_err(LimitError::TooSmall)?.write(&mut limited);
        }
    }
    reader.end()?;
    Ok(limited)
}

/// A memory that a module imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMemory {
    /// What it is imported from.
    pub module: String,
    /// What it is called there.
    pub name: String,
    /// The pages that it has at first.
    pub minimum: u64,
    /// The pages that it may have.
    pub maximum: Option<u64>,
    /// Whether threads share it.
    pub is_shared: bool,
}

/// The memory that a module imports, if it is the only one that it has, of addresses of 32 bits.
///
/// # Errors
///
/// [`LimitError::Malformed`].
pub fn imported_memory(module: &[u8]) -> Result<Option<ImportedMemory>, LimitError> {
    let mut reader = Reader(module);
    if reader.take(HEADER.len())? != HEADER {
        return Err(LimitError::Malformed);
    }
    let mut imported = Vec::new();
    while !reader.0.is_empty() {
        let id = reader.byte()?;
        let len = usize::try_from(reader.number()?).map_err(|_| LimitError::Malformed)?;
        let mut section = Reader(reader.take(len)?);
        match id {
            IMPORT => {
                for _ in 0..section.number()? {
                    let import = section.import()?;
                    imported.extend(import.memory.map(|limits| (import.names, limits)));
                }
            }
            MEMORY if section.number()? > 0 => return Ok(None),
            _ => {}
        }
    }
    match imported.as_slice() {
        [([module, name], limits)] if limits.flags & HAS_LONG_ADDRESSES == 0 => {
            let text = |name: &[u8]| String::from_utf8(name.to_vec()).ok();
            Ok(text(module)
                .zip(text(name))
                .map(|(module, name)| ImportedMemory {
                    module,
                    name,
                    minimum: limits.minimum,
                    maximum: limits.maximum,
                    is_shared: limits.flags & IS_SHARED != 0,
                }))
        }
        _ => Ok(None),
    }
}

/// One import.
struct Import<'m> {
    /// The module and the name there.
    names: [&'m [u8]; 2],
    /// The number of its type, of a function.
    function: Option<u64>,
    /// How large it is, of a memory.
    memory: Option<Limits>,
    /// All of it but these limits.
    bytes: &'m [u8],
}

/// How large a memory or a table is at first, and may become.
struct Limits {
    flags: u8,
    minimum: u64,
    maximum: Option<u64>,
}

impl Limits {
    /// With no more than that, or what it is at first.
    fn lowered(self, most: u64) -> Result<Self, u64> {
        if self.minimum > most {
            return Err(self.minimum);
        }
        let maximum = self.maximum.map_or(most, |maximum| maximum.min(most));
        Ok(Self {
            flags: self.flags | HAS_MAXIMUM,
            maximum: Some(maximum),
            ..self
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.push(self.flags);
        write_number(to, self.minimum);
        if let Some(maximum) = self.maximum {
            write_number(to, maximum);
        }
    }
}

/// What is left of a module or of a section.
struct Reader<'m>(&'m [u8]);

impl<'m> Reader<'m> {
    fn take(&mut self, len: usize) -> Result<&'m [u8], LimitError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(LimitError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, LimitError> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number in LEB128.
    fn number(&mut self) -> Result<u64, LimitError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(LimitError::Malformed)
    }

    fn name(&mut self) -> Result<&'m [u8], LimitError> {
        let len = usize::try_from(self.number()?).map_err(|_| LimitError::Malformed)?;
        self.take(len)
    }

    fn import(&mut self) -> Result<Import<'m>, LimitError> {
        let whole = self.0;
        let names = [self.name()?, self.name()?];
        let kind = self.byte()?;
        let mut function = None;
        match kind {
            IMPORTED_FUNCTION => function = Some(self.number()?),
            IMPORTED_TABLE => {
                self.value_type()?;
                self.limits()?;
            }
            IMPORTED_GLOBAL => {
                self.value_type()?;
                self.byte()?;
            }
            IMPORTED_TAG => {
                self.byte()?;
                self.number()?;
            }
            IMPORTED_MEMORY => {}
            _ => return Err(LimitError::Malformed),
        }
        let bytes = &whole[..whole.len() - self.0.len()];
        let memory = match kind {
            IMPORTED_MEMORY => Some(self.limits()?),
            _ => None,
        };
        Ok(Import {
            names,
            function,
            memory,
            bytes,
        })
    }

    /// The first byte of a type of a value: all of it, but of a reference to a type of a number.
    fn value_type(&mut self) -> Result<u8, LimitError> {
        let first = self.byte()?;
        if matches!(first, 0x63 | 0x64) {
            self.number()?;
        }
        Ok(first)
    }

    fn value_types(&mut self) -> Result<Vec<u8>, LimitError> {
        (0..self.number()?).map(|_| self.value_type()).collect()
    }

    /// The parameters of a type that begins with this byte, which must be that of a function.
    fn function_type(&mut self, mut kind: u8) -> Result<Vec<u8>, LimitError> {
        if matches!(kind, SUBTYPE | FINAL_SUBTYPE) {
            for _ in 0..self.number()? {
                self.number()?;
            }
            kind = self.byte()?;
        }
        match kind {
            FUNCTION => {}
            ARRAY | STRUCT => return Err(LimitError::Collected),
            _ => return Err(LimitError::Malformed),
        }
        let params = self.value_types()?;
        let _results = self.value_types()?;
        Ok(params)
    }

    /// A constant expression of the kinds that make a reference.
    fn expression(&mut self) -> Result<(), LimitError> {
        loop {
            match self.byte()? {
                0x0b => return Ok(()),
                // i32.const, ref.null, ref.func, global.get
                0x41 | 0xd0 | 0xd2 | 0x23 => drop(self.number()?),
                _ => return Err(LimitError::Malformed),
            }
        }
    }

    fn limits(&mut self) -> Result<Limits, LimitError> {
        let flags = self.byte()?;
        // A memory of other pages would be limited to something else.
        if flags & HAS_PAGE_SIZE != 0 || flags >= 2 * HAS_PAGE_SIZE {
            return Err(LimitError::Malformed);
        }
        let minimum = self.number()?;
        let maximum = match flags & HAS_MAXIMUM {
            0 => None,
            _ => Some(self.number()?),
        };
        Ok(Limits {
            flags,
            minimum,
            maximum,
        })
    }

    fn end(self) -> Result<(), LimitError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(LimitError::Malformed)
        }
    }
}

fn write_number(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut module = HEADER.to_vec();
        for (id, content) in sections {
            module.push(*id);
            write_number(&mut module, content.len() as u64);
            module.extend_from_slice(content);
        }
        module
    }

    /// An import named `m` of a module named `e`.
    fn import(rest: &[u8]) -> Vec<u8> {
        [&[1, b'e', 1, b'm'], rest].concat()
    }

    #[test]
    fn a_memory_gets_a_maximum_or_a_lower_one() {
        for (memory, limited) in [
            (&[1, 0, 1][..], &[1, 1, 1, 200, 1][..]),
            (&[1, 1, 1, 10], &[1, 1, 1, 10]),
            (&[1, 1, 1, 0x80, 0x80, 4], &[1, 1, 1, 200, 1]),
            // Shared, of 64 bits, and two of them.
            (&[1, 3, 1, 0x80, 0x80, 4], &[1, 3, 1, 200, 1]),
            (&[1, 4, 200, 1], &[1, 5, 200, 1, 200, 1]),
            (&[2, 0, 0, 0, 1], &[2, 1, 0, 100, 1, 1, 100]),
            (&[0], &[0]),
        ] {
            let before = module(&[(1, &[0]), (MEMORY, memory), (0, b"\x01xrest")]);
            let after = module(&[(1, &[0]), (MEMORY, limited), (0, b"\x01xrest")]);
            assert_eq!(limit_memory(&before, 200), Ok(after), "{memory:?}");
        }
    }

    #[test]
    fn parameters_are_those_of_the_exported_function() {
        let types = [
            3, FUNCTION, 0, 0, FUNCTION, 2, 0x7f, 0x7c, 1, 0x7e, FUNCTION, 1, 0x7b, 0,
        ];
        let imports = [&[1][..], &import(&[0, 0])].concat();
        let exports = [
            4, 1, b'f', 0, 1, 1, b'v', 0, 2, 1, b'm', 2, 0, 1, b'i', 0, 0,
        ];
        let sections: [(u8, &[u8]); 4] = [
            (TYPE, &types),
            (IMPORT, &imports),
            (FUNCTIONS, &[2, 1, 2]),
            (EXPORT, &exports),
        ];
        let module = module(&sections);
        assert_eq!(parameters(&module, "f"), Ok(Some(vec!["i32", "f64"])));
        assert_eq!(parameters(&module, "i"), Ok(Some(vec![])));
        assert_eq!(parameters(&module, "v"), Ok(None));
        for name in ["m", "none"] {
            assert_eq!(parameters(&module, name), Err(LimitError::Malformed));
        }
        assert!(parameters(&module[..module.len() - 1], "f").is_err());
    }

    #[test]
    fn an_imported_memory_is_found_among_imports_of_all_kinds() {
        let others: [&[u8]; 6] = [
            &[0, 0x85, 1],
            &[1, 0x70, 1, 0, 9],
            &[1, 0x63, 7, 0, 9],
            &[3, 0x7f, 1],
            &[3, 0x64, 0x80, 1, 0],
            &[4, 0, 3],
        ];
        let imports = |memory: &[u8]| {
            let others = others.iter().map(|other| import(other));
            let all: Vec<_> = others.chain([import(memory)]).flatten().collect();
            let mut content = vec![7];
            content.extend(all);
            module(&[(IMPORT, &content)])
        };
        let limited = limit_memory(&imports(&[2, 0, 1]), 3);
        assert_eq!(limited, Ok(imports(&[2, 1, 1, 3])));
    }

    #[test]
    fn an_imported_memory_is_told_if_it_is_the_only_one() {
        let of = |content: &[u8]| module(&[(IMPORT, content)]);
        let memory = |minimum, maximum, is_shared| ImportedMemory {
            module: "e".into(),
            name: "m".into(),
            minimum,
            maximum,
            is_shared,
        };
        for (limits, told) in [
            (&[2, 0, 0x80, 1][..], Some(memory(128, None, false))),
            (&[2, 1, 1, 9], Some(memory(1, Some(9), false))),
            (&[2, 3, 1, 9], Some(memory(1, Some(9), true))),
            (&[2, 4, 1], None),
            (&[0, 7], None),
        ] {
            let content = [&[1][..], &import(limits)].concat();
            assert_eq!(imported_memory(&of(&content)), Ok(told), "{limits:?}");
        }
        let one = import(&[2, 0, 1]);
        let two = [&[2][..], &one, &one].concat();
        assert_eq!(imported_memory(&of(&two)), Ok(None));
        let beside = [&[1][..], &one].concat();
        let beside = |own: &[u8]| module(&[(IMPORT, &beside), (MEMORY, own)]);
        assert_eq!(imported_memory(&beside(&[1, 0, 1])), Ok(None));
        assert!(imported_memory(&beside(&[0])).unwrap().is_some());
        assert_eq!(imported_memory(b"\0asm"), Err(LimitError::Malformed));
    }

    #[test]
    fn tables_get_a_maximum_or_a_lower_one() {
        for (table, limited) in [
            // One page is 8192 entries.
            (&[1, 0x70, 0, 1][..], &[1, 0x70, 1, 1, 0x80, 0x80, 1][..]),
            (&[1, 0x70, 1, 1, 2], &[1, 0x70, 1, 1, 2]),
            (
                &[2, 0x63, 7, 0, 1, 0x6f, 0, 0],
                &[2, 0x63, 7, 1, 1, 0x80, 0x40, 0x6f, 1, 0, 0x80, 0x40],
            ),
            (
                &[1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b],
                &[1, 0x40, 0, 0x70, 1, 1, 0x80, 0x80, 1, 0xd0, 0x70, 0x0b],
            ),
        ] {
            let before = module(&[(TABLE, table)]);
            let after = module(&[(TABLE, limited)]);
            assert_eq!(limit_memory(&before, 2), Ok(after), "{table:?}");
        }
        let begins_large = module(&[(TABLE, &[1, 0x70, 0, 0x81, 0x80, 1])]);
        let refused = limit_memory(&begins_large, 2);
        assert_eq!(refused, Err(LimitError::TooManyEntries(16_385)));
    }

    #[test]
    fn functions_alone_may_be_types() {
        for (types, limited) in [
            (&[1, 0x60, 2, 0x7f, 0x63, 0x70, 1, 0x7e][..], Ok(())),
            (&[1, 0x4e, 1, 0x50, 1, 3, 0x60, 0, 0], Ok(())),
            (&[1, 0x4f, 0, 0x60, 0, 0], Ok(())),
            (&[1, 0x5e, 0x78, 1], Err(LimitError::Collected)),
            (&[1, 0x4e, 1, 0x5f, 0], Err(LimitError::Collected)),
            (&[1, 0x50, 0, 0x5f, 0], Err(LimitError::Collected)),
            (&[1, 0x77], Err(LimitError::Malformed)),
        ] {
            let module = module(&[(TYPE, types)]);
            let expected = limited.map(|()| module.clone());
            assert_eq!(limit_memory(&module, 2), expected, "{types:?}");
        }
    }

    #[test]
    fn a_module_that_needs_more_is_refused() {
        let begins_large = module(&[(MEMORY, &[1, 0, 17])]);
        let refused = limit_memory(&begins_large, 16);
        assert_eq!(refused, Err(LimitError::TooSmall(17)));
        assert!(limit_memory(&begins_large, 17).is_ok());
    }

    #[test]
    fn what_is_no_module_is_refused_wherever_it_ends() {
        let whole = module(&[
            (IMPORT, &[&[1][..], &import(&[2, 0, 1])].concat()),
            (MEMORY, &[1, 0, 1]),
        ]);
        assert!(limit_memory(&whole, 9).is_ok());
        let sections_end_at = [HEADER.len(), whole.len() - 5, whole.len()];
        for len in 0..whole.len() {
            let is_whole = sections_end_at.contains(&len);
            assert_eq!(limit_memory(&whole[..len], 9).is_ok(), is_whole, "{len}");
        }
        for content in [
            // Other pages, unknown flags, a number that never ends, more than was said, a huge count.
            &[1, 8, 1, 0][..],
            &[1, 16, 1],
            &[
                1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
            &[1, 0, 1, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xf, 0, 0],
        ] {
            let module = module(&[(MEMORY, content)]);
            assert_eq!(
                limit_memory(&module, 9),
                Err(LimitError::Malformed),
                "{content:?}"
            );
        }
    }
}
