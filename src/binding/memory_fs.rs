use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::directory::DirectoryHandle;
use super::environment::Environment;
use super::exports::check_permitted;
use super::files::{Files, failure};
use super::image::{NativeImage, tar};
use super::instance::Weight;
use super::weak::Weak;
use crate::abi::{Errno, Filetype};
use crate::ctx::View;
use crate::host;
use crate::vfs::ApplyError;
use crate::vfs::memory::{BuildError, Change, Limits, MemoryFs, Usage, What};

/// A file system in memory, as JavaScript has it: gone once that has lost its object.
///
/// What Node-API keeps of a native object it drops when the event loop turns, to which a program that makes
/// one after the other may not return. So what takes memory is behind this, and the [`Memories`] of the
/// environment take it away.
pub struct Memory(RefCell<Option<Rc<Kept>>>);

/// A file system in memory, and what it costs.
pub struct Kept {
    /// The file system.
    pub fs: MemoryFs,
    /// The host's view of it, once somebody has looked.
    view: OnceCell<Arc<View>>,
    weight: Weight,
    /// What is told of all of them.
    all_bytes: Rc<Cell<usize>>,
}

impl Memory {
    fn new(env: Env, fs: MemoryFs, all_bytes: &Rc<Cell<usize>>) -> Self {
        let kept = Kept {
            fs,
            view: OnceCell::new(),
            weight: Weight::new(env, 0),
            all_bytes: Rc::clone(all_bytes),
        };
        kept.count(Kept::LEAST);
        Self(RefCell::new(Some(Rc::new(kept))))
    }

    /// The file system.
    ///
    /// # Errors
    ///
    /// JavaScript has lost it.
    pub fn kept(&self) -> Result<Rc<Kept>> {
        (self.0.borrow().clone()).ok_or_else(|| Error::from_reason("the file system is gone"))
    }
}

impl Kept {
    /// What one costs that is empty.
    const LEAST: usize = 2 << 10;
    /// By how much it may grow or shrink before that is told.
    const STEP: usize = 64 << 10;

    /// The host's view of its files.
    ///
    /// # Errors
    ///
    /// As [`View::over`], when it is first asked for.
    pub fn view(&self) -> std::result::Result<&Arc<View>, Errno> {
        match self.view.get() {
            Some(view) => Ok(view),
            None => {
                let view = Arc::new(View::over(self.fs.root())?);
                Ok(self.view.get_or_init(|| view))
            }
        }
    }

    /// Tells the collector how much it holds, if that has changed.
    pub fn weigh(&self) {
        let bytes = Self::LEAST + self.fs.usage().bytes as usize;
        if bytes.abs_diff(self.weight.get()) >= Self::STEP {
            self.count(bytes);
        }
    }

    fn count(&self, bytes: usize) {
        let others = self.all_bytes.get() - self.weight.get();
        self.all_bytes.set(others + bytes);
        self.weight.set(bytes);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.count(0);
    }
}

/// The file systems in memory that JavaScript has.
#[derive(Default)]
pub struct Memories {
    all: Vec<(Weak, Rc<Memory>)>,
    /// How many bytes all of them hold, as far as it has been told.
    bytes: Rc<Cell<usize>>,
    /// How many there are, and how many bytes, before the next one looks for those that were collected.
    full: (usize, usize),
}

impl Memories {
    /// So many are kept, and so many bytes, before it is worth to look for those that were collected.
    const MIN_FULL: (usize, usize) = (32, 16 << 20);

    /// Whether there are so many that those should go which were collected.
    fn is_full(&self) -> bool {
        self.all.len() >= self.full.0 || self.bytes.get() >= self.full.1
    }

    /// Lets go of those whose objects have been collected.
    fn sweep(&mut self) {
        self.all.retain(|(object, memory)| {
            let is_there = object.get().is_some();
            if !is_there {
                memory.0.take();
            }
            is_there
        });
        let (count, bytes) = Self::MIN_FULL;
        self.full = (
            count.max(2 * self.all.len()),
            bytes.max(2 * self.bytes.get()),
        );
    }
}

impl Drop for Memories {
    /// As its environment ends, whatever still has the objects.
    fn drop(&mut self) {
        for (_, memory) in &self.all {
            drop(memory.0.take());
        }
    }
}

/// The native half of the class `MemoryFS`.
#[napi]
pub struct NativeMemoryFs {
    memory: Rc<Memory>,
}

