use super::*;

/// A member of a tar archive: type, name, target, content.
type Member<'m> = (u8, &'m str, &'m str, &'m [u8]);

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (kind, path, link, content) in members {
        archive.extend(header(*kind, path, link, content.len() as u64));
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn header(kind: u8, path: &str, link: &str, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, path);
    put(124, &format!("{size:011o}"));
    put(136, "00000000005");
    put(157, link);
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    sign(header)
}

/// Sets the checksum.
fn sign(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    header
}

/// Records of an extended header.
fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let len = (rest.len()..).find(|len| format!("{len}{rest}").len() == *len);
        format!("{}{rest}", len.unwrap()).into_bytes()
    };
    records.iter().flat_map(record).collect()
}

fn refusal(archive: Vec<u8>) -> String {
    read_tar(archive, LIMITS).unwrap_err().to_string()
}

/// The error for an archive of these files.
pub(super) fn refusal_of(files: &[File<'_>]) -> String {
    let members: Vec<_> = (files.iter())
        .map(|(path, content)| (b'0', *path, "", *content))
        .collect();
    refusal(tar(&members))
}

#[test]
fn members_have_the_paths_that_they_name() {
    let long = format!("long/{}", "n".repeat(200));
    let archive = tar(&[
        (b'5', "./", "", b""),
        (b'0', "./a", "", b"first"),
        (0, "/abs/b", "", b"2"),
        (b'5', "a.d/", "", b""),
        (b'0', "old/", "", b""),
        (b'7', "a.d/c", "", b"3"),
        (b'1', "hard", "a.d/c", b""),
        (b'2', "soft", "/etc/../passwd", b""),
        (b'3', "dev/null", "", b""),
        (b'6', "fifo", "", b""),
        (b'0', "a", "", b"last"),
        (
            b'x',
            "x",
            "",
            &pax(&[("path", "pa/x"), ("mtime", "7.25"), ("comment", "")]),
        ),
        (b'0', "short", "", b"pax"),
        (b'L', "././@LongLink", "", format!("{long}\0").as_bytes()),
        (b'0', "short", "", b"gnu"),
        (b'K', "././@LongLink", "", b"a.d/c\0"),
        (b'1', "hard 2", "short", b""),
        (b'g', "g", "", &pax(&[("comment", "of all")])),
    ]);
    let last = format!("/{long} 1 5000000000 gnu");
    assert_eq!(
        tree(read_tar(archive, ArchiveLimits::default()).unwrap()),
        [
            "/a 1 5000000000 last",
            "/a.d/",
            "/a.d/c 3 5000000000 3",
            "/abs/",
            "/abs/b 1 5000000000 2",
            "/hard 3 5000000000 3",
            "/hard 2 3 5000000000 3",
            "/long/",
            &last,
            "/old/",
            "/pa/",
            "/pa/x 1 7250000000 pax",
            "/soft -> /etc/../passwd",
        ]
    );
}

#[test]
fn a_size_that_an_extended_header_has_is_the_one_that_counts() {
    let mut archive = tar(&[(b'x', "x", "", &pax(&[("size", "3")]))]);
    archive.truncate(1024);
    archive.extend(header(b'0', "file", "", 0));
    archive.extend(b"abc".iter().chain(&[0; 509]));
    archive.extend(header(b'0', "next", "", 0));
    archive.extend([0; 512]);
    let names = tree(read_tar(archive, ArchiveLimits::default()).unwrap());
    assert_eq!(names, ["/file 1 5000000000 abc", "/next 1 5000000000 "]);
}

#[test]
fn errors_name_the_member() {
    let x = |records: &[(&str, &str)]| pax(records);
    let deep = "d/".repeat(3000);
    for (members, problem) in [
        (vec![(b'0', "", "", &b""[..])], "\"\" has no name"),
        (vec![(b'2', "./", "x", b"")], "\"./\" has no name"),
        (
            vec![(b'2', "a", "", b"")],
            "\"a\" is a symbolic link to no path",
        ),
        (
            vec![(b'2', "a", "/etc", b""), (b'0', "a/passwd", "", b"")],
            "\"a/passwd\" lies below something that is no directory",
        ),
        (
            vec![(b'1', "a", "../etc/passwd", b"")],
            "\"a\" is a hard link to what has '..' in its name",
        ),
        (
            vec![(b'1', "a", "/etc/passwd", b"")],
            "\"a\" is a hard link to \"/etc/passwd\", which is not there",
        ),
        (
            vec![(b'5', "d", "", b""), (b'1', "a", "d", b"")],
            "\"a\" is a hard link to a directory",
        ),
        (
            vec![(b'2', "d", "/", b""), (b'1', "a", "d/x", b"")],
            "\"a\" is a hard link to \"d/x\", which is not there",
        ),
        (
            vec![(b'S', "s", "", b"")],
            "\"s\" is a sparse file, of which this reads none",
        ),
        (
            vec![(b'x', "x", "", &x(&[("GNU.sparse.major", "1")]))],
            "\"x\" is a sparse file, of which this reads none",
        ),
        (
            vec![(b'Z', "z", "", b"")],
            "\"z\" is of an unknown type, 'Z'",
        ),
        (
            vec![(b'g', "g", "", &x(&[("path", "p")]))],
            "\"g\" gives one name or size to all members that follow",
        ),
        (
            vec![(b'x', "x", "", b"99 path=a\n")],
            "\"x\" has an extended header with a record that is none",
        ),
        (
            vec![(b'x', "x", "", b"4 a\n")],
            "\"x\" has an extended header with a record that is none",
        ),
        (
            vec![(b'x', "x", "", &x(&[("size", "+5")]))],
            "\"x\" has a number that is none",
        ),
        (
            vec![
                (b'x', "x", "", &x(&[("path", "a\0b")])),
                (b'0', "a", "", b""),
            ],
            "\"a\\0b\" has a NUL in its name",
        ),
    ] {
        assert_eq!(refusal(tar(&members)), problem);
    }
    let long = tar(&[
        (b'x', "x", "", &pax(&[("path", &deep)])),
        (b'0', "a", "", b""),
    ]);
    assert_eq!(refusal(long), format!("\"x\" {}", pax::TOO_LONG));
    let name = "n".repeat(256);
    let long = tar(&[(b'L', "x", "", name.as_bytes()), (b'0', "a", "", b"")]);
    assert!(refusal(long).ends_with("\" has too long a name"));
}

#[test]
fn a_name_that_is_not_unicode_is_refused_and_a_target_is_whatever_it_is() {
    let mut named = header(b'0', "a", "", 0);
    named[1] = 0xff;
    let mut linked = header(b'2', "a", "t", 0);
    linked[158] = 0xff;
    let archive = |header| [&sign(header)[..], &[0; 512]].concat();
    assert_eq!(
        refusal(archive(named)),
        "\"a\u{fffd}\" has a name that is not UTF-8"
    );
    let image = read_tar(archive(linked), ArchiveLimits::default()).unwrap();
    let root = MemoryFs::over(Arc::new(image), Default::default()).root();
    let name = Name::new(b"a").unwrap();
    assert_eq!(root.read_link_at(name).unwrap(), b"t\xff");
}

#[test]
fn extended_headers_are_limited_to_the_length_of_a_path() {
    for said in [4_095, 4_096, 4_097, 600_000] {
        let name = "n/".repeat(said / 2) + if said % 2 == 0 { "" } else { "n" };
        for archive in [
            tar(&[(b'L', "x", "", name.as_bytes()), (b'0', "a", "", b"")]),
            tar(&[(b'K', "x", "", name.as_bytes()), (b'2', "a", "", b"")]),
            tar(&[
                (b'x', "x", "", &pax(&[("path", &name)])),
                (b'0', "a", "", b""),
            ]),
            tar(&[
                (b'x', "x", "", &pax(&[("linkpath", &name)])),
                (b'2', "a", "", b""),
            ]),
        ] {
            let read = read_tar(archive, ArchiveLimits::default());
            assert_eq!(read.is_ok(), said <= 4_095, "{said}");
            if let Err(error) = read {
                assert!(error.to_string().len() < 4_200, "{said}");
            }
        }
    }
}

#[test]
fn a_size_below_0_is_refused_and_a_time_is_1970() {
    let mut sized = header(b'0', "a", "", 0);
    sized[124..136].fill(0xff);
    let archive = |header| [&sign(header)[..], &[0; 512]].concat();
    assert_eq!(
        refusal(archive(sized)),
        "\"a\" has a number that is below 0"
    );
    let mut dated = header(b'0', "a", "", 0);
    dated[136..148].fill(0xff);
    let image = read_tar(archive(dated), ArchiveLimits::default()).unwrap();
    let root = MemoryFs::over(Arc::new(image), Default::default()).root();
    assert_eq!(root.stat_at(Name::new(b"a").unwrap()).unwrap().mtim, 0);
}

#[test]
fn the_label_of_a_volume_is_no_file_and_an_incremental_directory_is_one() {
    let archive = tar(&[
        (b'V', "backup", "", b""),
        (b'D', "dir/", "", b"Yfile\0\0"),
        (b'0', "dir/file", "", b"text"),
    ]);
    let image = read_tar(archive, ArchiveLimits::default()).unwrap();
    assert_eq!(tree(image), ["/dir/", "/dir/file 1 5000000000 text"]);
}

#[test]
fn what_is_cut_off_or_damaged_is_refused_wherever_that_is() {
    let whole = tar(&[
        (b'x', "x", "", &pax(&[("path", "name")])),
        (b'0', "a", "", &[b'x'; 600]),
        (b'0', "b", "", b"b"),
    ]);
    // The first block of zeros is the end.
    let end = whole.len() - 512;
    for len in 0..end {
        let problem = refusal(whole[..len].to_vec());
        assert!(problem.ends_with("is cut off"), "{len}: {problem}");
    }
    assert!(read_tar(whole[..end].to_vec(), ArchiveLimits::default()).is_ok());
    let mut damaged = whole.clone();
    damaged[1024] = b'!';
    assert_eq!(refusal(damaged), "a header of the archive is damaged");
    assert_eq!(refusal(vec![b'!'; 2048]), "it is no tar archive");
    // Sizes with no bytes behind them, in octal and in base 256.
    for size in [
        &b"77777777777\0"[..],
        b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\0\0\0\0\0\0\x01\0\0\0\0",
    ] {
        let mut header = header(b'0', "a", "", 0);
        header[124..136].copy_from_slice(size);
        let archive = [&sign(header)[..], &[0; 1024]].concat();
        assert_eq!(refusal(archive), "\"a\" is cut off");
    }
    for (size, problem) in [
        (
            &b"\x80\x01\0\0\0\0\0\0\0\0\0\0"[..],
            "\"a\" has a number that is too large",
        ),
        (b"9          \0", "\"a\" has a number that is none"),
    ] {
        let mut header = header(b'0', "a", "", 0);
        header[124..136].copy_from_slice(size);
        let archive = [&sign(header)[..], &[0; 1024]].concat();
        assert_eq!(refusal(archive), problem);
    }
}
