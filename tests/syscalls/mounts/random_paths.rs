//! Random paths over a namespace with mounts lead to the same place in every way of resolving them.

use super::*;

const SEEDS: u64 = 20;
const PATHS: usize = 60;

/// Components of paths: directories, links, mount points, and names that do not exist.
const PIECES: [&str; 16] = [
    ".",
    "..",
    "..",
    "usr",
    "lib",
    "lib_here",
    "sub",
    "own",
    "out",
    "to_lib",
    "absolute_lib",
    "dir",
    "made",
    "up",
    "file",
    "theirs",
];

/// A generator of pseudo-random numbers, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn path(&mut self) -> String {
        let len = 1 + self.below(7);
        let names: Vec<_> = (0..len).map(|_| PIECES[self.below(PIECES.len())]).collect();
        let slash = if self.below(6) == 0 { "/" } else { "" };
        names.join("/") + slash
    }
}

/// The answers for a path: its attributes with and without following, and opening it.
fn told(guest: &Guest, fd: u64, path: &str) -> Vec<String> {
    let stat = |flags: u64| {
        let call = args(&[&[fd, flags], &guest.store(path), &[OUT]]);
        match guest.errno("path_filestat_get", &call) {
            Errno::Success => {
                let stat: Filestat = guest.record("path_filestat_get", &call[..4]);
                format!(
                    "{:?} {}",
                    stat.filetype,
                    if stat.filetype == Filetype::Directory {
                        0
                    } else {
                        stat.size
                    }
                )
            }
            errno => format!("{errno:?}"),
        }
    };
    let answers = [FOLLOW, NO_FOLLOW].map(stat);
    let opened = guest.errno("path_open", guest.open_args(fd, path, Open::READ));
    let removed = guest.errno(
        "path_remove_directory",
        guest.at(fd, &format!("{path}/nothing"), &[]),
    );
    [
        &answers[..],
        &[format!("{opened:?}"), format!("{removed:?}")],
    ]
    .concat()
}

#[test]
fn every_way_tells_the_same_of_random_paths() {
    let guests = Guest::every_way(|setup| {
        lower(setup);
        for path in ["/usr/lib", "/made/up", "/usr/lib/sub/usr"] {
            setup.other_preopens.push(at(path, &library()));
        }
        setup.other_preopens.push(file("/dir/file", "{}"));
    });
    for seed in 1..=SEEDS {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..PATHS {
            let path = numbers.path();
            let fd = [ROOT, LIB, LIB + 1, LIB + 2][numbers.below(4)];
            let all: Vec<_> = guests
                .iter()
                .map(|guest| told(&guest.fresh(), fd, &path))
                .collect();
            for other in &all[1..] {
                assert_eq!(&all[0], other, "seed {seed}: {path:?} below {fd}");
            }
        }
    }
}
