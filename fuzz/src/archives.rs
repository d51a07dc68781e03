//! Archives of arbitrary bytes: what is read of them can be written and read again.

use std::sync::Arc;

use wasi_rs::vfs::archive::{ArchiveLimits, TarArchive, read_tar, read_zip};
use wasi_rs::vfs::image::Image;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits};

/// The limits for unpacking.
const LIMITS: ArchiveLimits = ArchiveLimits {
    bytes: 1 << 20,
    files: 1 << 12,
};

/// The maximum size of the archive that is written.
const MAX_TAR: u64 = 16 << 20;

/// Reads the bytes as a tar archive and as a zip archive.
///
/// # Panics
///
/// An archive has more than the limits; or the archive that is written of it has other files.
pub fn check(data: &[u8]) {
    for image in [
        read_tar(data.to_vec(), LIMITS),
        read_zip(data.to_vec(), LIMITS),
    ] {
        let Ok(image) = image else {
            continue;
        };
        assert!(image.files() <= LIMITS.files);
        // Fails if a member of a zip archive is damaged, or a path is too long.
        let Some(tar) = written(image) else {
            continue;
        };
        let again = read_tar(tar.clone(), LIMITS).expect("an archive of ours");
        assert_eq!(written(again), Some(tar));
    }
}

/// A tar archive of an image.
fn written(image: Image) -> Option<Vec<u8>> {
    let fs = MemoryFs::over(Arc::new(image), MemoryFsLimits::default());
    let layer = fs.all().ok()?;
    TarArchive::new(&layer, MAX_TAR).ok()?.to_vec().ok()
}
