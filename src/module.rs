//! What a module has that grows, and the same module with less that its memories and tables may grow to; and what
//! parameters its functions have, and where its code is.

use std::fmt;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ImportSection, MemorySection, Module, RawSection, Section, TableSection};
use wasmparser::{
    BinaryReaderError, Chunk, CompositeInnerType, ExternalKind, FuncType, ImportSectionReader,
    Parser, Payload, SectionLimited, TypeRef, TypeSectionReader, ValType,
};

/// Bytes of a page of memory.
const PAGE: u64 = 65_536;

/// Entries of tables in the room of a page of memory. An engine has a pointer for each.
const ENTRIES_PER_PAGE: u64 = PAGE / 8;

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
                "the program begins with {minimum} pages of 64 KiB, {} bytes, which is more memory than it may have",
                minimum.saturating_mul(PAGE)
            ),
        }
    }
}

impl From<BinaryReaderError> for LimitError {
    fn from(_: BinaryReaderError) -> Self {
        Self::Malformed
    }
}

impl From<reencode::Error<Self>> for LimitError {
    fn from(error: reencode::Error<Self>) -> Self {
        match error {
            reencode::Error::UserError(error) => error,
            _ => Self::Malformed,
        }
    }
}

/// Calls a function for each section of a module; code is passed over.
fn each_section<'m>(
    module: &'m [u8],
    mut section: impl FnMut(Payload<'m>) -> Result<(), LimitError>,
) -> Result<(), LimitError> {
    let mut parser = Parser::new(0);
    let mut rest = module;
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
            return Err(LimitError::Malformed);
        };
        rest = &rest[consumed..];
        match payload {
            Payload::End(_) => return Ok(()),
            Payload::CodeSectionStart { size, .. } => {
                parser.skip_section();
                rest = rest.get(size as usize..).ok_or(LimitError::Malformed)?;
            }
            _ => {}
        }
        section(payload)?;
    }
}

/// The module with no memory, its own or an imported one, that may grow beyond `pages` of 64 KiB. Several of
/// its own have as much together, and its tables have the same once more.
///
/// # Errors
///
/// [`LimitError`].
pub fn limit_memory(module: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    // Maxima that were not there take a few bytes each.
    let mut limited = Vec::with_capacity(module.len() + 64);
    limited.extend_from_slice(&Module::HEADER);
    each_section(module, |payload| {
        match &payload {
            Payload::ImportSection(section) => {
                limit_imports(section.clone(), pages)?.append_to(&mut limited);
            }
            Payload::TableSection(section) => {
                let mut tables = TableSection::new();
                let entries = pages.saturating_mul(ENTRIES_PER_PAGE);
                let mut most = Most::each_of(section, entries);
                most.parse_table_section(&mut tables, section.clone())?;
                tables.append_to(&mut limited);
            }
            Payload::MemorySection(section) => {
                let mut memories = MemorySection::new();
                let mut most = Most::each_of(section, pages);
                most.parse_memory_section(&mut memories, section.clone())?;
                memories.append_to(&mut limited);
            }
            other => {
                if let Payload::TypeSection(section) = other {
                    // There may be types of functions only.
                    types(section.clone())?;
                }
                if let Some((id, range)) = other.as_section() {
                    // What was read out of these bytes is in them.
                    let data = &module[range.start as usize..range.end as usize];
                    RawSection { id, data }.append_to(&mut limited);
                }
            }
        }
        Ok(())
    })?;
    Ok(limited)
}

/// The imports, of which tables stay as they are: the host makes them.
fn limit_imports(
    section: ImportSectionReader<'_>,
    pages: u64,
) -> Result<ImportSection, LimitError> {
    let mut imports = ImportSection::new();
    for import in section.into_imports() {
        let import = import?;
        let ty = match import.ty {
            TypeRef::Memory(memory) => Most(pages).memory_type(memory)?.into(),
            other => reencode::RoundtripReencoder
                .entity_type(other)
                .map_err(|_| LimitError::Malformed)?,
        };
        imports.import(import.module, import.name, ty);
    }
    Ok(imports)
}

/// The most that a memory may have in pages, or a table in entries.
struct Most(u64);

impl Most {
    /// What each in a section may have where that is the most of all together.
    fn each_of<T>(section: &SectionLimited<'_, T>, all: u64) -> Self {
        Self(all / u64::from(section.count().max(1)))
    }

    /// The lower one.
    fn or(&self, maximum: Option<u64>) -> Option<u64> {
        Some(maximum.map_or(self.0, |maximum| maximum.min(self.0)))
    }
}

impl Reencode for Most {
    type Error = LimitError;

    fn memory_type(
        &mut self,
        memory: wasmparser::MemoryType,
    ) -> Result<wasm_encoder::MemoryType, reencode::Error<LimitError>> {
        // A memory of other pages would be limited to something else.
        if memory.page_size_log2.is_some() {
            return Err(reencode::Error::UserError(LimitError::Malformed));
        }
        if memory.initial > self.0 {
            return Err(reencode::Error::UserError(LimitError::TooSmall(
                memory.initial,
            )));
        }
        let maximum = self.or(memory.maximum);
        Ok(reencode::utils::memory_type(
            self,
            wasmparser::MemoryType { maximum, ..memory },
        ))
    }

