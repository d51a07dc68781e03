//! The native half of `wasi.fs`, over which `lib/fs/` implements the functions of `node:fs`.
//!
//! Each function returns its result, or the negated errno of WASI. JavaScript makes error objects of errnos,
//! and only for callers that get one: `existsSync` does not.

use std::borrow::Cow;
use std::rc::{Rc, Weak};
use std::time::Duration;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::Environment;
use super::error::closed;
use super::held::Held;
use super::image::MaybeBytes;
use super::instance::Instance;
use super::js_fs::lent;
use super::memory_fs::TrackedMemoryFs;
use crate::abi::{Errno, Fdflags, Filesize, Filestat, Oflags};
use crate::ctx::View;
use crate::vfs::{OpenHow, SetTime};

/// A path: a string, or its bytes.
type JsPath<'b> = Either<String, BufferSlice<'b>>;

/// A result, or a negated errno.
type Answer = Result<f64>;

/// The files of one guest, as its embedder sees them, or of a file system: [`View`].
#[napi]
pub struct Files {
    of: Of,
}

/// What the files belong to.
enum Of {
    Guest(Weak<Instance>),
    Memory(Rc<Held<TrackedMemoryFs>>),
}

impl Files {
    /// The files of a guest, for as long as it exists.
    pub fn of_guest(guest: &Rc<Instance>) -> Self {
        Self {
            of: Of::Guest(Rc::downgrade(guest)),
        }
    }

    /// The files of a file system in memory.
    pub fn of_memory(memory: Rc<Held<TrackedMemoryFs>>) -> Self {
        Self {
            of: Of::Memory(memory),
        }
    }

    /// The result of a call on the files; an error of JavaScript if the guest has been closed.
    fn call<T>(
        &self,
        env: &Env,
        call: impl FnOnce(&View) -> std::result::Result<T, Errno>,
    ) -> Result<std::result::Result<T, Errno>> {
        let result = match &self.of {
            Of::Memory(memory) => {
                let kept = memory.get()?;
                let result = kept.view().and_then(|view| call(view));
                kept.weigh();
                result
            }
            Of::Guest(guest) => {
                let open = guest.upgrade().filter(|guest| !guest.is_closed.get());
                let guest = open.ok_or_else(|| closed(env))?;
                guest.view().and_then(|view| call(view))
            }
        };
        Environment::of(env)?.check_thrown(env)?;
        Ok(result)
    }

    fn number(
        &self,
        env: &Env,
        call: impl FnOnce(&View) -> std::result::Result<f64, Errno>,
    ) -> Answer {
        Ok(self.call(env, call)?.unwrap_or_else(failure))
    }

    fn done(
        &self,
        env: &Env,
        call: impl FnOnce(&View) -> std::result::Result<(), Errno>,
    ) -> Answer {
        self.number(env, |view| call(view).map(|()| 0.0))
    }

    fn bytes<'env>(
        &self,
        env: &'env Env,
        call: impl FnOnce(&View) -> std::result::Result<Vec<u8>, Errno>,
    ) -> Result<MaybeBytes<'env>> {
        Ok(match self.call(env, call)? {
            Ok(bytes) => Either::B(BufferSlice::copy_from(env, bytes)?),
            Err(errno) => Either::A(failure(errno)),
        })
    }
}

/// A negated errno.
pub fn failure(errno: Errno) -> f64 {
    -f64::from(errno.raw())
}

