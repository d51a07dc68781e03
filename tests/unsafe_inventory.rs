//! The files with `unsafe` code, and the number of such lines in each. If there are more, review them, and
//! change the number here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that allow `unsafe` code, and the maximum number of lines with `unsafe` in each.
const INVENTORY: &[(&str, usize)] = &[
    ("binding/arg_buffer.rs", 4),
    ("binding/block.rs", 2),
    ("binding/js_fs/call.rs", 16),
    ("binding/memory.rs", 10),
    ("binding/trampoline.rs", 21),
    ("binding/weak.rs", 3),
    ("host/sys/unix/io.rs", 22),
    ("host/sys/unix/thread.rs", 1),
    ("host/sys/unix/thread_clock.rs", 5),
    ("host/sys/windows/clock.rs", 7),
    ("host/sys/windows/crt.rs", 10),
    ("host/sys/windows/event.rs", 5),
    ("host/sys/windows/io.rs", 15),
    ("host/sys/windows/named_pipe.rs", 6),
    ("host/sys/windows/nt.rs", 8),
    ("host/sys/windows/pipe.rs", 1),
    ("host/sys/windows/query.rs", 10),
    ("host/sys/windows/thread_clock.rs", 4),
    ("memory/linear.rs", 8),
];

/// The maximum number of such lines that one system compiles, by the folder that it leaves out. On Unix that is
/// about a page; Windows has half as many more, as there are no safe wrappers for its calls.
const COMPILED: [(&str, usize); 2] = [("host/sys/windows", 87), ("host/sys/unix", 130)];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The files with `allow(unsafe_code)`, and the number of lines of code with `unsafe` in each.
fn inventory() -> BTreeMap<String, usize> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut found = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = || text.lines().map(|line| line.split("//").next().unwrap());
        // Joined, as a long `reason` puts the name of the lint on a line of its own.
        let unbroken: String = code().flat_map(str::split_whitespace).collect();
        let lifts = unbroken.contains("allow(unsafe_code");
        let lines = code()
            .filter(|line| {
                line.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == "unsafe")
            })
            .count();
        let below = file.strip_prefix(&src).unwrap();
        let name = below.to_str().unwrap().replace('\\', "/");
        assert!(
            lifts || lines == 0,
            "{name} has unsafe code that the crate forbids"
        );
        if lifts {
            found.insert(name, lines);
        }
    }
    found
}

#[test]
fn unsafe_code_is_where_it_was() {
    let found = inventory();
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    let known: Vec<_> = INVENTORY.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known);
    for (name, most) in INVENTORY {
        let lines = found[*name];
        assert!(
            lines <= *most,
            "{name} has {lines} lines with unsafe, {most} so far"
        );
    }
}

#[test]
fn what_a_system_compiles_of_it_fits_on_a_page() {
    for (left_out, page) in COMPILED {
        let compiled = (inventory().into_iter()).filter(|(name, _)| !name.starts_with(left_out));
        let lines: usize = compiled.map(|(_, lines)| lines).sum();
        assert!(lines <= page, "{lines} lines without {left_out}");
    }
}
