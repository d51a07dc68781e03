//! Bytes as archives: what is read of them can be read again.

use std::sync::Arc;

use wasi_rs::vfs::archive::{ArchiveLimits, TarArchive, read_tar, read_zip};
use wasi_rs::vfs::image::Image;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits};

/// What an archive may unpack to here.
const LIMITS: ArchiveLimits = ArchiveLimits {
    bytes: 1 << 20,
    files: 1 << 12,
};

/// The most that an archive of it may have.
const MAX_TAR: u64 = 16 << 20;

/// Reads the bytes as a tar archive and as a zip archive.
///
/// # Panics
///
/// There is more in one than it may have; or an archive that is written of what is in it has something else.
pub fn check(data: &[u8]) {
    for image in [
        read_tar(data.to_vec(), LIMITS),
        read_zip(data.to_vec(), LIMITS),
    ] {
        let Ok(image) = image else {
            continue;
        };
        assert!(image.files() <= LIMITS.files);
        // A member of a zip archive may be damaged, and a file may be at a path that is too long.
        let Some(tar) = written(image) else {
            continue;
        };
        let again = read_tar(tar.clone(), LIMITS).expect("an archive of ours");
        assert_eq!(written(again), Some(tar));
    }
}

/// An archive of all that is in an image.
fn written(image: Image) -> Option<Vec<u8>> {
    let fs = MemoryFs::over(Arc::new(image), MemoryFsLimits::default());
    let layer = fs.all().ok()?;
    TarArchive::new(&layer, MAX_TAR).ok()?.to_vec().ok()
}
