//! What is read out of the binary format of modules, which engines do not tell: what grows in one, the parameters of
//! its functions, where its code is.

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

/// Bytes of a page of memory.
const PAGE: u64 = 65_536;

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
