//! Reads of the binary format of modules what engines do not tell: maxima of memories and tables, the
//! parameters of functions, where the code is.

mod limit;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use wasm_encoder::reencode;
use wasmparser::{
    BinaryReaderError, Chunk, CompositeInnerType, FuncType, Parser, Payload, TypeSectionReader,
};

pub use limit::limit_memory;
pub use read::{ImportedMemory, Layout, layout, parameters};

/// The size of a page of memory in bytes.
const PAGE: u64 = 65_536;

/// Why the memory of a module cannot be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitError {
    /// It is no module, is cut off, or uses an unknown feature.
    Malformed,
    /// It has this many pages at the start, more than the limit.
    TooSmall(u64),
    /// Its tables have this many entries at the start, more than the limit.
    TooManyEntries(u64),
    /// It creates garbage-collected objects: they are on the engine's heap, which cannot be limited here.
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

/// Calls a function for each section of a module. Code is skipped.
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

/// The types, all of which must be types of functions.
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
