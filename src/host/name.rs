/// A file name: one component of a path, which refers to an entry of its directory and nothing else.
///
/// Not empty, neither `.` nor `..`, and without `/` or NUL. Any other byte is valid here; the system call
/// refuses what else is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// These bytes as a name; `None` if they are not one.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let name = !bytes.is_empty()
            && bytes != b"."
            && bytes != b".."
            && !bytes.iter().any(|byte| matches!(byte, b'/' | 0));
        name.then_some(Self(bytes))
    }

    /// The bytes, without a NUL.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// A [`Name`] with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameBuf(Vec<u8>);

impl NameBuf {
    /// These bytes as a name; `None` if they are not one.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Name::new(&bytes)?;
        Some(Self(bytes))
    }

    /// The name, borrowed.
    pub fn as_name(&self) -> Name<'_> {
        Name(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_that_could_lead_elsewhere_are_no_names() {
        for bytes in [
            &b""[..],
            b".",
            b"..",
            b"/",
            b"a/",
            b"/a",
            b"a/b",
            b"a\0",
            b"\0",
        ] {
            assert_eq!(Name::new(bytes), None, "{bytes:?}");
        }
        for bytes in [&b"a"[..], b"...", b"..a", b" ", b"\xff"] {
            assert_eq!(Name::new(bytes).unwrap().as_bytes(), bytes);
        }
    }
}
