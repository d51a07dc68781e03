use std::cell::OnceCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::directory::DirectoryHandle;
use super::environment::Environment;
use super::files::failure;
use super::held::{Held, Load};
use crate::abi::Errno;
use crate::vfs::archive::{ArchiveError, ArchiveLimits, TarArchive, read_tar, read_zip};
use crate::vfs::image::Image;
use crate::vfs::memory::{Layer, MemoryFs, MemoryFsLimits};

/// The native half of the class `Image`.
#[napi]
pub struct NativeImage {
    kept: Rc<Held<KeptImage>>,
}

/// An image, and what it costs.
pub struct KeptImage {
    image: Arc<Image>,
    /// What a guest gets that has it as it is.
    fs: OnceCell<MemoryFs>,
    _load: Load,
}

impl KeptImage {
    /// A file system over it in which there is no room for anything.
    pub fn fs(&self) -> &MemoryFs {
        let none = MemoryFsLimits { bytes: 0, files: 0 };
        (self.fs).get_or_init(|| MemoryFs::over(Arc::clone(&self.image), none))
    }
}

impl NativeImage {
    /// That of an image.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn make(env: &Env, image: Arc<Image>) -> Result<ClassInstance<'_, Self>> {
        /// What a file costs beside its content.
        const FILE: u64 = 128;
        let bytes = image.bytes().saturating_add(image.files() * FILE);
        let environment = Environment::of(env)?;
        let kept = KeptImage {
            image,
            fs: OnceCell::new(),
            _load: environment.held.borrow().load(env, bytes as usize),
        };
        environment.hold(env, kept, |kept| Self { kept }.into_instance(env))
    }

    /// The image.
    ///
    /// # Errors
    ///
    /// JavaScript has lost this.
    pub fn image(&self) -> Result<Arc<Image>> {
        Ok(Arc::clone(&self.kept.get()?.image))
    }
}

#[allow(
    clippy::missing_errors_doc,
    reason = "a handle needs random bytes, which there always are, and JavaScript calls nothing that it has lost"
)]
#[napi]
impl NativeImage {
    /// The number by which it is found in other threads.
    #[napi]
    pub fn handle(&self) -> Result<BigInt> {
        let handle = self.image()?.handle();
        handle
            .map(BigInt::from)
            .map_err(|errno| Error::from_reason(errno.name()))
    }

    /// How many files, directories and links there are.
    #[napi]
    pub fn files(&self) -> Result<f64> {
        Ok(self.image()?.files() as f64)
    }

    /// How many bytes are in all files.
    #[napi]
    pub fn bytes(&self) -> Result<f64> {
        Ok(self.image()?.bytes() as f64)
    }

    /// Its root, for who mounts it: read-only.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::of_image(Rc::clone(&self.kept))
    }

    /// A tar archive of it, of that many bytes at most; or an errno.
    #[napi(catch_unwind)]
    pub fn to_tar<'env>(&self, limit: f64, alloc: Alloc<'env>) -> Result<MaybeBytes<'env>> {
        Ok(tar(self.kept.get()?.fs().all(), limit, &alloc))
    }
}

/// What makes a `Buffer` of so many zeros.
///
/// A buffer of our own memory Node-API would keep until the event loop turns, and its bytes with it.
pub type Alloc<'env> = Function<'env, f64, BufferSlice<'env>>;

/// Bytes, or the negated number of the error.
pub type MaybeBytes<'env> = Either<f64, BufferSlice<'env>>;

/// A tar archive of files, of that many bytes at most.
pub fn tar<'env>(
    layer: std::result::Result<Layer, Errno>,
    limit: f64,
    alloc: &Alloc<'env>,
) -> MaybeBytes<'env> {
    let written = layer.and_then(|layer| {
        let archive = TarArchive::new(&layer, limit as u64)?;
        check_room(archive.size())?;
        let bytes = alloc.call(archive.size() as f64);
        let mut bytes = bytes.map_err(|_| Errno::Nospc)?;
        archive.write(&mut bytes)?;
        Ok(bytes)
    });
    match written {
        Ok(bytes) => Either::B(bytes),
        Err(errno) => Either::A(failure(errno)),
    }
}

/// Whether the system has so many bytes. An engine that is refused them may end its thread, as that of
/// Node.js 26 does with a worker.
fn check_room(bytes: u64) -> std::result::Result<(), Errno> {
    let len = usize::try_from(bytes).map_err(|_| Errno::Nospc)?;
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(len).map_err(|_| Errno::Nospc)?;
    // What nothing looks at need not be asked for.
    black_box(room);
    Ok(())
}

/// The image with this handle, if there is one in this process.
///
/// # Errors
///
/// Those of Node-API.
#[napi]
pub fn open_image(env: &Env, handle: BigInt) -> Result<Option<ClassInstance<'_, NativeImage>>> {
    let (negative, handle, lossless) = handle.get_u64();
    let image = Image::open(handle).filter(|_| lossless && !negative);
    image.map(|image| NativeImage::make(env, image)).transpose()
}

/// What is wrong with an archive.
#[napi(object, object_from_js = false)]
pub struct ArchiveProblem {
    /// What is wrong.
    pub problem: String,
    /// The member that it is wrong with.
    pub member: Option<String>,
}

/// An image of an archive, `tar` or `zip`, that has no more than so many bytes and files; or what is wrong with
/// it.
///
/// # Errors
///
/// It is neither.
#[napi(catch_unwind)]
pub fn image_of_archive<'env>(
    env: &'env Env,
    kind: String,
    bytes: BufferSlice<'_>,
    max_bytes: f64,
    max_files: f64,
) -> Result<Either<ClassInstance<'env, NativeImage>, ArchiveProblem>> {
    let limits = ArchiveLimits {
        bytes: max_bytes as u64,
        files: max_files as u64,
    };
    let read = match kind.as_str() {
        "tar" => read_tar(bytes.to_vec(), limits),
        "zip" => read_zip(bytes.to_vec(), limits),
        kind => return Err(Error::from_reason(format!("no archive is {kind}"))),
    };
    Ok(match read {
        Ok(image) => Either::A(NativeImage::make(env, Arc::new(image))?),
        Err(ArchiveError { member, problem }) => Either::B(ArchiveProblem {
            problem: problem.into_owned(),
            member,
        }),
    })
}

/// The limits of archives that are read without: bytes, files.
#[napi]
pub fn archive_limits() -> Vec<f64> {
    let ArchiveLimits { bytes, files } = ArchiveLimits::default();
    vec![bytes as f64, files as f64]
}
