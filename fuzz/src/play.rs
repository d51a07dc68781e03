//! Plays a sequence of calls, and asserts that nothing happened that must not.
//!
//! After each call: an error has written nothing to memory, a success nothing but its results; what the guest
//! was not granted is refused; nothing outside is seen. After the last: every descriptor is open on something
//! that was given, there are no more than allowed, what must not be written is unchanged, and so is everything
//! outside. When the context has been dropped, the process has the descriptors that it had before.

use std::fmt::Write as _;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use memchr::memmem;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FileType;
use wasi_rs::abi::{Clockid, Dirent, Errno, Event, Record, Rights, Snapshot};
use wasi_rs::ctx::{Descriptor, FdEntry, WasiCtx};
use wasi_rs::host;
use wasi_rs::syscalls::{MAX_PARAMS, ParamType, Role, SNAPSHOT0, SYSCALLS, Syscall, Trap};
use wasi_rs::vfs::Dir;

use crate::arguments::{Making, Memory, raw};
use crate::input::{RECORD, Source, split};
use crate::scratch::{Scratch, Tree, tree};
use crate::setup::{PREOPENS, Setup};

/// Prepares this process, so that what guests do neither ends it nor fills it up.
pub fn prepare_process() {
    // SAFETY: neither has a handler that could run anything.
    unsafe {
        // As in Node, writing to a stream without a reader is an error, not a signal.
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let limit = rustix::process::Rlimit {
        current: Some(1 << 22),
        maximum: Some(1 << 22),
    };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
}

/// Plays the calls of an input.
///
/// # Panics
///
/// Something happened that must not.
pub fn play(scratch: &mut Scratch, data: &[u8]) {
    let (head, records) = split(data);
    scratch.reset();
    let open_before = open_descriptors();
    {
        let setup = Setup::new(scratch, &head);
        let mut player = Player::new(scratch, &setup);
        for record in records {
            player.turn(&record);
        }
        player.finish();
    }
    assert_eq!(
        open_descriptors(),
        open_before,
        "descriptors of the host, before and after"
    );
    if let Err(difference) = scratch.outside_is_unchanged() {
        panic!("{difference}");
    }
}

/// The descriptors of this process.
fn open_descriptors() -> Vec<u32> {
    let mut open: Vec<u32> = (fs::read_dir("/proc/self/fd").unwrap())
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    open.sort_unstable();
    open
}

/// Calls that do not change the directories: making those anew takes longer than a call.
const LEAVE_FILES_ALONE: [&str; 24] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_tell",
    "path_filestat_get",
    "path_readlink",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
];

struct Player<'a> {
    scratch: &'a mut Scratch,
    setup: &'a Setup,
    ctx: WasiCtx,
    memory: Memory,
    outside_name: Vec<u8>,
    /// The state of the preopens that the guest may not change.
    unwritable: Vec<(&'static str, Tree)>,
    cookie: u64,
    log: Vec<Played>,
    trace: bool,
}

struct Played {
    row: usize,
    args: [u64; MAX_PARAMS],
    result: Option<Result<(), Trap>>,
}

impl<'a> Player<'a> {
    fn new(scratch: &'a mut Scratch, setup: &'a Setup) -> Self {
        let ctx =
            WasiCtx::new(setup.options.clone()).expect("what the guest is given can be opened");
        let unwritable = (PREOPENS.iter().zip(&setup.options.preopens))
            .filter(|(_, preopen)| {
                let rights = preopen.rights & setup.options.grant.preopens;
                Rights::READ_ONLY.contains(rights)
            })
            .map(|(name, _)| (*name, tree(&scratch.path(name))));
        Self {
            outside_name: scratch.outside_name(),
            unwritable: unwritable.collect(),
            scratch,
            setup,
            ctx,
            memory: Memory::new(setup.memory_len, setup.memory_fill),
            cookie: 0,
            log: Vec::new(),
            trace: std::env::var_os("WASI_RS_FUZZ_TRACE").is_some(),
        }
    }

