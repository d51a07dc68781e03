//! Which of a guest's names are valid on Windows.
//!
//! For Windows, more of a name has a meaning than for POSIX: `\` is a separator like `/`, `a:b` is a stream of
//! `a`, `NUL` and others are devices in every directory, and in `a. .` only the `a` counts. Not every call does
//! all of this, and that differs between versions. So a name that any call could take for more than one plain
//! name is never passed to one: it is refused as a name that does not exist (`ENOENT`, which is also the error
//! of node:wasi for names that Windows does not accept).

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_NAME, ERROR_NO_UNICODE_TRANSLATION,
};

use super::errno::error;
use crate::host::Name;

/// The maximum length of a name in UTF-16 code units.
pub(super) const MAX_LEN: usize = 255;

/// Characters that no name on Windows has.
const RESERVED: [char; 9] = ['\\', ':', '/', '*', '?', '"', '<', '>', '|'];

/// The devices that are in every directory. `COM` and `LPT` are followed by a digit.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// The name of an entry of a directory.
///
/// # Errors
///
/// `ERROR_INVALID_NAME`: Windows would not take it for a plain name. `ERROR_FILENAME_EXCED_RANGE`: it is too
/// long. `ERROR_NO_UNICODE_TRANSLATION`: it is not UTF-8.
pub(super) fn component(name: Name<'_>) -> io::Result<&str> {
    check(text(name.as_bytes())?)
}

/// The name of an entry of a directory in UTF-16, at most [`MAX_LEN`] code units.
///
/// # Errors
///
/// As [`component`].
pub(super) fn wide(name: Name<'_>) -> io::Result<Vec<u16>> {
    Ok(component(name)?.encode_utf16().collect())
}

/// The target of a symbolic link with Windows' separators, and whether its text says that it is a directory. It
/// is relative.
///
/// # Errors
///
/// As [`component`], for each component but `.` and `..`.
pub(super) fn target(bytes: &[u8]) -> io::Result<(String, bool)> {
    let text = text(bytes)?;
    let components: Vec<_> = text.split('/').filter(|name| !name.is_empty()).collect();
    for component in &components {
        if !matches!(*component, "." | "..") {
            check(component)?;
        }
    }
    let directory = text.ends_with('/') || matches!(components.last(), Some(&("." | "..")));
    Ok((components.join("\\"), directory))
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    str::from_utf8(bytes).map_err(|_| error(ERROR_NO_UNICODE_TRANSLATION))
}

fn check(name: &str) -> io::Result<&str> {
    let plain = !name.is_empty()
        && !name.ends_with(['.', ' '])
        && !name.contains(RESERVED)
        && !name.contains(|char: char| char.is_ascii_control())
        && !is_device(name);
    if !plain {
        return Err(error(ERROR_INVALID_NAME));
    }
    if name.encode_utf16().count() > MAX_LEN {
        return Err(error(ERROR_FILENAME_EXCED_RANGE));
    }
    Ok(name)
}

/// Whether the name is that of a device, also with spaces or an extension after it.
fn is_device(name: &str) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.trim_end();
    let is = |device: &&str| stem.eq_ignore_ascii_case(device);
    if DEVICES.iter().any(is) {
        return true;
    }
    // The digits of Latin-1 ¹, ² and ³ count as digits.
    let Some((at, digit)) = stem.char_indices().next_back() else {
        return false;
    };
    matches!(digit, '0'..='9' | '¹' | '²' | '³')
        && (NUMBERED_DEVICES.iter()).any(|device| stem[..at].eq_ignore_ascii_case(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Option<i32> {
        check(name).err()?.raw_os_error()
    }

    #[test]
    fn devices_are_no_names() {
        for device in [
            "CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM9", "COM¹", "COM²", "COM³", "LPT0",
            "LPT5", "LPT¹", "LPT²", "LPT³", "CONIN$", "CONOUT$",
        ] {
            for suffix in [
                "", " ", ".", ". ", ".txt", ".txt.gz", " .txt", "  .", ":", ":a", " :",
            ] {
                for name in [
                    format!("{device}{suffix}"),
                    format!("{}{suffix}", device.to_lowercase()),
                ] {
                    assert_eq!(refused(&name), Some(ERROR_INVALID_NAME as i32), "{name:?}");
                }
            }
        }
        for name in [
            "COM", "COM10", "CONS", "NULL", "a.con", "LPT", "COM⁴", "¹", "nul-",
        ] {
            assert_eq!(refused(name), None, "{name:?}");
        }
    }

    #[test]
    fn what_windows_reads_more_into_is_no_name() {
        for name in [
            "", "a\\b", "\\", "a:b", "c:", "a::$DATA", "a*", "a?", "a\"", "a<", "a>", "a|", "a/b",
            "a.", "a ", "...", "..", ".", " ", "a\u{1}", "a\u{7f}",
        ] {
            assert_eq!(refused(name), Some(ERROR_INVALID_NAME as i32), "{name:?}");
        }
        for name in [
            "a", ".a", "..a", " a", "a.b", "a b", "ä", "😀", "$MFT", "a~1",
        ] {
            assert_eq!(refused(name), None, "{name:?}");
        }
        assert_eq!(refused(&"ä".repeat(MAX_LEN)), None);
        assert_eq!(
            refused(&"ä".repeat(MAX_LEN + 1)),
            Some(ERROR_FILENAME_EXCED_RANGE as i32)
        );
        assert!(component(Name::new(b"\xff").unwrap()).is_err());
    }

    #[test]
    fn targets_have_the_separators_of_windows() {
        let target = |bytes: &str| target(bytes.as_bytes());
        assert_eq!(target("../a/b").unwrap(), ("..\\a\\b".into(), false));
        assert_eq!(target("a//b").unwrap(), ("a\\b".into(), false));
        assert_eq!(target("a/").unwrap(), ("a".into(), true));
        assert_eq!(target("a/..").unwrap(), ("a\\..".into(), true));
        for refused in ["c:/a", "\\a", "\\\\server\\share", "a/con/b", "a:b"] {
            assert!(target(refused).is_err(), "{refused}");
        }
    }
}
