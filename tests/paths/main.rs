//! Compares the answers of the path calls, errno by errno: they are the same in whatever way a path is
//! resolved, and they are those of Linux for the same path.
//!
//! Every call is made four times, each in a tree of its own: by a guest whose paths the kernel resolves in one
//! step (`openat2`), by one where a seccomp filter refuses that, by one whose every path is walked, and as a
//! system call. `PATHS_CALLS` and `PATHS_SEED` set the number of random calls, and the seed.

#![cfg(target_os = "linux")]

#[path = "../seccomp/again.rs"]
mod again;
mod arena;
mod calls;
mod guest;
mod known;
mod linux;
mod pairs;
mod random;
mod user;

use std::collections::BTreeSet;
use std::fmt::Write;

use arena::Arena;
use calls::{Answer, Call};
use wasi_rs::abi::Errno;

/// The way in which a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Openat2,
    Refused,
    Walked,
    Linux,
}

const WAYS: [Way; 4] = [Way::Openat2, Way::Refused, Way::Walked, Way::Linux];

/// Calls, and after how many of them the tree is made anew; with 0, before each.
struct Script {
    calls: Vec<Call>,
    together: usize,
}

/// Makes the calls in one way, except those that lead out, which `leave` tells.
fn play(script: &Script, way: Way, leave: &[bool]) -> Vec<Answer> {
    let mut arena = Arena::new();
    let mut guest = guest::Guest::new(&arena, way);
    let mut answers = Vec::with_capacity(script.calls.len());
    for (at, call) in script.calls.iter().enumerate() {
        let result = match way {
            Way::Linux if leave[at] => Err(Errno::Notcapable),
            Way::Linux => linux::make(&arena, call),
            _ => guest.make(call),
        };
        let changed = result.is_ok() && call.changes();
        // If a failed call has changed something, the next successful one shows it.
        let tree = changed.then(|| arena.fingerprint());
        let over = script.together > 0 && (at + 1) % script.together == 0;
        answers.push(Answer { result, tree });
        if over || (script.together == 0 && changed) {
            arena = Arena::new();
            guest = guest::Guest::new(&arena, way);
        }
    }
    answers
}

/// Makes the calls in every way.
fn play_all(script: &Script) -> [Vec<Answer>; 4] {
    let mut leave = vec![];
    WAYS.map(|way| {
        let answers = match way {
            // The filter applies to this thread alone. It does not use ENOSYS, which the whole process would
            // remember.
            Way::Refused => std::thread::scope(|scope| {
                let refused = scope.spawn(|| {
                    again::install(&again::profile("no-openat2").unwrap().program()).unwrap();
                    play(script, way, &leave)
                });
                refused.join().unwrap()
            }),
            _ => play(script, way, &leave),
        };
        if way == Way::Openat2 {
            let left = |answer: &Answer| answer.result == Err(Errno::Notcapable);
            leave = answers.iter().map(left).collect();
        }
        answers
    })
}

/// Asserts that all ways answer alike, except for known differences from Linux. Returns those that were found.
#[track_caller]
fn compare(script: &Script) -> BTreeSet<&'static str> {
    let answers = play_all(script);
    let mut met = BTreeSet::new();
    let mut report = String::new();
    let mut differences = 0;
    for (at, call) in script.calls.iter().enumerate() {
        let [kernel, refused, walked, linux] = [0, 1, 2, 3].map(|way| &answers[way][at]);
        let known = known::difference(call, &kernel.result, &linux.result);
        met.extend(known);
        let alike = kernel == refused && kernel == walked;
        if alike && (kernel == linux || known.is_some()) {
            continue;
        }
        differences += 1;
        if differences <= 60 {
            let results = [kernel, refused, walked, linux].map(|answer| &answer.result);
            writeln!(report, "{at}: {call:?}\n    {results:?}").unwrap();
            if kernel.tree != linux.tree || kernel.tree != refused.tree {
                writeln!(report, "    the trees differ").unwrap();
            }
        }
    }
    assert_eq!(
        differences,
        0,
        "of {} calls, by {WAYS:?}:\n{report}",
        script.calls.len()
    );
    met
}

#[test]
fn each_path_in_each_call() {
    let calls = pairs::of_one_path();
    let met = compare(&Script { calls, together: 0 });
    known::are_met(&met, 1);
}

#[test]
fn each_pair_of_paths_in_each_call_of_two() {
    let calls = pairs::of_two_paths();
    let met = compare(&Script { calls, together: 0 });
    known::are_met(&met, 2);
}

/// After ENOSYS, a process does not try the call again.
#[test]
fn where_the_kernel_is_old() {
    let old = again::profile("linux-4.4").unwrap();
    again::under(old, &["calls_at_random", "--exact"]);
}

#[test]
fn calls_at_random() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seed = number("PATHS_SEED").unwrap_or(1);
    let calls = number("PATHS_CALLS").unwrap_or(4000);
    compare(&Script {
        calls: random::calls(seed, calls as usize),
        together: 25,
    });
}