/// The bytes of a path. Those of a buffer are copied, as a file system in JavaScript may detach it.
fn bytes_of<'p>(path: &'p JsPath<'_>) -> Cow<'p, [u8]> {
    match path {
        Either::A(path) => Cow::Borrowed(path.as_bytes()),
        Either::B(path) => Cow::Owned(path.to_vec()),
    }
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each throws ERR_WASI_CLOSED after close(), and nothing else"
)]
#[napi]
impl Files {
    /// The path of the root, then the names of the preopens, each with a NUL at its end.
    #[napi(catch_unwind)]
    pub fn preopens<'env>(&self, env: &'env Env) -> Result<MaybeBytes<'env>> {
        self.bytes(env, |view| {
            let names = view.mapped_paths().into_iter();
            Ok(names.flat_map(|name| [name, vec![0]].concat()).collect())
        })
    }

    /// `open(2)`. `access` is the sum of 1 to read, 2 to write, and 4 not to follow a link at the end; the
    /// flags are those of `path_open`.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: &Env,
        path: JsPath<'_>,
        access: u32,
        oflags: u32,
        fdflags: u32,
    ) -> Answer {
        let how = OpenHow {
            read: access & 1 != 0,
            write: access & 2 != 0,
            oflags: Oflags::from_bits_truncate(oflags as u16),
            fdflags: Fdflags::from_bits_truncate(fdflags as u16),
            follow: access & 4 == 0,
        };
        self.number(env, |view| Ok(f64::from(view.open(&bytes_of(&path), how)?)))
    }

    /// `close(2)`.
    #[napi(catch_unwind)]
    pub fn close(&self, env: &Env, fd: u32) -> Answer {
        self.done(env, |view| view.close(fd))
    }

    /// `read(2)` into a buffer, or `pread(2)` if `at` is not negative.
    #[napi(catch_unwind)]
    pub fn read(&self, env: &Env, fd: u32, mut to: BufferSlice<'_>, at: f64) -> Answer {
        let value = to.raw();
        self.number(env, |view| {
            let nread = if view.calls_back(fd) {
                let read = |piece: &mut [u8], at| view.read(fd, piece, at);
                lent::read(env, value, to.len(), offset(at), read)?
            } else {
                view.read(fd, &mut to, offset(at))?
            };
            Ok(nread as f64)
        })
    }

    /// `write(2)` of a buffer, or `pwrite(2)` if `at` is not negative.
    #[napi(catch_unwind)]
    pub fn write(&self, env: &Env, fd: u32, mut from: BufferSlice<'_>, at: f64) -> Answer {
        let value = from.raw();
        self.number(env, |view| {
            let nwritten = if view.calls_back(fd) {
                let write = |piece: &mut [u8], at| view.write(fd, piece, at);
                lent::write(env, value, from.len(), offset(at), write)?
            } else {
                view.write(fd, &mut from, offset(at))?
            };
            Ok(nwritten as f64)
        })
    }

    /// `fstat(2)` into `out`.
    #[napi(catch_unwind)]
    pub fn fstat(&self, env: &Env, fd: u32, mut out: BufferSlice<'_>) -> Answer {
        self.done(env, |view| lay(&view.fstat(fd)?, &mut out))
    }

    /// `stat(2)` or `lstat(2)` into `out`.
    #[napi(catch_unwind)]
    pub fn stat(
        &self,
        env: &Env,
        path: JsPath<'_>,
        follow: bool,
        mut out: BufferSlice<'_>,
    ) -> Answer {
        self.done(env, |view| {
            lay(&view.stat(&bytes_of(&path), follow)?, &mut out)
        })
    }

    /// `access(2)`: whether it exists, and can be opened in this way.
    #[napi(catch_unwind)]
    pub fn access(&self, env: &Env, path: JsPath<'_>, read: bool, write: bool) -> Answer {
        self.done(env, |view| view.access(&bytes_of(&path), read, write))
    }

    /// `ftruncate(2)`.
    #[napi(catch_unwind)]
    pub fn ftruncate(&self, env: &Env, fd: u32, size: f64) -> Answer {
        self.done(env, |view| view.set_size(fd, size as Filesize))
    }

    /// `futimens(2)`, with times in seconds.
    #[napi(catch_unwind)]
    pub fn futimes(&self, env: &Env, fd: u32, atime: f64, mtime: f64) -> Answer {
        self.done(env, |view| view.set_times(fd, time(atime)?, time(mtime)?))
    }

    /// `utimensat(2)`, with times in seconds.
    #[napi(catch_unwind)]
    pub fn utimes(
        &self,
        env: &Env,
        path: JsPath<'_>,
        follow: bool,
        atime: f64,
        mtime: f64,
    ) -> Answer {
        self.done(env, |view| {
            view.set_times_of(&bytes_of(&path), follow, time(atime)?, time(mtime)?)
        })
    }

    /// `fsync(2)`, or `fdatasync(2)`.
    #[napi(catch_unwind)]
    pub fn sync(&self, env: &Env, fd: u32, data_only: bool) -> Answer {
        self.done(env, |view| view.sync(fd, data_only))
    }

    /// The entries of a directory: for each its file type as a digit, its name, and a NUL.
    #[napi(catch_unwind)]
    pub fn list<'env>(&self, env: &'env Env, path: JsPath<'_>) -> Result<MaybeBytes<'env>> {
        self.bytes(env, |view| {
            let mut all = Vec::new();
            view.list(&bytes_of(&path), |name, filetype| {
                all.push(b'0' + filetype.raw());
                all.extend_from_slice(name);
                all.push(0);
            })?;
            Ok(all)
        })
    }

    /// `readlink(2)`.
    #[napi(catch_unwind)]
    pub fn readlink<'env>(&self, env: &'env Env, path: JsPath<'_>) -> Result<MaybeBytes<'env>> {
        self.bytes(env, |view| view.read_link(&bytes_of(&path)))
    }

    /// `mkdir(2)`.
    #[napi(catch_unwind)]
    pub fn mkdir(&self, env: &Env, path: JsPath<'_>) -> Answer {
        self.done(env, |view| view.create_dir(&bytes_of(&path)))
    }

    /// `rmdir(2)`.
    #[napi(catch_unwind)]
    pub fn rmdir(&self, env: &Env, path: JsPath<'_>) -> Answer {
        self.done(env, |view| view.remove_dir(&bytes_of(&path)))
    }

    /// `unlink(2)`.
    #[napi(catch_unwind)]
    pub fn unlink(&self, env: &Env, path: JsPath<'_>) -> Answer {
        self.done(env, |view| view.unlink(&bytes_of(&path)))
    }

    /// `rename(2)`.
    #[napi(catch_unwind)]
    pub fn rename(&self, env: &Env, from: JsPath<'_>, to: JsPath<'_>) -> Answer {
        self.done(env, |view| view.rename(&bytes_of(&from), &bytes_of(&to)))
    }

    /// `link(2)`.
    #[napi(catch_unwind)]
    pub fn link(&self, env: &Env, from: JsPath<'_>, to: JsPath<'_>) -> Answer {
        self.done(env, |view| view.link(&bytes_of(&from), &bytes_of(&to)))
    }

    /// `symlink(2)`.
    #[napi(catch_unwind)]
    pub fn symlink(&self, env: &Env, target: JsPath<'_>, path: JsPath<'_>) -> Answer {
        self.done(env, |view| {
            view.symlink(&bytes_of(&target), &bytes_of(&path))
        })
    }
}

/// An offset in a file; `None` if it is negative.
fn offset(at: f64) -> Option<Filesize> {
    (at >= 0.0).then_some(at as Filesize)
}

/// Writes attributes for JavaScript, as 64-bit numbers.
fn lay(stat: &Filestat, out: &mut [u8]) -> std::result::Result<(), Errno> {
    let attributes = [
        stat.dev,
        stat.ino,
        u64::from(stat.filetype.raw()),
        stat.nlink,
        stat.size,
        stat.atim,
        stat.mtim,
        stat.ctim,
    ];
    let (places, _) = out.as_chunks_mut();
    for (place, attribute) in places.iter_mut().zip(attributes) {
        *place = attribute.to_ne_bytes();
    }
    Ok(())
}

/// A time in seconds since 1970. WASI has no times before.
fn time(seconds: f64) -> std::result::Result<SetTime, Errno> {
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| Errno::Inval)?;
    let nanoseconds = u64::try_from(since.as_nanos()).map_err(|_| Errno::Inval)?;
    Ok(SetTime::At(nanoseconds))
}

/// The names of WASI's errnos, by their numbers.
#[napi]
pub fn errno_names() -> Vec<&'static str> {
    Errno::ALL.iter().map(|errno| errno.name()).collect()
}
