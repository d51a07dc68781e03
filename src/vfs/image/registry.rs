use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Image;
use crate::abi::Errno;

/// Images whose handle has been asked for. The registry keeps none of them alive.
static IMAGES: Mutex<Option<HashMap<u64, Weak<Image>>>> = Mutex::new(None);

fn images() -> MutexGuard<'static, Option<HashMap<u64, Weak<Image>>>> {
    IMAGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handle of an image, given when it is first asked for.
pub fn handle(image: &Arc<Image>) -> Result<u64, Errno> {
    if let Some(handle) = image.handle.get() {
        return Ok(*handle);
    }
    let fresh = getrandom::u64().map_err(|_| Errno::Io)?;
    let mut images = images();
    let handle = *image.handle.get_or_init(|| fresh);
    let all = images.get_or_insert_default();
    all.insert(handle, Arc::downgrade(image));
    Ok(handle)
}

/// The image with this handle, if it is still there.
pub fn open(handle: u64) -> Option<Arc<Image>> {
    images().as_ref()?.get(&handle)?.upgrade()
}

impl Drop for Image {
    fn drop(&mut self) {
        if let (Some(handle), Some(images)) = (self.handle.get(), &mut *images()) {
            images.remove(handle);
        }
    }
}