    fn turn(&mut self, record: &[u8; RECORD]) {
        let mut source = Source::new(&record[1..]);
        let (row, mut args) = match record[0] {
            which @ ..230 => {
                let row = usize::from(which) % SYSCALLS.len();
                let making = Making {
                    memory: &mut self.memory,
                    snapshot: self.setup.snapshot,
                    args: (self.ctx.args.len(), self.ctx.args.buf_size()),
                    environ: (self.ctx.environ.len(), self.ctx.environ.buf_size()),
                    cookie: self.cookie,
                    outside: &self.outside_name,
                };
                (row, making.arguments(row, &mut source))
            }
            230..250 => {
                let row = usize::from(source.byte()) % SYSCALLS.len();
                (row, raw(&mut source))
            }
            250..253 => return self.exchange("dir", "out"),
            253..255 => return self.exchange("file", "outfile"),
            255 => return self.exchange("dir", "dotlink"),
        };
        for (arg, of) in args.iter_mut().zip(SYSCALLS[row].types) {
            if *of == ParamType::I32 {
                *arg &= u64::from(u32::MAX);
            }
        }
        args[SYSCALLS[row].types.len()..].fill(0);
        self.see_to_poll(row, &args);
        if !self.would_wait(row, &args) {
            self.call(row, args);
        }
    }

