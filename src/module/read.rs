//! What only the bytes of a module tell: the parameters of its functions, the memory that it imports, where its
//! code is.

use wasmparser::{ExternalKind, Payload, TypeRef, ValType};

use super::{LimitError, each_section};

/// The types of the parameters of an exported function, as the text format names them; `None` if one is not a
/// number.
///
/// # Errors
///
/// [`LimitError`]: it is no module, or uses an unknown feature.
pub fn parameters(module: &[u8], name: &str) -> Result<Option<Vec<&'static str>>, LimitError> {
    let (mut types, mut functions, mut exported) = (Vec::new(), Vec::new(), None);
    each_section(module, |payload| {
        match payload {
            Payload::TypeSection(section) => types = super::types(section)?,
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

/// The name of a number type.
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
    /// The name of the module that it is imported from.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// The number of pages at the start.
    pub minimum: u64,
    /// The maximum number of pages.
    pub maximum: Option<u64>,
    /// Whether threads share it.
    pub is_shared: bool,
}

/// What only the bytes of a module tell, and an engine does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The memory that it imports, if that is its only one, with 32-bit addresses.
    pub imported_memory: Option<ImportedMemory>,
    /// The offset of the code section's content, from which DWARF and source maps count; `None` without code.
    pub code_start: Option<u64>,
}

/// Reads what only the bytes of a module tell.
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
