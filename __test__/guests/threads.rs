// A program with threads: threads.wasm WHAT [ARGUMENT]...
//
// Each of WHAT is a function below, and says what it does.

use std::env;
use std::fs::{self, File};
use std::hint::{black_box, spin_loop};
use std::io::{self, Read, Write};
use std::process::exit;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use GoesOn::{All, Another, Nobody};

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_renumber(from: u32, to: u32) -> u32;
    fn fd_close(fd: u32) -> u32;
    fn fd_filestat_get(fd: u32, stat: *mut [u64; 8]) -> u32;
    fn path_open(
        dir: u32,
        lookup: u32,
        path: *const u8,
        len: usize,
        oflags: u32,
        rights: u64,
        inheriting: u64,
        fdflags: u32,
        fd: *mut u32,
    ) -> u32;
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let what = args.first().map_or("join", String::as_str);
    let number = |index: usize, or| args.get(index).map_or(or, |arg| arg.parse().unwrap());
    match what {
        "join" => join(number(1, 4)),
        "cycles" => cycles(number(1, 1000)),
        "most" => most(number(1, 1000)),
        "live" => live(number(1, 1000), args.get(2).map_or("", String::as_str), args.len() > 3),
        "shared" => shared(),
        "outlive" => outlive(),
        "exit" => end_while(&args[1], || exit(7)),
        "trap" => end_while(&args[1], || std::arch::wasm32::unreachable()),
        "panic" => end_while(&args[1], || panic!("in a thread")),
        "grow" => grow(number(1, 1000)),
        "write" => write(number(1, 1000)),
        "sum" => sum(number(1, 2), number(2, 100)),
        "race" => race(number(1, 4), number(2, 1000)),
        _ => exit(64),
    }
}

/// So many threads, each of which adds its number.
fn join(count: usize) {
    let threads: Vec<_> = (0..count).map(|i| thread::spawn(move || i + 1)).collect();
    let sum: usize = threads.into_iter().map(|each| each.join().unwrap()).sum();
    println!("{sum}");
}

/// So many threads, one after the other.
fn cycles(count: usize) {
    for i in 0..count {
        let answer = thread::spawn(move || black_box(i) + 1).join().unwrap();
        assert_eq!(answer, i + 1);
    }
    println!("{count}");
}

/// As many threads at a time as there may be, of so many.
fn most(count: usize) {
    let barrier = Arc::new(AtomicU32::new(0));
    let mut threads = Vec::new();
    let error = loop {
        if threads.len() == count {
            break "none".into();
        }
        let barrier = Arc::clone(&barrier);
        let spawned = thread::Builder::new().stack_size(16 << 10).spawn(move || {
            while barrier.load(SeqCst) == 0 {
                sleep(Duration::from_millis(1));
            }
        });
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(error) => break format!("{:?}", error.kind()),
        }
    };
    let made = threads.len();
    barrier.store(1, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // Where they were there is room again.
    let again = thread::spawn(|| 1).join().unwrap();
    println!("{made} {error} {again}");
}

/// Which of the threads that wait go on.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum GoesOn {
    Nobody,
    Another,
    All,
}

/// So many threads that live at once: all are there before any goes on. Then they are joined, or the program exits,
/// traps or stays, by its first thread or by another.
fn live(count: usize, end: &str, is_other: bool) {
    let end = match end {
        "exit" => || exit(7),
        "trap" => || std::arch::wasm32::unreachable(),
        "stay" => || sleep(Duration::from_secs(1 << 30)),
        _ => || (),
    };
    let state = Arc::new((Mutex::new((0, Nobody)), Condvar::new()));
    let mut threads = Vec::new();
    let mut error = "none".into();
    while threads.len() < count {
        let state = Arc::clone(&state);
        let waits_for = if threads.is_empty() { Another } else { All };
        let spawned = thread::Builder::new().stack_size(16 << 10).spawn(move || {
            let (lock, changed) = &*state;
            let mut guard = lock.lock().unwrap();
            guard.0 += 1;
            changed.notify_all();
            drop(changed.wait_while(guard, |(_, goes_on)| *goes_on < waits_for).unwrap());
            if is_other && waits_for == Another {
                end();
            }
        });
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(why) => {
                error = format!("{:?}", why.kind());
                break;
            }
        }
    }
    let (lock, changed) = &*state;
    let made = threads.len();
    let mut guard = changed.wait_while(lock.lock().unwrap(), |(there, _)| *there < made).unwrap();
    println!("{made} {error}");
    if !is_other {
        end();
    }
    guard.1 = if is_other { Another } else { All };
    drop(guard);
    changed.notify_all();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A file that one thread opens, another reads, and a third closes.
fn shared() {
    fs::write("/data/file", "written in the first").unwrap();
    let mut file = thread::spawn(|| File::open("/data/file").unwrap()).join().unwrap();
    let (text, file) = thread::spawn(move || {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (text, file)
    })
    .join()
    .unwrap();
    thread::spawn(move || drop(file)).join().unwrap();
    println!("{text}");
}

