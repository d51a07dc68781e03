//! The source lines of a program's code, by the DWARF sections of its module.
//!
//! A module may come from anybody, and so may its DWARF: it is read once, from start to end, and what cannot be
//! read gives no lines.

use gimli::{
    AttributeValue, DebugLine, DebugLineOffset, DebugLineStr, DebugStr, EndianSlice,
    LineProgramHeader, LineRow, LittleEndian, Reader,
};

/// The maximum size, in bytes, of the header of a unit that is read. Its names take more memory than they have
/// bytes.
const MAX_HEADER: usize = 1 << 19;

/// The maximum size of a `.debug_line` that is read, in bytes. Each byte may be a row; a million of them takes
/// some 50 ms.
const MAX_LINES: usize = 1 << 24;

/// The maximum size of a section of names, in bytes: the end of each name is searched for.
const MAX_NAMES: usize = 1 << 26;

/// The maximum length of a path that is returned, in bytes.
const MAX_PATH: usize = 4096;

/// The size of an address in bytes, for versions of DWARF that do not have it.
const ADDRESS_SIZE: u8 = 4;

type Bytes<'s> = EndianSlice<'s, LittleEndian>;

/// The DWARF sections of a module that are needed for lines. Any may be empty.
pub struct Sections<'s> {
    /// `.debug_line`
    pub line: &'s [u8],
    /// `.debug_line_str`: names, from version 5 on
    pub line_str: &'s [u8],
    /// `.debug_str`: names that may also be elsewhere
    pub str: &'s [u8],
}

impl<'s> Sections<'s> {
    fn string(&self, value: AttributeValue<Bytes<'s>>) -> Option<&'s str> {
        let bytes = match value {
            AttributeValue::String(bytes) => bytes,
            AttributeValue::DebugLineStrRef(offset) => {
                DebugLineStr::from(EndianSlice::new(self.line_str, LittleEndian))
                    .get_str(offset)
                    .ok()?
            }
            AttributeValue::DebugStrRef(offset) => {
                DebugStr::from(EndianSlice::new(self.str, LittleEndian))
                    .get_str(offset)
                    .ok()?
            }
            _ => return None,
        };
        // It is shown, also on terminals: no control characters.
        let text = std::str::from_utf8(bytes.slice()).ok()?;
        (text.len() <= MAX_PATH && !text.contains(char::is_control)).then_some(text)
    }

    /// `PATH:LINE` or `PATH:LINE:COLUMN`, both from 1.
    fn place(&self, header: &LineProgramHeader<Bytes<'s>>, row: &LineRow) -> Option<String> {
        let line = row.line()?;
        let file = row.file(header)?;
        let name = self.string(file.path_name())?;
        let directory = file.directory(header).and_then(|value| self.string(value));
        let path = match directory {
            Some(directory) if !is_absolute(name) && !directory.is_empty() => {
                format!("{directory}/{name}")
            }
            _ => name.to_owned(),
        };
        Some(match row.column() {
            gimli::ColumnType::LeftEdge => format!("{path}:{line}"),
            gimli::ColumnType::Column(column) => format!("{path}:{line}:{column}"),
        })
    }
}

/// Whether a path is absolute on the system where the program was built, which may be Windows.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.get(1..2) == Some(":")
}

/// The section, or an empty one if it is too large.
fn readable(section: &[u8], max: usize) -> &[u8] {
    if section.len() > max { &[] } else { section }
}

/// An offset in the code section, and where to write its place. Sorted by offset, as a program may have as many
/// rows as its section has bytes.
type Wanted<'f> = (u64, &'f mut Option<String>);

/// The places in the source of these offsets in the code section; `None` for an offset without one.
#[must_use]
pub fn source_lines(sections: &Sections<'_>, offsets: &[u64]) -> Vec<Option<String>> {
    let sections = Sections {
        line: readable(sections.line, MAX_LINES),
        line_str: readable(sections.line_str, MAX_NAMES),
        str: readable(sections.str, MAX_NAMES),
    };
    let mut found = vec![None; offsets.len()];
    let mut wanted: Vec<Wanted<'_>> = offsets.iter().copied().zip(&mut found).collect();
    wanted.sort_unstable_by_key(|(offset, _)| *offset);
    let mut start = 0;
    // A broken unit ends the search, as the start of the next one is not known.
    while !wanted.is_empty()
        && let Ok(Some(end)) = end_of_unit(sections.line, start)
    {
        // A unit that cannot be read, or has an unknown version, is skipped.
        let _: gimli::Result<()> = read_unit(&sections, start, &mut wanted);
        start = end;
    }
    drop(wanted);
    found
}

/// The end of the unit at `start`; `None` if there is none, or its header is too large.
fn end_of_unit(lines: &[u8], start: usize) -> gimli::Result<Option<usize>> {
    let Some(rest) = lines.get(start..).filter(|rest| !rest.is_empty()) else {
        return Ok(None);
    };
    let mut rest = EndianSlice::new(rest, LittleEndian);
    let (length, format) = rest.read_initial_length()?;
    let mut unit = rest.split(length)?;
    let end = lines.len() - rest.len();
    let version = unit.read_u16()?;
    if !(2..=5).contains(&version) {
        return Ok(Some(end));
    }
    if version == 5 {
        // Skips the sizes of addresses and of segment selectors.
        unit.skip(2)?;
    }
    let header = unit.read_length(format)?;
    Ok((header <= MAX_HEADER).then_some(end))
}

