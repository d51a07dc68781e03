use std::fs::{File, read_to_string};
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

/// Of the mappings that the process may have, one in so many is left to the rest of it.
const RESERVE: usize = 16;

/// How many may be taken before they are counted again, which takes a millisecond for some thousands.
static LEFT: Mutex<usize> = Mutex::new(0);

/// Takes so many mappings of memory for what is about to be made. None is given back: where no more are left
/// of those that were counted, they are counted again. `ahead` is how many have been taken by what is not there
/// yet.
///
/// Linux allows a process so many of them (`vm.max_map_count`), and an engine that gets none ends the process.
///
/// # Errors
///
/// `ENOMEM`: there are too few of them.
pub fn take_mappings(count: usize, ahead: usize) -> io::Result<()> {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    if *left < count {
        *left = mappings_left().unwrap_or(usize::MAX).saturating_sub(ahead);
    }
    *left = left.checked_sub(count).ok_or(Errno::NOMEM)?;
    Ok(())
}

/// How many more there may be; `None` where the system does not say.
fn mappings_left() -> Option<usize> {
    let most = read_to_string("/proc/sys/vm/max_map_count").ok()?;
    let most: usize = most.trim_end().parse().ok()?;
    let there = count_lines(File::open("/proc/self/maps").ok()?).ok()?;
    Some((most - most / RESERVE).saturating_sub(there))
}

fn count_lines(mut file: File) -> io::Result<usize> {
    let mut buffer = [0; 4096];
    let mut lines = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(lines);
        }
        lines += buffer[..length]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
    }
}