/// Returns while a thread runs, that would print.
fn outlive() {
    let (tell, told) = channel();
    thread::spawn(move || {
        tell.send(()).unwrap();
        loop {
            spin_loop();
        }
    });
    told.recv().unwrap();
    println!("over");
}

/// What a thread does while the first one computes, waits for it, reads, or sleeps.
fn end_while(first: &str, end: fn()) {
    let begun = Arc::new(AtomicU32::new(0));
    let there = Arc::clone(&begun);
    let thread = thread::spawn(move || {
        while there.load(SeqCst) == 0 {
            spin_loop();
        }
        sleep(Duration::from_millis(20));
        end();
    });
    begun.store(1, SeqCst);
    match first {
        "computes" => loop {
            spin_loop();
        },
        "joins" => drop(thread.join()),
        "locks" => {
            let mutex = Mutex::new(());
            let _guard = mutex.lock();
            drop(mutex.lock());
        }
        "reads" => drop(io::stdin().read(&mut [0])),
        "sleeps" => sleep(Duration::from_secs(1 << 30)),
        _ => exit(64),
    }
    println!("went on");
}

/// A thread that takes so many pages of memory, one after the other.
fn grow(pages: usize) {
    let grown = thread::spawn(move || {
        (0..pages).take_while(|_| std::arch::wasm32::memory_grow(0, 1) != usize::MAX).count()
    });
    println!("{}", grown.join().unwrap());
}

/// Two threads that write so many lines each.
fn write(lines: usize) {
    let threads = ["one", "two"].map(|name| {
        thread::spawn(move || (0..lines).for_each(|i| println!("{name} {i}")))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A sum of numbers, in rounds of some work, in so many threads; and how many milliseconds that took.
fn sum(threads: usize, rounds: usize) {
    const STEPS: u64 = 1 << 20;
    let start = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let next = Arc::clone(&next);
            thread::spawn(move || {
                let mut sum = 0_u64;
                while next.fetch_add(1, SeqCst) < rounds {
                    let mut state = black_box(1_u64);
                    for _ in 0..STEPS {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    }
                    sum = sum.wrapping_add(state);
                }
                sum
            })
        })
        .collect();
    let sum = workers.into_iter().fold(0, |sum: u64, each| sum.wrapping_add(each.join().unwrap()));
    println!("{sum} {}", start.elapsed().as_millis());
}

/// Threads that open, renumber and close the same few numbers, so many times each. Every descriptor that they find
/// must be one of the files, or none: each file has a size of its own.
fn race(threads: usize, times: usize) {
    const FIRST: u32 = 20;
    const NUMBERS: u32 = 4;
    const BADF: u32 = 8;
    const NOTSUP: u32 = 58;
    for size in 1..=NUMBERS {
        fs::write(format!("/data/{size}"), vec![b'x'; size as usize]).unwrap();
    }
    let dir = (3..10).find(|&fd| open(fd, "1").is_ok_and(|fd| unsafe { fd_close(fd) } == 0));
    let dir = dir.expect("a directory");
    let barrier = Arc::new(Barrier::new(threads));
    let racers: Vec<_> = (0..threads as u32)
        .map(|racer| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                let mut wrong = 0;
                let mut seed = racer + 1;
                let mut random = move || {
                    seed ^= seed << 13;
                    seed ^= seed >> 17;
                    seed ^= seed << 5;
                    seed % NUMBERS
                };
                barrier.wait();
                for _ in 0..times {
                    let size = random() + 1;
                    // Whoever closes or replaces a number in between, this is one that nobody else has yet.
                    let Ok(fd) = open(dir, &size.to_string()) else {
                        wrong += 1;
                        continue;
                    };
                    let to = FIRST + random();
                    match unsafe { fd_renumber(fd, to) } {
                        0 => {}
                        // Another thread's number can be below, and that thread can have moved it.
                        BADF | NOTSUP => {
                            unsafe { fd_close(fd) };
                        }
                        _ => wrong += 1,
                    }
                    let mut stat = [0; 8];
                    match unsafe { fd_filestat_get(FIRST + random(), &mut stat) } {
                        0 if (1..=u64::from(NUMBERS)).contains(&stat[4]) => {}
                        BADF => {}
                        _ => wrong += 1,
                    }
                    match unsafe { fd_close(FIRST + random()) } {
                        0 | BADF => {}
                        _ => wrong += 1,
                    }
                }
                wrong
            })
        })
        .collect();
    let wrong: u32 = racers.into_iter().map(|each| each.join().unwrap()).sum();
    println!("{} rounds, {wrong} wrong", threads * times);
    io::stdout().flush().unwrap();
}

/// Opens a file for reading.
fn open(dir: u32, path: &str) -> Result<u32, u32> {
    let mut fd = 0;
    const READ_AND_STAT: u64 = 1 << 1 | 1 << 21;
    let errno = unsafe {
        path_open(dir, 0, path.as_ptr(), path.len(), 0, READ_AND_STAT, 0, 0, &mut fd)
    };
    if errno == 0 { Ok(fd) } else { Err(errno) }
}