fn read_unit(
    sections: &Sections<'_>,
    start: usize,
    wanted: &mut Vec<Wanted<'_>>,
) -> gimli::Result<()> {
    let lines = DebugLine::new(sections.line, LittleEndian);
    let program = lines.program(DebugLineOffset(start), ADDRESS_SIZE, None, None)?;
    let mut rows = program.rows();
    let mut previous: Option<LineRow> = None;
    // For functions that a linker has removed, the lines are left at address 0, where there is no code.
    let mut is_removed = false;
    while let Some((header, row)) = rows.next_row()? {
        match &previous {
            None => is_removed = row.address() == 0,
            Some(from) if !is_removed => {
                let begin = wanted.partition_point(|(offset, _)| *offset < from.address());
                let end = wanted.partition_point(|(offset, _)| *offset < row.address());
                // Each offset is looked up once, even if another unit claims it as well.
                for (_, place) in wanted.drain(begin..end.max(begin)) {
                    *place = sections.place(header, from);
                }
            }
            Some(_) => {}
        }
        previous = (!row.end_sequence()).then_some(*row);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of the code of a unit.
    const AT: u32 = 100;

    /// Two lines, 2 and 3 of a file in `dir`, of four bytes of code each, from `at` on.
    fn unit(version: u16, name: &[u8], at: u32) -> Vec<u8> {
        // Each opcode advances the line by one, and the address by the opcode less one.
        let mut header = vec![1];
        header.extend((version >= 4).then_some(1));
        header.extend([1, 1, 1, 1]);
        if version < 5 {
            header.extend(b"dir\0\0");
            header.extend([name, b"\0\x01\0\0\0"].concat());
        } else {
            // Names of directories and files are strings.
            header.extend(b"\x01\x01\x08\x01dir\0");
            header.extend([b"\x01\x01\x08\x02", name, b"\0", name, b"\0"].concat());
        }
        let mut unit = version.to_le_bytes().to_vec();
        if version >= 5 {
            unit.extend([ADDRESS_SIZE, 0]);
        }
        unit.extend((header.len() as u32).to_le_bytes());
        unit.extend(header);
        // DW_LNE_set_address, three opcodes, DW_LNE_end_sequence.
        unit.extend([0, 5, 2]);
        unit.extend(at.to_le_bytes());
        unit.extend([1, 5, 5, 0, 1, 1]);
        [&(unit.len() as u32).to_le_bytes()[..], &unit].concat()
    }

    fn lines(line: &[u8], offsets: &[u64]) -> Vec<Option<String>> {
        let sections = Sections {
            line,
            line_str: b"",
            str: b"",
        };
        source_lines(&sections, offsets)
    }

    fn line(units: &[Vec<u8>]) -> Option<String> {
        lines(&units.concat(), &[AT.into()]).remove(0)
    }

    #[test]
    fn each_version_has_its_lines() {
        for version in 2..=5 {
            let offsets = [99, 100, 103, 104, 107, 108];
            let places = lines(&unit(version, b"a.c", AT), &offsets);
            let [before, rest @ .., behind] = places.as_slice() else {
                unreachable!()
            };
            assert_eq!([before, behind], [&None, &None]);
            let rest: Vec<_> = rest.iter().flatten().collect();
            let [two, three] = ["dir/a.c:2", "dir/a.c:3"];
            assert_eq!(rest, [two, two, three, three], "{version}");
        }
    }

    #[test]
    fn absolute_names_are_in_no_directory() {
        for name in ["/a.c", "C:\\a.c"] {
            let place = line(&[unit(4, name.as_bytes(), AT)]);
            assert_eq!(place, Some(format!("{name}:2")));
        }
    }

    #[test]
    fn what_linkers_removed_is_nowhere() {
        let removed = unit(4, b"removed.c", 0);
        assert_eq!(lines(&removed, &[0, 1, 4]), [None, None, None]);
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let mut unknown = unit(4, b"b.c", AT);
        unknown[4] = 9;
        let place = line(&[unknown, unit(4, b"a.c", AT)]);
        assert_eq!(place.as_deref(), Some("dir/a.c:2"));
    }

    #[test]
    fn names_are_shown_only_as_text() {
        let long = vec![b'a'; MAX_PATH + 1];
        for name in [&b"a\x1b[2J.c"[..], b"a\n.c", b"\xff", &long] {
            assert_eq!(line(&[unit(4, name, AT)]), None);
        }
    }

    #[test]
    fn a_header_is_no_larger_than_names_are() {
        let mut large = unit(4, b"a.c", AT);
        let size = (MAX_HEADER + 1) as u32;
        large[6..10].copy_from_slice(&size.to_le_bytes());
        assert_eq!(line(&[large, unit(4, b"a.c", AT)]), None);
    }

    #[test]
    fn what_is_broken_has_lines_or_none() {
        for version in 2..=5 {
            let whole = unit(version, b"a.c", AT);
            for end in 0..whole.len() {
                assert_eq!(lines(&whole[..end], &[AT.into()]), [None]);
            }
            for at in 0..whole.len() {
                for byte in 0..=u8::MAX {
                    let mut broken = whole.clone();
                    broken[at] = byte;
                    let places = lines(&broken, &[0, AT.into(), u64::MAX]);
                    assert_eq!(places.len(), 3);
                }
            }
        }
    }
}
