use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::directory::DirectoryHandle;
use super::environment::Environment;
use super::exports::check_permitted;
use super::files::{Files, failure};
use super::held::{Held, Load};
use super::image::{Alloc, MaybeBytes, NativeImage, tar};
use crate::abi::{Errno, Filetype};
use crate::ctx::View;
use crate::host;
use crate::vfs::ApplyError;
use crate::vfs::memory::{BuildError, Change, MemoryFs, MemoryFsLimits, Usage, What};

/// A file system in memory. Its size is reported to the garbage collector.
pub struct TrackedMemoryFs {
    /// The file system.
    pub fs: MemoryFs,
    /// The host's view of it, once it was needed.
    view: OnceCell<Arc<View>>,
    load: Load,
}

impl TrackedMemoryFs {
    /// The size of an empty one in bytes.
    const LEAST: usize = 2 << 10;
    /// The least change of its size that is reported, in bytes.
    const STEP: usize = 64 << 10;

    /// The host's view of its files.
    ///
    /// # Errors
    ///
    /// Those of [`View::over`], when it is needed for the first time.
    pub fn view(&self) -> std::result::Result<&Arc<View>, Errno> {
        match self.view.get() {
            Some(view) => Ok(view),
            None => {
                let view = Arc::new(View::over(self.fs.root())?);
                Ok(self.view.get_or_init(|| view))
            }
        }
    }

    /// Reports its size to the garbage collector, if it has changed.
    pub fn weigh(&self) {
        let bytes = Self::LEAST + self.fs.usage().bytes as usize;
        if bytes.abs_diff(self.load.get()) >= Self::STEP {
            self.load.set(bytes);
        }
    }
}

/// The native half of the class `MemoryFS`.
#[napi]
pub struct NativeMemoryFs {
    memory: Rc<Held<TrackedMemoryFs>>,
}

/// Makes a file system in memory: over an image, over a directory of the host, or empty. The limits are
/// integers, or `Infinity` for none. Returns a negated errno if the directory cannot be opened.
///
/// # Errors
///
/// `ERR_ACCESS_DENIED` for a directory, if Node's permission model does not allow WASI.
#[napi]
pub fn create_memory_fs<'env>(
    env: &'env Env,
    max_bytes: f64,
    max_files: f64,
    image: Option<&NativeImage>,
    directory: Option<String>,
) -> Result<Either<f64, ClassInstance<'env, NativeMemoryFs>>> {
    let environment = Environment::of(env)?;
    let limits = MemoryFsLimits {
        bytes: max_bytes as u64,
        files: max_files as u64,
    };
    let fs = match (image, directory) {
        (Some(image), _) => MemoryFs::over(image.image()?, limits),
        (None, None) => MemoryFs::new(limits),
        (None, Some(path)) => {
            check_permitted(env, &environment)?;
            match open_host(&path).and_then(|dir| MemoryFs::over_host(dir, limits)) {
                Ok(fs) => fs,
                Err(errno) => return Ok(Either::A(failure(errno))),
            }
        }
    };
    let kept = TrackedMemoryFs {
        fs,
        view: OnceCell::new(),
        load: environment.held.borrow().load(env, TrackedMemoryFs::LEAST),
    };
    let make = |memory| NativeMemoryFs { memory }.into_instance(env);
    environment.hold(env, kept, make).map(Either::B)
}

/// Opens a directory by a path of the embedder.
fn open_host(path: &str) -> std::result::Result<host::Dir, Errno> {
    Ok(host::Dir::open_ambient(Path::new(path))?)
}

/// The default limits: bytes, files.
#[napi]
pub fn memory_fs_limits() -> Vec<f64> {
    let MemoryFsLimits { bytes, files } = MemoryFsLimits::default();
    vec![bytes as f64, files as f64]
}