    /// The table of the guest's calls.
    fn table(&self) -> &'static [Syscall] {
        match self.setup.snapshot {
            Snapshot::Preview1 => &SYSCALLS,
            Snapshot::Snapshot0 => &SNAPSHOT0,
        }
    }

    fn exchange(&mut self, one: &str, other: &str) {
        self.unwritable.retain(|(preopen, _)| *preopen != "inside");
        self.scratch.exchange(one, other);
    }

    fn call(&mut self, row: usize, args: [u64; MAX_PARAMS]) {
        if !LEAVE_FILES_ALONE.contains(&SYSCALLS[row].name) {
            self.scratch.touch();
        }
        let before = self.memory.bytes().to_vec();
        let results = self.results(row, &args);
        self.log.push(Played {
            row,
            args,
            result: None,
        });
        if self.trace {
            eprintln!("{}", self.rendered(self.log.len() - 1));
        }
        // Before the call, as a read may overwrite its own list of buffers.
        let room = self.total(&args);
        let result = (self.table()[row].call)(&self.ctx, self.memory.linear().guest(), &args);
        if self.trace {
            eprintln!("  {result:?}");
        }
        self.log.last_mut().unwrap().result = Some(result);
        let granted = self.setup.options.grant.calls & 1 << row != 0;
        if !granted && result != Err(Trap::Errno(Errno::Notcapable)) {
            self.fail("the guest made a call that it does not have");
        }
        match result.map_err(Trap::errno) {
            Ok(()) => {
                self.only_results_written(before, &results);
                self.result_makes_sense(row, &args, room);
            }
            Err(Ok(errno)) => {
                if errno == Errno::Success {
                    self.fail("an error that is none");
                }
                self.only_results_written(before, &[]);
            }
            Err(Err(code)) => {
                if SYSCALLS[row].name != "proc_exit" || u64::from(code) != args[0] {
                    self.fail("the guest ended");
                }
            }
        }
        if memmem::find(self.memory.bytes(), &self.scratch.secret).is_some() {
            self.fail("what stands in a file outside came into memory");
        }
    }

    /// Where a call may write: addresses and lengths.
    fn results(&self, row: usize, args: &[u64; MAX_PARAMS]) -> Vec<(u64, u64)> {
        let mut results = Vec::new();
        let mut next = 0;
        for param in SYSCALLS[row].params {
            let (at, len) = (args[next], args[(next + 1).min(MAX_PARAMS - 1)]);
            next += param.role.types().len();
            let size = match param.role {
                Role::Out(output) => output.size(self.setup.snapshot) as u64,
                Role::Buf => len,
                Role::Argv => 4 * u64::from(self.ctx.args.len()),
                Role::ArgvBuf => self.ctx.args.buf_size().into(),
                Role::Environ => 4 * u64::from(self.ctx.environ.len()),
                Role::EnvironBuf => self.ctx.environ.buf_size().into(),
                // The number comes after the address.
                Role::Events => len * Event::SIZE as u64,
                Role::Iovs => {
                    results.extend(self.memory.iovs(at, len).unwrap_or_default());
                    continue;
                }
                _ => continue,
            };
            results.push((at, size));
        }
        results
    }

    fn only_results_written(&self, mut before: Vec<u8>, results: &[(u64, u64)]) {
        let after = self.memory.bytes();
        if before == after {
            return;
        }
        for (at, len) in results {
            let end = (at + len).min(after.len() as u64) as usize;
            let at = (*at as usize).min(end);
            before[at..end].copy_from_slice(&after[at..end]);
        }
        if let Some(at) = before.iter().zip(after).position(|(was, is)| was != is) {
            self.fail(&format!(
                "memory at {at:#x} was written, beside {results:x?}"
            ));
        }
    }

    /// Asserts that the results of a success are possible.
    fn result_makes_sense(&mut self, row: usize, args: &[u64; MAX_PARAMS], room: u64) {
        let name = SYSCALLS[row].name;
        let u32_at = |at: u64| {
            let bytes = self
                .memory
                .get(at, 4)
                .and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(u32::MAX, u32::from_le_bytes)
        };
        let most = match name {
            "fd_readdir" => Some((args[4], args[2])),
            "path_readlink" => Some((args[5], args[4])),
            "fd_read" => Some((args[3], room)),
            "fd_pread" => Some((args[4], room)),
            "poll_oneoff" => Some((args[3], args[2])),
            _ => None,
        };
        if let Some((at, most)) = most
            && u64::from(u32_at(at)) > most
        {
            self.fail("the result says more than there was room for");
        }
        match name {
            "path_open" | "sock_accept" => {
                let fd = u32_at(if name == "path_open" {
                    args[8]
                } else {
                    args[2]
                });
                if fd as usize >= self.setup.options.limits.descriptors {
                    self.fail("a descriptor beyond the limit");
                }
                if self.ctx.entry(fd).is_err() {
                    self.fail("a descriptor that is not there");
                }
            }
            "fd_filestat_get" | "path_filestat_get" => {
                let at = if name == "fd_filestat_get" {
                    args[1]
                } else {
                    args[4]
                };
                let ids = self.memory.get(at, 16).unwrap();
                let [dev, ino] =
                    [0, 8].map(|at| u64::from_le_bytes(ids[at..at + 8].try_into().unwrap()));
                if self.scratch.is_outside(dev, ino) {
                    self.fail("attributes of a file outside");
                }
            }
            "fd_readdir" => self.entries_make_sense(args),
            _ => {}
        }
    }

    /// The total length of the buffers of a call with a list of them.
    fn total(&self, args: &[u64; MAX_PARAMS]) -> u64 {
        let iovs = self.memory.iovs(args[1], args[2]).unwrap_or_default();
        iovs.iter().map(|(_, len)| len).sum()
    }

    fn entries_make_sense(&mut self, args: &[u64; MAX_PARAMS]) {
        let (at, len, used_at) = (args[1], args[2], args[4]);
        if used_at + 4 > at && used_at < at + len {
            return;
        }
        let used = u32::from_le_bytes(self.memory.get(used_at, 4).unwrap().try_into().unwrap());
        let mut rest = self.memory.get(at, used as usize).unwrap();
        let mut cookie = 0;
        while let Some((head, behind)) = rest.split_at_checked(Dirent::SIZE) {
            let name_len = u32::from_le_bytes(head[16..20].try_into().unwrap()) as usize;
            let name = &behind[..name_len.min(behind.len())];
            if name_len == 0 || name_len > 255 || name.contains(&b'/') || name.contains(&0) {
                self.fail("a name in a directory that is none");
            }
            if name.len() == name_len {
                cookie = u64::from_le_bytes(head[..8].try_into().unwrap());
            }
            rest = &behind[name.len()..];
        }
        self.cookie = cookie;
    }

    /// Asserts that in the end the guest has nothing that it was not given.
    fn finish(&mut self) {
        let limit = self
            .setup
            .options
            .limits
            .descriptors
            .max(3 + PREOPENS.len());
        let entries = (0..limit as u32 + 64).filter_map(|fd| self.ctx.entry(fd).ok());
        let mut count = 0;
        for entry in entries {
            count += 1;
            let fd = match entry.descriptor() {
                Descriptor::File(file) => file.handle().host().unwrap().as_fd().as_raw_fd(),
                Descriptor::Dir(Dir::Host(dir)) => dir.as_fd().as_raw_fd(),
                Descriptor::Dir(Dir::Other(_)) => continue,
                Descriptor::Stream(_) | Descriptor::Parked(_) => continue,
            };
            let path = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
            if !self.scratch.is_given(&path) {
                self.fail(&format!("the guest has {} open", path.display()));
            }
        }
        if count > limit {
            self.fail(&format!("{count} descriptors, {limit} at most"));
        }
        for (preopen, before) in &self.unwritable {
            let after = tree(&self.scratch.path(preopen));
            if after != *before {
                self.fail(&format!("{preopen} was\n{before:#?}\nand is\n{after:#?}"));
            }
        }
    }

    fn rendered(&self, index: usize) -> String {
        let Played { row, args, result } = &self.log[index];
        let syscall = &SYSCALLS[*row];
        let mut line = format!("{}({:#x?})", syscall.name, &args[..syscall.types.len()]);
        line.retain(|char| char != '\n');
        let mut next = 0;
        for param in syscall.params {
            if param.role == Role::Path {
                let path = self.memory.get(args[next], args[next + 1] as usize);
                let path = path.map(|path| path[..path.len().min(200)].escape_ascii().to_string());
                let _ = write!(line, " {}", path.unwrap_or_default());
            }
            next += param.role.types().len();
        }
        if let Some(result) = result {
            let _ = write!(line, " = {result:?}");
        }
        line
    }

    fn fail(&self, what: &str) -> ! {
        eprintln!("{:#?}", self.setup);
        // A path that was overwritten since shows as what is there now.
        for index in 0..self.log.len() {
            eprintln!("{}", self.rendered(index));
        }
        panic!("{what}");
    }

    /// Whether a call would block, as there is nobody else in this process.
    fn would_wait(&self, row: usize, args: &[u64; MAX_PARAMS]) -> bool {
        let wants = match SYSCALLS[row].name {
            "fd_read" | "fd_pread" | "sock_recv" | "sock_accept" => PollFlags::IN,
            "fd_write" | "fd_pwrite" | "sock_send" => PollFlags::OUT,
            _ => return false,
        };
        let Ok(entry) = self.ctx.entry(args[0] as u32) else {
            return false;
        };
        let Some(file) = entry.descriptor().host_file() else {
            return false;
        };
        if entry.is_nonblock() {
            return false;
        }
        !is_ready(file.as_fd(), wants) || wants == PollFlags::OUT && is_pipe(&entry)
    }

    /// Changes a `poll_oneoff` so that it does not wait for long.
    fn see_to_poll(&mut self, row: usize, args: &[u64; MAX_PARAMS]) {
        let [at, _, len, ..] = *args;
        let limit = self.setup.options.limits.subscriptions;
        if SYSCALLS[row].name != "poll_oneoff" || len == 0 || len > u64::from(limit) {
            return;
        }
        let (size, timeout_at, id_at, flags_at) = match self.setup.snapshot {
            Snapshot::Snapshot0 => (56, 32, 24, 48),
            Snapshot::Preview1 => (48, 24, 16, 40),
        };
        if self.memory.get(at, len as usize * size).is_none() {
            return;
        }
        let mut soon = false;
        for index in 0..len {
            let at = at + index * size as u64;
            let record = self.memory.get(at, size).unwrap();
            let u32_at = |at| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
            match record[8] {
                0 => {
                    soon = true;
                    let absolute = record[flags_at] & 1 != 0;
                    let Some(id @ (Clockid::Realtime | Clockid::Monotonic)) =
                        Clockid::from_raw(u32_at(id_at))
                    else {
                        continue;
                    };
                    let timeout = record[timeout_at..timeout_at + 8].try_into().unwrap();
                    let timeout = u64::from_le_bytes(timeout);
                    let most = if absolute { host::clock_time(id) } else { 1000 };
                    if timeout > most {
                        self.memory.put(at + timeout_at as u64, &most.to_le_bytes());
                    }
                }
                tag @ (1 | 2) => {
                    let wants = if tag == 1 {
                        PollFlags::IN
                    } else {
                        PollFlags::OUT
                    };
                    soon |= match self.ctx.get(u32_at(16), Rights::POLL_FD_READWRITE) {
                        Err(_) => true,
                        Ok(entry) => {
                            let file = entry.descriptor().host_file();
                            file.is_none_or(|file| is_ready(file.as_fd(), wants))
                        }
                    };
                }
                _ => return,
            }
        }
        if !soon {
            self.memory.put(at + 8, &[0; 48]);
        }
    }
}

fn is_ready(fd: BorrowedFd<'_>, wants: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, wants)];
    rustix::event::poll(&mut fds, Some(&Timespec::default())).unwrap() > 0
}

/// Whether it is the pipe in `inside`, which has no reader.
fn is_pipe(entry: &FdEntry) -> bool {
    let Descriptor::File(file) = entry.descriptor() else {
        return false;
    };
    let stat = rustix::fs::fstat(file.handle().host().unwrap().as_fd()).unwrap();
    FileType::from_raw_mode(stat.st_mode) == FileType::Fifo
}