    // Copied: to decode and encode each instruction would add a tenth to the size of the binary.
    fn const_expr(
        &mut self,
        expression: wasmparser::ConstExpr<'_>,
    ) -> Result<wasm_encoder::ConstExpr, reencode::Error<LimitError>> {
        let mut reader = expression.get_binary_reader();
        let bytes = reader.read_bytes(reader.bytes_remaining())?;
        let end = bytes.len().saturating_sub(1);
        Ok(wasm_encoder::ConstExpr::raw(bytes[..end].iter().copied()))
    }

    fn table_type(
        &mut self,
        table: wasmparser::TableType,
    ) -> Result<wasm_encoder::TableType, reencode::Error<LimitError>> {
        if table.initial > self.0 {
            return Err(reencode::Error::UserError(LimitError::TooManyEntries(
                table.initial,
            )));
        }
        let maximum = self.or(table.maximum);
        reencode::utils::table_type(self, wasmparser::TableType { maximum, ..table })
    }
}

/// Each type, all of which must be of functions.
fn types(section: TypeSectionReader<'_>) -> Result<Vec<FuncType>, LimitError> {
    let mut types = Vec::new();
    for group in section {
        for ty in group?.into_types() {
            types.push(match ty.composite_type.inner {
                CompositeInnerType::Func(function) => function,
                CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) => {
                    return Err(LimitError::Collected);
                }
                CompositeInnerType::Cont(_) => return Err(LimitError::Malformed),
            });
        }
    }
    Ok(types)
}

/// The types of the parameters of an exported function, as the text format names them; none where one is no
/// number.
///
/// # Errors
///
/// [`LimitError`]: it is no module, or uses what is not known here.
pub fn parameters(module: &[u8], name: &str) -> Result<Option<Vec<&'static str>>, LimitError> {
    let (mut types, mut functions, mut exported) = (Vec::new(), Vec::new(), None);
    each_section(module, |payload| {
        match payload {
            Payload::TypeSection(section) => types = self::types(section)?,
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(index) | TypeRef::FuncExact(index) = import?.ty {
                        functions.push(index);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    functions.push(index?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.name == name && export.kind == ExternalKind::Func {
                        exported = Some(export.index);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let function = exported.and_then(|index| functions.get(index as usize));
    let function = function.and_then(|index| types.get(*index as usize));
    let function = function.ok_or(LimitError::Malformed)?;
    Ok(function.params().iter().map(number_type).collect())
}

/// The name of a type of numbers.
fn number_type(value_type: &ValType) -> Option<&'static str> {
    match value_type {
        ValType::I32 => Some("i32"),
        ValType::I64 => Some("i64"),
        ValType::F32 => Some("f32"),
        ValType::F64 => Some("f64"),
        ValType::V128 | ValType::Ref(_) => None,
    }
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

/// What only the bytes of a module tell: an engine does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The memory that it imports, if it is the only one that it has, of addresses of 32 bits.
    pub imported_memory: Option<ImportedMemory>,
    /// Where the code section begins, behind its size: DWARF and source maps count from there; none without
    /// code.
    pub code_start: Option<u64>,
}

/// What only the bytes of a module tell.
///
/// # Errors
///
/// [`LimitError::Malformed`].
pub fn layout(module: &[u8]) -> Result<Layout, LimitError> {
    let (mut imported, mut has_own, mut code_start) = (Vec::new(), false, None);
    each_section(module, |payload| {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Memory(memory) = import.ty {
                        imported.push((import.module, import.name, memory));
                    }
                }
            }
            Payload::MemorySection(section) => has_own |= section.count() > 0,
            Payload::CodeSectionStart {
                unchecked_range, ..
            } => code_start = Some(unchecked_range.start),
            _ => {}
        }
        Ok(())
    })?;
    let imported_memory = match imported.as_slice() {
        [(module, name, memory)] if !memory.memory64 && !has_own => Some(ImportedMemory {
            module: (*module).to_owned(),
            name: (*name).to_owned(),
            minimum: memory.initial,
            maximum: memory.maximum,
            is_shared: memory.shared,
        }),
        _ => None,
    };
    Ok(Layout {
        imported_memory,
        code_start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use wasm_encoder::SectionId;

    const TYPE: u8 = SectionId::Type as u8;
    const IMPORT: u8 = SectionId::Import as u8;
    const FUNCTIONS: u8 = SectionId::Function as u8;
    const TABLE: u8 = SectionId::Table as u8;
    const MEMORY: u8 = SectionId::Memory as u8;
    const EXPORT: u8 = SectionId::Export as u8;
    const CODE: u8 = SectionId::Code as u8;

    /// A type of functions.
    const FUNCTION: u8 = 0x60;

    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut module = Module::new();
        for (id, data) in sections {
            module.section(&RawSection { id: *id, data });
        }
        module.finish()
    }

    fn imported_memory(module: &[u8]) -> Result<Option<ImportedMemory>, LimitError> {
        layout(module).map(|layout| layout.imported_memory)
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
        let bodies = [2, 2, 0, 0x0b, 2, 0, 0x0b];
        let sections: [(u8, &[u8]); 5] = [
            (TYPE, &types),
            (IMPORT, &imports),
            (FUNCTIONS, &[2, 1, 2]),
            (EXPORT, &exports),
            (CODE, &bodies),
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
        let sections_end_at = [Module::HEADER.len(), whole.len() - 5, whole.len()];
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