/// Makes a file system in memory, which is there for as long as `owner` is: over an image, over a directory of
/// the host, or empty. The limits are whole numbers or `Infinity`, for none. A number is the negated errno of a
/// directory that cannot be opened.
///
/// # Errors
///
/// `ERR_ACCESS_DENIED` for a directory, where Node's permission model withholds WASI.
#[napi]
pub fn create_memory_fs(
    env: &Env,
    owner: Unknown<'_>,
    max_bytes: f64,
    max_files: f64,
    image: Option<&NativeImage>,
    directory: Option<String>,
) -> Result<Either<f64, NativeMemoryFs>> {
    let environment = Environment::of(env)?;
    let is_full = environment.memories.borrow().is_full();
    if is_full {
        // Guests that were collected have some of them.
        environment.sweep();
        environment.memories.borrow_mut().sweep();
    }
    let mut memories = environment.memories.borrow_mut();
    let limits = Limits {
        bytes: max_bytes as u64,
        files: max_files as u64,
    };
    let fs = match (image, directory) {
        (Some(image), _) => MemoryFs::over(image.image(), limits),
        (None, None) => MemoryFs::new(limits),
        (None, Some(path)) => {
            check_permitted(env, &environment)?;
            match open_host(&path).and_then(|dir| MemoryFs::over_host(dir, limits)) {
                Ok(fs) => fs,
                Err(errno) => return Ok(Either::A(failure(errno))),
            }
        }
    };
    let memory = Rc::new(Memory::new(*env, fs, &memories.bytes));
    memories
        .all
        .push((Weak::to(env, owner)?, Rc::clone(&memory)));
    Ok(Either::B(NativeMemoryFs { memory }))
}

/// A directory that the embedder names.
fn open_host(path: &str) -> std::result::Result<host::Dir, Errno> {
    Ok(host::Dir::open_ambient(Path::new(path))?)
}

/// The limits of those that are made without: bytes, files.
#[napi]
pub fn memory_fs_limits() -> Vec<f64> {
    let Limits { bytes, files } = Limits::default();
    vec![bytes as f64, files as f64]
}

#[allow(
    clippy::missing_errors_doc,
    reason = "the owner is there as long as anything of this is"
)]
#[napi]
impl NativeMemoryFs {
    /// Its root, for who mounts it.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::of_memory(Rc::clone(&self.memory))
    }

    /// Its files, for the host.
    #[napi]
    pub fn files(&self) -> Files {
        Files::of_memory(Rc::clone(&self.memory))
    }

    /// Makes a directory, and those above it.
    #[napi]
    pub fn make_directory(&self, path: String) -> Result<f64> {
        self.build(|fs| fs.create_dir(path.as_bytes()))
    }

    /// Makes a file, and the directories above it; with `mtime`, in nanoseconds, as its times.
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

    /// Makes a symbolic link, and the directories above it.
    #[napi]
    pub fn make_link(&self, path: String, target: BufferSlice<'_>) -> Result<f64> {
        self.build(|fs| fs.symlink(path.as_bytes(), &target))
    }

    /// In what it differs from its base.
    #[napi(catch_unwind)]
    pub fn changes(&self) -> Result<Either<f64, Vec<NativeChange>>> {
        let changes = self.memory.kept()?.fs.changes();
        Ok(match changes {
            Ok(changes) => Either::B(changes.into_iter().map(NativeChange::from).collect()),
            Err(errno) => Either::A(failure(errno)),
        })
    }

    /// What there is now, as an image.
    #[napi(catch_unwind)]
    pub fn snapshot(&self, env: &Env) -> Result<Either<f64, NativeImage>> {
        Ok(match self.memory.kept()?.fs.snapshot() {
            Ok(image) => Either::B(NativeImage::new(env, Arc::new(image))),
            Err(errno) => Either::A(failure(errno)),
        })
    }

    /// A tar archive of all files, or of the changes, of that many bytes at most.
    #[napi(catch_unwind)]
    pub fn to_tar(&self, changes: bool, limit: f64) -> Result<Either<f64, Buffer>> {
        let kept = self.memory.kept()?;
        let layer = match changes {
            true => kept.fs.changed(),
            false => kept.fs.all(),
        };
        Ok(tar(layer, limit))
    }

    /// Lays the changes onto a directory of the host; or tells what cannot be laid, and why.
    ///
    /// # Errors
    ///
    /// `ERR_ACCESS_DENIED`, where Node's permission model withholds WASI.
    #[napi(catch_unwind)]
    pub fn apply_to(&self, env: &Env, directory: String) -> Result<Option<ApplyFailure>> {
        let environment = Environment::of(env)?;
        check_permitted(env, &environment)?;
        let kept = self.memory.kept()?;
        let refused = |errno| ApplyError {
            path: String::new(),
            errno,
        };
        let applied = kept.fs.changed().map_err(refused).and_then(|layer| {
            let dir = open_host(&directory).map_err(refused)?;
            layer.apply_to(&dir)
        });
        Ok(applied
            .err()
            .map(|ApplyError { path, errno }| ApplyFailure {
                errno: failure(errno),
                path,
            }))
    }

    /// The bytes that it holds, and the files.
    #[napi]
    pub fn usage(&self) -> Result<Vec<f64>> {
        let kept = self.memory.kept()?;
        kept.weigh();
        let Usage { bytes, files } = kept.fs.usage();
        Ok(vec![bytes as f64, files as f64])
    }
}

/// What cannot be laid onto a directory.
#[napi(object, object_from_js = false)]
pub struct ApplyFailure {
    /// The negated number of the error.
    pub errno: f64,
    /// The file, from the directory.
    pub path: String,
}

/// One thing that is not as it is in the base: see `WASIChange` in index.d.ts.
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
        let kept = self.memory.kept()?;
        let built = build(&kept.fs);
        kept.weigh();
        Ok(built.map_or_else(|error| failure(error.errno), |()| 0.0))
    }
}
