use std::cell::OnceCell;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::directory::DirectoryHandle;
use super::files::failure;
use super::instance::Weight;
use crate::abi::Errno;
use crate::vfs::archive::{self, ArchiveError, read_tar, read_zip, write_tar};
use crate::vfs::image::Image;
use crate::vfs::memory::{Layer, Limits, MemoryFs};

/// The native half of the class `Image`.
#[napi]
pub struct NativeImage {
    image: Arc<Image>,
    /// What a guest gets that has it as it is.
    fs: OnceCell<MemoryFs>,
    _weight: Weight,
}

impl NativeImage {
    /// That of an image.
    pub fn new(env: &Env, image: Arc<Image>) -> Self {
        /// What a file costs beside its content.
        const FILE: u64 = 128;
        let bytes = image.bytes().saturating_add(image.files() * FILE);
        Self {
            image,
            fs: OnceCell::new(),
            _weight: Weight::new(*env, bytes as usize),
        }
    }

    /// The image.
    pub fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image)
    }

    /// A file system over it in which there is no room for anything.
    fn fs(&self) -> &MemoryFs {
        let none = Limits { bytes: 0, files: 0 };
        (self.fs).get_or_init(|| MemoryFs::over(self.image(), none))
    }
}

#[allow(
    clippy::missing_errors_doc,
    reason = "a handle needs random bytes, which there always are"
)]
#[napi]
impl NativeImage {
    /// The number by which it is found in other threads.
    #[napi]
    pub fn handle(&self) -> Result<BigInt> {
        let handle = self.image.handle();
        handle
            .map(BigInt::from)
            .map_err(|errno| Error::from_reason(errno.name()))
    }

    /// How many files, directories and links there are.
    #[napi]
    pub fn files(&self) -> f64 {
        self.image.files() as f64
    }

    /// How many bytes are in all files.
    #[napi]
    pub fn bytes(&self) -> f64 {
        self.image.bytes() as f64
    }

    /// Its root, for who mounts it: read-only.
    #[napi]
    pub fn root(&self) -> DirectoryHandle {
        DirectoryHandle::read_only(self.fs().root())
    }

    /// A tar archive of it, of that many bytes at most; or an errno.
    #[napi(catch_unwind)]
    pub fn to_tar(&self, limit: f64) -> Either<f64, Buffer> {
        tar(self.fs().all(), limit)
    }
}

/// A tar archive of files, of that many bytes at most; or the negated errno.
pub fn tar(layer: std::result::Result<Layer, Errno>, limit: f64) -> Either<f64, Buffer> {
    match layer.and_then(|layer| write_tar(&layer, limit as u64)) {
        Ok(bytes) => Either::B(bytes.into()),
        Err(errno) => Either::A(failure(errno)),
    }
}

/// The image with this handle, if somebody in this process has it.
#[napi]
pub fn open_image(env: &Env, handle: BigInt) -> Option<NativeImage> {
    let (negative, handle, lossless) = handle.get_u64();
    let image = Image::open(handle).filter(|_| lossless && !negative)?;
    Some(NativeImage::new(env, image))
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
pub fn image_of_archive(
    env: &Env,
    kind: String,
    bytes: BufferSlice<'_>,
    max_bytes: f64,
    max_files: f64,
) -> Result<Either<NativeImage, ArchiveProblem>> {
    let limits = archive::Limits {
        bytes: max_bytes as u64,
        files: max_files as u64,
    };
    let read = match kind.as_str() {
        "tar" => read_tar(bytes.to_vec(), limits),
        "zip" => read_zip(bytes.to_vec(), limits),
        kind => return Err(Error::from_reason(format!("no archive is {kind}"))),
    };
    Ok(match read {
        Ok(image) => Either::A(NativeImage::new(env, Arc::new(image))),
        Err(ArchiveError { member, problem }) => Either::B(ArchiveProblem {
            problem: problem.into_owned(),
            member,
        }),
    })
}

/// The limits of archives that are read without: bytes, files.
#[napi]
pub fn archive_limits() -> Vec<f64> {
    let archive::Limits { bytes, files } = archive::Limits::default();
    vec![bytes as f64, files as f64]
}
