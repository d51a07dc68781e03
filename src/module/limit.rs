//! Limits how far the memories and tables of a module may grow.

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ImportSection, MemorySection, Module, RawSection, Section, TableSection};
use wasmparser::{ImportSectionReader, Payload, SectionLimited, TypeRef};

use super::{LimitError, PAGE, each_section, types};

/// How many entries of a table take as much room as a page of memory: an engine has a pointer for each.
const ENTRIES_PER_PAGE: u64 = PAGE / 8;

/// The same module with lower maxima: no memory, own or imported, may grow beyond `pages` of 64 KiB. The own
/// ones may have so many together, and so may the tables.
///
/// # Errors
///
/// [`LimitError`].
pub fn limit_memory(module: &[u8], pages: u64) -> Result<Vec<u8>, LimitError> {
    // Each maximum that is added takes a few bytes.
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
                    // Only types of functions are allowed.
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

/// The imports with limited memories. Tables stay as they are, as the host makes them.
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

/// The maximum of a memory in pages, or of a table in entries.
struct Most(u64);

impl Most {
    /// The maximum of each memory or table in a section, if `all` is the maximum of all together.
    fn each_of<T>(section: &SectionLimited<'_, T>, all: u64) -> Self {
        Self(all / u64::from(section.count().max(1)))
    }

    /// The lower one of both.
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
        // With pages of another size, the limit would mean something else.
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

    // Copied: decoding and encoding each instruction would make the binary a tenth larger.
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
