use super::*;
use crate::abi::Errno;

/// A member of a zip archive, with the values of its two headers.
struct Member {
    path: Vec<u8>,
    packed: Vec<u8>,
    size: u32,
    crc: u32,
    method: u16,
    flags: u16,
    mode: u32,
}

fn stored(path: &str, content: &[u8]) -> Member {
    Member {
        path: path.into(),
        packed: content.to_vec(),
        size: content.len() as u32,
        crc: rawzip::crc32(content),
        method: 0,
        flags: 0,
        mode: 0o100_644,
    }
}

fn deflated(path: &str, content: &[u8]) -> Member {
    Member {
        packed: miniz_oxide::deflate::compress_to_vec(content, 6),
        method: 8,
        ..stored(path, content)
    }
}

/// 2 August 2020, 10:20:30.
const TIME: u32 = 0x5102_528f;

fn zip(members: &[Member]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let at = archive.len() as u32;
        let mut common = Vec::new();
        common.extend(
            [20_u16, member.flags, member.method]
                .map(u16::to_le_bytes)
                .concat(),
        );
        let sizes = [TIME, member.crc, member.packed.len() as u32, member.size];
        common.extend(sizes.map(u32::to_le_bytes).concat());
        common.extend([member.path.len() as u16, 0].map(u16::to_le_bytes).concat());
        archive.extend(b"PK\x03\x04".iter().chain(&common).chain(&member.path));
        archive.extend(&member.packed);
        directory.extend(b"PK\x01\x02\x14\x03".iter().chain(&common));
        directory.extend([0; 6]);
        directory.extend([member.mode << 16, at].map(u32::to_le_bytes).concat());
        directory.extend(&member.path);
    }
    let count = members.len() as u16;
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, count].map(u16::to_le_bytes).concat());
    archive.extend([directory.len() as u32, at].map(u32::to_le_bytes).concat());
    archive.extend([0; 2]);
    archive
}

/// The error for an archive of these files.
pub(super) fn refusal_of(files: &[File<'_>]) -> String {
    let members: Vec<_> = (files.iter())
        .map(|(path, content)| stored(path, content))
        .collect();
    read_zip(zip(&members), LIMITS).unwrap_err().to_string()
}

#[test]
fn members_have_the_paths_that_they_name_and_are_inflated_when_they_are_read() {
    let long = "x".repeat(50_000);
    let archive = zip(&[
        stored("a/b", b"stored"),
        deflated("a/c", long.as_bytes()),
        stored("d/", b""),
        Member {
            mode: 0o120_777,
            ..deflated("link", b"/etc/passwd")
        },
        Member {
            mode: 0o010_644,
            ..stored("fifo", b"")
        },
        Member {
            mode: 0,
            ..stored("/a/b", b"last")
        },
    ]);
    let image = read_zip(archive, ArchiveLimits::default()).unwrap();
    assert_eq!(image.bytes(), 50_004);
    assert_eq!(
        tree(image),
        [
            "/a/",
            "/a/b 1 1596363630000000000 last",
            &format!("/a/c 1 1596363630000000000 {long}"),
            "/d/",
            "/link -> /etc/passwd",
        ]
    );
}

#[test]
fn errors_name_the_member() {
    for (member, problem) in [
        (stored("a\0b", b""), "\"a\\0b\" has a NUL in its name"),
        (stored("/", b""), ""),
        (stored("\u{ff}", b""), ""),
        (
            Member {
                path: b"\xff".to_vec(),
                ..stored("", b"")
            },
            "\"\u{fffd}\" has a name that is not UTF-8",
        ),
        (
            Member {
                flags: 1,
                ..stored("a", b"")
            },
            "\"a\" is encrypted",
        ),
        (
            Member {
                method: 12,
                ..stored("a", b"")
            },
            "\"a\" is packed in a way that this does not read, BZIP2",
        ),
        (
            Member {
                method: 777,
                ..stored("a", b"")
            },
            "\"a\" is packed in an unknown way, 777",
        ),
        (
            Member {
                size: 2,
                ..stored("a", b"x")
            },
            "\"a\" is stored with another size than it has",
        ),
        (
            Member {
                size: 10_001,
                ..deflated("a", b"x")
            },
            "\"a\" is beyond the 10000 bytes allowed",
        ),
        (
            Member {
                mode: 0o120_777,
                size: 5000,
                ..deflated("a", b"x")
            },
            "\"a\" is a symbolic link to no path",
        ),
        (
            Member {
                mode: 0o120_777,
                size: 5,
                ..deflated("a", b"x")
            },
            "\"a\" is damaged",
        ),
    ] {
        match read_zip(zip(&[member]), LIMITS) {
            Ok(image) => assert_eq!(problem, "", "{image:?}"),
            Err(error) => assert_eq!(error.to_string(), problem),
        }
    }
}

#[test]
fn members_that_are_not_as_the_archive_says_cannot_be_opened() {
    let bomb = deflated("bomb", &[0; 1 << 20]);
    let wrong = |member: Member| {
        let image = read_zip(zip(&[member]), ArchiveLimits::default()).unwrap();
        let fs = MemoryFs::over(Arc::new(image), Default::default());
        let root = fs.root();
        let name = Name::new(b"bomb").unwrap();
        assert_eq!(fs.snapshot().map(drop), Ok(()));
        open(&*root, name).map(drop)
    };
    assert_eq!(wrong(deflated("bomb", b"fine")), Ok(()));
    assert_eq!(wrong(stored("bomb", b"fine")), Ok(()));
    for member in [
        Member {
            size: 100,
            ..deflated("bomb", &[0; 1 << 20])
        },
        Member {
            size: 1 << 21,
            ..deflated("bomb", &[0; 1 << 20])
        },
        Member {
            crc: 1,
            ..deflated("bomb", b"x")
        },
        Member {
            crc: 1,
            ..stored("bomb", b"x")
        },
        Member {
            packed: vec![0xff; 20],
            ..bomb
        },
        Member {
            packed: Vec::new(),
            ..deflated("bomb", b"x")
        },
    ] {
        assert_eq!(wrong(member), Err(Errno::Io));
    }
}

#[test]
fn what_is_cut_off_or_overwritten_never_gets_further_than_an_error() {
    let whole = zip(&[stored("a", b"1"), deflated("b", &[b'x'; 300])]);
    for len in 0..whole.len() {
        assert!(
            read_zip(whole[..len].to_vec(), ArchiveLimits::default()).is_err(),
            "{len}"
        );
    }
    for at in 0..whole.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut broken = whole.clone();
            broken[at] = byte;
            if let Ok(image) = read_zip(broken, LIMITS) {
                let fs = MemoryFs::over(Arc::new(image), Default::default());
                for file in [&b"a"[..], b"b"] {
                    let _ = open(&*fs.root(), Name::new(file).unwrap());
                }
            }
        }
    }
    assert!(read_zip(vec![b'P'; 100], ArchiveLimits::default()).is_err());
}