#[allow(
    clippy::missing_errors_doc,
    reason = "the owner is there as long as anything of this is"
)]
#[napi]
impl NativeMemoryFs {
    /// Its root, to be mounted.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::of_memory(Rc::clone(&self.memory))
    }

    /// Its files, for the host.
    #[napi]
    pub fn files(&self) -> Files {
        Files::of_memory(Rc::clone(&self.memory))
    }

    /// Creates a directory, and missing ones above it.
    #[napi]
    pub fn make_directory(&self, path: String) -> Result<f64> {
        self.build(|fs| fs.create_dir(path.as_bytes()))
    }

    /// Creates a file, and missing directories above it. `mtime` is its time in nanoseconds.
    #[napi]
    pub fn make_file(
        &self,
        path: String,
        content: BufferSlice<'_>,
        mtime: Option<BigInt>,
    ) -> Result<f64> {
        let mtime = mtime.map(|mtime| mtime.get_u64().1);
        self.build(|fs| fs.file(path.as_bytes(), &content, mtime))
    }

    /// Creates a symbolic link, and missing directories above it.
    #[napi]
    pub fn make_link(&self, path: String, target: BufferSlice<'_>) -> Result<f64> {
        self.build(|fs| fs.symlink(path.as_bytes(), &target))
    }

    /// The differences from what it was made over.
    #[napi(catch_unwind)]
    pub fn changes(&self) -> Result<Either<f64, Vec<NativeChange>>> {
        let changes = self.memory.get()?.fs.changes();
        Ok(match changes {
            Ok(changes) => Either::B(changes.into_iter().map(NativeChange::from).collect()),
            Err(errno) => Either::A(failure(errno)),
        })
    }

    /// An image of the present state.
    #[napi(catch_unwind)]
    pub fn snapshot<'env>(
        &self,
        env: &'env Env,
    ) -> Result<Either<f64, ClassInstance<'env, NativeImage>>> {
        Ok(match self.memory.get()?.fs.snapshot() {
            Ok(image) => Either::B(NativeImage::make(env, Arc::new(image))?),
            Err(errno) => Either::A(failure(errno)),
        })
    }

    /// A tar archive of all files, or of the changes, of at most so many bytes.
    #[napi(catch_unwind)]
    pub fn to_tar<'env>(
        &self,
        changes: bool,
        limit: f64,
        alloc: Alloc<'env>,
    ) -> Result<MaybeBytes<'env>> {
        let kept = self.memory.get()?;
        let layer = match changes {
            true => kept.fs.changed(),
            false => kept.fs.all(),
        };
        Ok(tar(layer, limit, &alloc))
    }

    /// Applies the changes to a directory of the host, or returns what cannot be applied, and why.
    ///
    /// # Errors
    ///
    /// `ERR_ACCESS_DENIED`, if Node's permission model does not allow WASI.
    #[napi(catch_unwind)]
    pub fn apply_to(&self, env: &Env, directory: String) -> Result<Option<ApplyFailure>> {
        let environment = Environment::of(env)?;
        check_permitted(env, &environment)?;
        let kept = self.memory.get()?;
        let failed = |syscall: &str, ApplyError { path, errno }| ApplyFailure {
            errno: failure(errno),
            syscall: syscall.to_owned(),
            path,
        };
        let of_all = |errno| ApplyError {
            path: String::new(),
            errno,
        };
        let apply = || {
            let dir = open_host(&directory).map_err(|errno| failed("open", of_all(errno)))?;
            let layer = (kept.fs.changed()).map_err(|errno| failed("read", of_all(errno)))?;
            (layer.apply_to(&dir)).map_err(|error| failed("write", error))
        };
        Ok(apply().err())
    }

    /// How many bytes and files it has.
    #[napi]
    pub fn usage(&self) -> Result<Vec<f64>> {
        let kept = self.memory.get()?;
        kept.weigh();
        let Usage { bytes, files } = kept.fs.usage();
        Ok(vec![bytes as f64, files as f64])
    }
}

/// Why changes cannot be applied.
#[napi(object, object_from_js = false)]
pub struct ApplyFailure {
    /// The negated errno.
    pub errno: f64,
    /// The operation that failed, as `syscall` of errors of `node:fs`.
    pub syscall: String,
    /// The path of the file, relative to the directory.
    pub path: String,
}

/// A difference: see `WASIChange` in index.d.ts.
#[napi(object, object_from_js = false)]
pub struct NativeChange {
    pub path: String,
    #[napi(js_name = "type")]
    pub what: &'static str,
    pub kind: &'static str,
    pub from: Option<String>,
}

impl From<Change> for NativeChange {
    fn from(change: Change) -> Self {
        let text = |path: Vec<u8>| String::from_utf8_lossy(&path).into_owned();
        let (what, from) = match change.what {
            What::Removed => ("removed", None),
            What::Renamed(from) => ("renamed", Some(text(from))),
            What::Created => ("created", None),
            What::Modified => ("modified", None),
        };
        Self {
            path: text(change.path),
            what,
            kind: match change.filetype {
                Filetype::Directory => "directory",
                Filetype::SymbolicLink => "symlink",
                _ => "file",
            },
            from,
        }
    }
}

impl NativeMemoryFs {
    fn build(
        &self,
        build: impl FnOnce(&MemoryFs) -> std::result::Result<(), BuildError>,
    ) -> Result<f64> {
        let kept = self.memory.get()?;
        let built = build(&kept.fs);
        kept.weigh();
        Ok(built.map_or_else(|error| failure(error.errno), |()| 0.0))
    }
}
