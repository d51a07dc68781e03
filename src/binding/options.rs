use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::determinism::{WasiClock, WasiRandom};
use super::directory::DirectoryHandle;
use super::environment::Environment;
use super::error::strings_error;
use super::given_socket::WasiSocket;
use super::memory_fs::TrackedMemoryFs;
use super::stdio::StdioHandle;
use crate::abi::Rights;
use crate::ctx::{Grant, Limits, Options, Preopen, PreopenSource, Stdio, StringArray};
use crate::memory::MAX_IOVECS;
use crate::syscalls::{SYSCALLS, capability};
use crate::vfs::{NameBuf, Output};

/// A standard stream: a descriptor, or another stream.
type JsStdio<'env> = Either<i32, ClassInstance<'env, StdioHandle>>;

/// The path of the devices for the guest.
const DEVICES: &str = "/dev";

/// The options of node:wasi, all of which are set, and those that only this class has.
#[napi(object, object_to_js = false)]
pub struct WasiOptions<'env> {
    /// The guest's arguments, the name of the program first.
    #[napi(ts_type = "Array<string>")]
    pub args: Array<'env>,
    /// The guest's environment, each `NAME=value`.
    #[napi(ts_type = "Array<string>")]
    pub env: Array<'env>,
    /// The preopens.
    pub preopens: Vec<WasiPreopen<'env>>,
    /// Whether the guest has `/dev` with the devices that programs expect.
    pub devices: bool,
    /// Standard input: a descriptor of the process, or another stream.
    #[napi(ts_type = "number | Stdio")]
    pub stdin: JsStdio<'env>,
    /// Standard output.
    #[napi(ts_type = "number | Stdio")]
    pub stdout: JsStdio<'env>,
    /// Standard error.
    #[napi(ts_type = "number | Stdio")]
    pub stderr: JsStdio<'env>,
    /// The sockets that the guest is started with.
    pub sockets: Option<Vec<WasiSocket>>,
    /// Returns whether `proc_exit` ends only the guest, not the process. As in node:wasi, it is called when
    /// everything else has been checked.
    pub return_on_exit: Function<'env, (), bool>,
    /// The limits of the guest; those that are not set have their defaults.
    pub limits: Option<WasiLimits>,
    /// The names of the guest's capabilities; all if not set.
    pub capabilities: Option<Vec<String>>,
    /// The bytes of memory at which the guest is ended, when that is noticed.
    pub max_memory: Option<f64>,
    /// Clocks of the embedder, if there are any.
    pub clock: Option<WasiClock<'env>>,
    /// Random bytes of the embedder, if there are any.
    pub random: Option<WasiRandom<'env>>,
}

/// A preopen.
#[napi(object, object_to_js = false)]
pub struct WasiPreopen<'env> {
    /// Its name for the guest.
    pub mapped_path: String,
    /// Its path on the host or, with `directory`, in that.
    pub real_path: String,
    /// A directory of another file system.
    pub directory: Option<ClassInstance<'env, DirectoryHandle>>,
    /// The name of a file in `directory`, if a file is mounted.
    pub file: Option<String>,
    /// Whether the guest may change nothing in it.
    pub read_only: Option<bool>,
    /// The rights of it, as the witx names them; all if not set.
    pub rights: Option<Vec<String>>,
}

/// The limits of a guest: see [`Limits`].
#[napi(object)]
pub struct WasiLimits {
    /// Open descriptors.
    pub descriptors: Option<u32>,
    /// `iovec`s in one call.
    pub iovecs: Option<u32>,
    /// Subscriptions in one `poll_oneoff`.
    pub subscriptions: Option<u32>,
    /// Bytes in a path.
    pub path_length: Option<u32>,
    /// Symbolic links in the resolution of one path.
    pub symlink_hops: Option<u32>,
    /// Random bytes generated at a time.
    pub random_chunk: Option<u32>,
}

impl<'env> WasiOptions<'env> {
    /// The file systems in memory that are among the preopens.
    pub fn memories(&self) -> Vec<Rc<TrackedMemoryFs>> {
        let directories = (self.preopens.iter()).filter_map(|preopen| preopen.directory.as_ref());
        directories.filter_map(|dir| dir.memory()).collect()
    }

    /// The standard streams among them that collect output.
    pub fn outputs(&self) -> Vec<Arc<Output>> {
        let streams = [&self.stdin, &self.stdout, &self.stderr];
        let collected = streams.into_iter().filter_map(|stream| match stream {
            Either::A(_) => None,
            Either::B(handle) => handle.collected(),
        });
        collected.collect()
    }

