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

/// An image, with its size for the garbage collector.
pub struct KeptImage {
    image: Arc<Image>,
    /// The file system of guests that mount the image itself.
    fs: OnceCell<MemoryFs>,
    _load: Load,
}

impl KeptImage {
    /// A read-only file system: over the image, with limits of 0.
    pub fn fs(&self) -> &MemoryFs {
        let none = MemoryFsLimits { bytes: 0, files: 0 };
        (self.fs).get_or_init(|| MemoryFs::over(Arc::clone(&self.image), none))
    }
}

impl NativeImage {
    /// The JavaScript object of an image.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn make(env: &Env, image: Arc<Image>) -> Result<ClassInstance<'_, Self>> {
        /// The size of a file beside its content.
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
    /// The JavaScript object has been collected.
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
    /// The handle by which other threads find it.
    #[napi]
    pub fn handle(&self) -> Result<BigInt> {
        let handle = self.image()?.handle();
        handle
            .map(BigInt::from)
            .map_err(|errno| Error::from_reason(errno.name()))
    }

    /// The number of files, directories and symbolic links.
    #[napi]
    pub fn files(&self) -> Result<f64> {
        Ok(self.image()?.files() as f64)
    }

    /// The size of all files together in bytes.
    #[napi]
    pub fn bytes(&self) -> Result<f64> {
        Ok(self.image()?.bytes() as f64)
    }

    /// Its root, to be mounted: read-only.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::of_image(Rc::clone(&self.kept))
    }

    /// A tar archive of it of at most so many bytes, or a negated errno.
    #[napi(catch_unwind)]
    pub fn to_tar<'env>(&self, limit: f64, alloc: Alloc<'env>) -> Result<MaybeBytes<'env>> {
        Ok(tar(self.kept.get()?.fs().all(), limit, &alloc))
    }
}

/// A function that allocates a `Buffer` of zeros.
///
/// Node-API would keep a buffer over our own memory until the event loop turns.
pub type Alloc<'env> = Function<'env, f64, BufferSlice<'env>>;

/// Bytes, or a negated errno.
pub type MaybeBytes<'env> = Either<f64, BufferSlice<'env>>;

/// A tar archive of a layer of at most so many bytes.
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

/// Checks that the system has so much memory: an engine that fails to allocate it may end its thread, as
/// Node.js 26 does with a worker.
fn check_room(bytes: u64) -> std::result::Result<(), Errno> {
    let len = usize::try_from(bytes).map_err(|_| Errno::Nospc)?;
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(len).map_err(|_| Errno::Nospc)?;
    // Otherwise the compiler would remove the allocation.
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

/// Why an archive is refused.
#[napi(object, object_from_js = false)]
pub struct ArchiveProblem {
    /// The reason.
    pub problem: String,
    /// The member that is the reason, if it is one.
    pub member: Option<String>,
}

/// Makes an image of an archive, `tar` or `zip`, with at most so many bytes and files; or returns why it is
/// refused.
///
/// # Errors
///
/// The format is neither.
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

/// The default limits of archives: bytes, files.
#[napi]
pub fn archive_limits() -> Vec<f64> {
    let ArchiveLimits { bytes, files } = ArchiveLimits::default();
    vec![bytes as f64, files as f64]
}
