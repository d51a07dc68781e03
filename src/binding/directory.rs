use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::Environment;
use super::held::Held;
use super::image::KeptImage;
use super::memory_fs::TrackedMemoryFs;
use crate::ctx::View;
use crate::vfs::Directory;

/// An open directory that is not the host's, to be mounted. JavaScript passes it from where it was made to the
/// guests that get it, and does nothing else with it.
#[napi]
pub struct DirectoryHandle {
    of: Of,
}

enum Of {
    /// A directory.
    Directory(Rc<Held<Arc<dyn Directory>>>),
    Image(Rc<Held<KeptImage>>),
    Memory(Rc<Held<TrackedMemoryFs>>),
    /// The files of a guest, as its embedder sees them.
    Guest(Rc<Held<Arc<View>>>),
}

impl DirectoryHandle {
    /// A handle of this directory.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(env: &Env, dir: Arc<dyn Directory>) -> Result<ClassInstance<'_, Self>> {
        let make = |dir| {
            let of = Of::Directory(dir);
            Self { of }.into_instance(env)
        };
        Environment::of(env)?.hold(env, dir, make)
    }

    /// A handle of the root of an image.
    pub fn of_image(image: Rc<Held<KeptImage>>) -> Self {
        let of = Of::Image(image);
        Self { of }
    }

    /// A handle of the root of a file system in memory.
    pub fn of_memory(memory: Rc<Held<TrackedMemoryFs>>) -> Self {
        let of = Of::Memory(memory);
        Self { of }
    }

    /// A handle of the files of a guest.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn of_guest(env: &Env, view: Arc<View>) -> Result<ClassInstance<'_, Self>> {
        let make = |view| {
            let of = Of::Guest(view);
            Self { of }.into_instance(env)
        };
        Environment::of(env)?.hold(env, view, make)
    }

    /// Whether no guest can change anything in it.
    pub fn is_read_only(&self) -> bool {
        matches!(self.of, Of::Image(_))
    }

    /// The view in which paths in it are resolved.
    ///
    /// # Errors
    ///
    /// Its object was collected, which cannot be as long as JavaScript has this. The view cannot be opened.
    pub fn view(&self) -> Result<Arc<View>> {
        let over = |dir| View::over(dir).map(Arc::new);
        let view = match &self.of {
            Of::Directory(dir) => over(Arc::clone(&*dir.get()?)),
            Of::Image(image) => over(image.get()?.fs().root()),
            Of::Memory(memory) => memory.get()?.view().cloned(),
            Of::Guest(view) => Ok(Arc::clone(&*view.get()?)),
        };
        view.map_err(|errno| Error::from_reason(errno.name()))
    }

    /// The directory.
    ///
    /// # Errors
    ///
    /// Those of [`view`](Self::view). It is the view of a guest without a root.
    pub fn dir(&self) -> Result<Arc<dyn Directory>> {
        match &self.of {
            Of::Directory(dir) => Ok(Arc::clone(&*dir.get()?)),
            Of::Image(image) => Ok(image.get()?.fs().root()),
            Of::Memory(memory) => Ok(memory.get()?.fs.root()),
            Of::Guest(view) => {
                let root = view.get()?.directory(b".");
                root.map_err(|errno| Error::from_reason(errno.name()))
            }
        }
    }

    /// Its file system in memory, if it is in one.
    pub fn memory(&self) -> Option<Rc<TrackedMemoryFs>> {
        match &self.of {
            Of::Directory(_) | Of::Image(_) | Of::Guest(_) => None,
            Of::Memory(memory) => memory.get().ok(),
        }
    }
}