    /// The same as options of a context, and `return_on_exit`.
    ///
    /// # Errors
    ///
    /// A capability or a right with an unknown name.
    pub fn read(self, env: &Env) -> Result<(Options, Function<'env, (), bool>)> {
        let mut preopens = (self.preopens.into_iter())
            .map(WasiPreopen::read)
            .collect::<Result<Vec<_>>>()?;
        if self.devices {
            preopens.push(Preopen {
                mapped_path: DEVICES.into(),
                source: PreopenSource::Devices,
                rights: Rights::all(),
            });
        }
        let options = Options {
            args: strings(env, &self.args)?,
            env: strings(env, &self.env)?,
            preopens,
            stdio: [stdio(self.stdin)?, stdio(self.stdout)?, stdio(self.stderr)?],
            limits: Limits {
                memory: self.max_memory.map_or(u64::MAX, |bytes| bytes as u64),
                ..self.limits.map_or_else(Limits::default, WasiLimits::read)
            },
            grant: match self.capabilities {
                None => Grant::ALL,
                Some(names) => (names.iter()).try_fold(Grant::NONE, |all, name| {
                    Ok::<_, Error>(all.union(grant(name)?))
                })?,
            },
        };
        Ok((options, self.return_on_exit))
    }
}

impl WasiPreopen<'_> {
    /// The same as an option of a context.
    ///
    /// # Errors
    ///
    /// A right with an unknown name; a file with an invalid name.
    pub fn read(self) -> Result<Preopen> {
        let mut rights = match self.rights {
            None => Rights::all(),
            Some(names) => (names.iter()).try_fold(Rights::empty(), |all, name| {
                Ok::<_, Error>(all | right(name)?)
            })?,
        };
        let is_read_only = (self.directory.as_ref()).is_some_and(|dir| dir.is_read_only());
        if is_read_only || self.read_only == Some(true) {
            rights &= Rights::READ_ONLY;
        }
        let path = until_nul(self.real_path);
        Ok(Preopen {
            mapped_path: until_nul(self.mapped_path),
            source: match (self.directory, self.file) {
                (None, _) => PathBuf::from(path).into(),
                (Some(directory), None) => PreopenSource::Within(directory.view()?, path),
                (Some(directory), Some(file)) => {
                    let name = NameBuf::new(file.into_bytes());
                    let name = name.ok_or_else(|| Error::from_reason("no name of a file"))?;
                    PreopenSource::File(directory.dir()?, name)
                }
            },
            rights,
        })
    }
}

impl WasiLimits {
    fn read(self) -> Limits {
        let default = Limits::default();
        let size = |limit: Option<u32>, default| limit.map_or(default, |limit| limit as usize);
        Limits {
            descriptors: size(self.descriptors, default.descriptors),
            iovecs: size(self.iovecs, default.iovecs).min(MAX_IOVECS),
            subscriptions: self.subscriptions.unwrap_or(default.subscriptions),
            path_len: self.path_length.unwrap_or(default.path_len),
            symlink_hops: self.symlink_hops.unwrap_or(default.symlink_hops),
            random_chunk: size(self.random_chunk, default.random_chunk),
            ..default
        }
    }
}

fn stdio(stdio: JsStdio<'_>) -> Result<Stdio> {
    Ok(match stdio {
        Either::A(fd) => Stdio::Lent(fd),
        Either::B(handle) => Stdio::Stream(handle.give()?),
    })
}

/// The strings of an array.
///
/// Reading each through Node-API would take longer than everything else in making an instance. So they come as
/// one string, unless one of them has a NUL in it.
fn strings(env: &Env, array: &Array<'_>) -> Result<StringArray> {
    if array.len() == 0 {
        return Ok(StringArray::default());
    }
    let terminated = &Environment::of(env)?.glue.terminated;
    let all: String = terminated
        .borrow_back(env)?
        .call(FnArgs::from((array.to_unknown(),)))?;
    let count = all.bytes().filter(|byte| *byte == 0).count();
    let strings = if count == array.len() as usize {
        StringArray::from_terminated(all.into_bytes())
    } else {
        let each = (0..array.len()).map(|index| array.get_element::<String>(index));
        StringArray::new(each.collect::<Result<Vec<_>>>()?)
    };
    strings.map_err(|errno| strings_error(env, errno))
}

/// The capability with this name.
///
/// # Errors
///
/// It is unknown: not one of [`capability_names`].
pub fn grant(name: &str) -> Result<Grant> {
    capability::grant(name).ok_or_else(|| Error::from_reason(format!("no capability {name}")))
}

/// The right with this name.
///
/// # Errors
///
/// It is unknown: not one of [`right_names`].
fn right(name: &str) -> Result<Rights> {
    Rights::from_name(&name.to_uppercase())
        .ok_or_else(|| Error::from_reason(format!("no right {name}")))
}

/// The names that `capabilities` and `addCapability` take.
#[napi]
pub fn capability_names() -> Vec<&'static str> {
    capability::names().collect()
}

/// The names of the calls.
#[napi]
pub fn call_names() -> Vec<&'static str> {
    SYSCALLS.iter().map(|syscall| syscall.name).collect()
}

/// The names that `rights` of a preopen takes.
#[napi]
pub fn right_names() -> Vec<String> {
    (Rights::all().iter_names())
        .map(|(name, _)| name.to_lowercase())
        .collect()
}

/// Cuts off a string at its first NUL, as Node does, which passes strings to C.
fn until_nul(mut string: String) -> String {
    if let Some(nul) = string.find('\0') {
        string.truncate(nul);
    }
    string
}
