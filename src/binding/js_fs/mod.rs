//! File systems that are objects in JavaScript: memfs, `node:fs`, or anything with such functions. And streams
//! that are one function ([`stream`]).
//!
//! `lib/js-file-system/` makes two functions of the object, each call of which does one operation. They are
//! called here ([`call`]), and their results are checked: numbers and bytes that may be wrong. The rest is that
//! of any file system that is used by paths.
//!
//! The functions belong to the thread, and the environment, in which they were made. What is passed around, and
//! may be dropped anywhere, is their number ([`Listed`]); the functions themselves are in a list of their
//! thread. They are removed from it when the file system is dropped, or the environment ends.

mod call;
mod entries;
pub mod lent;
pub mod stream;

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use napi::bindgen_prelude::*;
use napi_derive::napi;

pub use self::call::Thrown;
use self::call::{CHUNK, Functions, Numbers, Op};
use super::directory::DirectoryHandle;
use super::environment::Environment;
use crate::abi::{Errno, Filesize, Filetype, Timestamp};
use crate::memory::Iovecs;
use crate::vfs::Result;
use crate::vfs::by_path::{Access, Attributes, ByPath, Entry, Handle, MAX_SAFE, PathFs};

thread_local! {
    /// The file systems and streams of this thread.
    static ALL: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// A file system or a stream of this thread.
struct Known {
    number: u64,
    functions: Rc<Functions>,
    /// The file system, if it is open; never for a stream.
    fs: Weak<ByPath>,
}

impl Known {
    /// The index of the one with this number.
    fn index(all: &[Known], number: u64) -> Option<usize> {
        all.iter().position(|known| known.number == number)
    }
}

/// The number of functions, which are in the list of their thread until this is dropped.
#[derive(Debug)]
struct Listed {
    number: u64,
}

/// The file system with these functions.
#[derive(Debug)]
struct JsFs(Listed);

/// A number that is unique in the process.
fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// A new number for a file system.
#[napi]
pub fn new_js_file_system_number() -> f64 {
    new_number() as f64
}

/// The root of the file system with this number, if any of it is open.
#[napi]
pub fn js_file_system(
    env: &Env,
    number: f64,
) -> napi::Result<Option<ClassInstance<'_, DirectoryHandle>>> {
    let fs = ALL.with_borrow(|all| {
        let index = Known::index(all, number as u64)?;
        all[index].fs.upgrade()
    });
    fs.map(|fs| DirectoryHandle::new(env, fs.root()))
        .transpose()
}

/// Makes a file system with this number, and returns its root. `serve` does an operation and returns a number;
/// `list` returns the entries of a directory or the target of a link.
#[napi]
pub fn make_js_file_system<'env>(
    env: &'env Env,
    number: f64,
    serve: Unknown<'_>,
    list: Unknown<'_>,
) -> napi::Result<ClassInstance<'env, DirectoryHandle>> {
    let environment = Environment::of(env)?;
    let number = number as u64;
    let functions = Rc::new(Functions::new(env, environment, serve, list)?);
    let fs = ByPath::new(JsFs(Listed { number }));
    let known = Known {
        number,
        functions,
        fs: Arc::downgrade(&fs),
    };
    ALL.with_borrow_mut(|all| all.push(known));
    DirectoryHandle::new(env, fs.root())
}

/// Drops the functions of an environment that ends.
pub fn end(environment: &Rc<Environment>) {
    let gone: Vec<_> = ALL.with_borrow_mut(|all| {
        let (gone, stay) = mem::take(all)
            .into_iter()
            .partition(|known| known.functions.are_of(environment));
        *all = stay;
        gone
    });
    drop(gone);
}

impl Drop for Listed {
    fn drop(&mut self) {
        // If this is another thread, they stay until the environment ends. A thread that ends has no list any
        // more.
        let gone = ALL.try_with(|all| {
            let mut all = all.borrow_mut();
            let index = Known::index(&all, self.number)?;
            Some(all.swap_remove(index))
        });
        drop(gone);
    }
}

impl Listed {
    /// The functions.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsup`]: they belong to another thread, or their environment has ended.
    fn functions(&self) -> Result<Rc<Functions>> {
        let functions = ALL.try_with(|all| {
            let all = all.borrow();
            let index = Known::index(&all, self.number)?;
            Some(Rc::clone(&all[index].functions))
        });
        functions.ok().flatten().ok_or(Errno::Notsup)
    }
}

impl JsFs {
    /// Its functions.
    ///
    /// # Errors
    ///
    /// As [`Listed::functions`].
    fn functions(&self) -> Result<Rc<Functions>> {
        self.0.functions()
    }

    /// An operation without a result.
    fn done(&self, op: Op, paths: [&str; 2], numbers: Numbers) -> Result<()> {
        self.functions()?.call(op, paths, numbers).map(drop)
    }
}

/// A number for JavaScript, which can represent it.
fn number(value: u64) -> f64 {
    value as f64
}

/// A time for JavaScript's functions: in seconds, as a double.
fn seconds(time: Timestamp) -> f64 {
    // Both parts are exact, so the sum is as exact as a double can be.
    (time / 1_000_000_000) as f64 + (time % 1_000_000_000) as f64 / 1e9
}

impl PathFs for JsFs {
    fn calls_back(&self) -> bool {
        true
    }

    fn lstat(&self, path: &str) -> Result<Option<Attributes>> {
        match self.functions()?.stat(Op::Lstat, path, 0.0) {
            Ok(attributes) => Ok(Some(attributes)),
            Err(Errno::Noent) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn open(&self, path: &str, access: Access) -> Result<Handle> {
        let how = f64::from(
            u8::from(access.read) | u8::from(access.write) << 1 | u8::from(access.create) << 2,
        );
        let handle = (self.functions()?).call(Op::Open, [path, ""], [how, 0.0, 0.0])?;
        // `call` has checked that it is an integer.
        Ok(handle as Handle)
    }

    fn close(&self, handle: Handle) {
        // There is nobody to report an error to.
        let _ = self.done(Op::Close, [""; 2], [number(handle), 0.0, 0.0]);
    }

    fn fstat(&self, handle: Handle) -> Result<Attributes> {
        (self.functions()?).stat(Op::Fstat, "", number(handle))
    }

    fn max_transfer(&self) -> usize {
        CHUNK
    }

    fn read(&self, handle: Handle, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        self.functions()?.read(number(handle), iovs, number(offset))
    }

    fn write(&self, handle: Handle, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        (self.functions()?).write(number(handle), ciovs, number(offset))
    }

    fn set_size(&self, handle: Handle, size: Filesize) -> Result<()> {
        let numbers = [number(handle), number(size), 0.0];
        self.done(Op::Truncate, [""; 2], numbers)
    }

    fn set_times(&self, handle: Handle, [atim, mtim]: [Timestamp; 2]) -> Result<()> {
        let numbers = [number(handle), seconds(atim), seconds(mtim)];
        self.done(Op::Futimes, [""; 2], numbers)
    }

    fn sync(&self, handle: Handle, data_only: bool) -> Result<()> {
        let numbers = [number(handle), f64::from(u8::from(data_only)), 0.0];
        self.done(Op::Sync, [""; 2], numbers)
    }

    fn set_times_at(
        &self,
        path: &str,
        filetype: Filetype,
        [atim, mtim]: [Timestamp; 2],
    ) -> Result<()> {
        let is_link = u8::from(filetype == Filetype::SymbolicLink);
        let numbers = [seconds(atim), seconds(mtim), f64::from(is_link)];
        self.done(Op::Utimes, [path, ""], numbers)
    }

    fn create_dir(&self, path: &str) -> Result<()> {
        self.done(Op::Mkdir, [path, ""], [0.0; 3])
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        self.done(Op::Rmdir, [path, ""], [0.0; 3])
    }

    fn unlink(&self, path: &str) -> Result<()> {
        self.done(Op::Unlink, [path, ""], [0.0; 3])
    }

    fn rename(&self, old: &str, new: &str) -> Result<()> {
        self.done(Op::Rename, [old, new], [0.0; 3])
    }

    fn link(&self, old: &str, new: &str) -> Result<()> {
        self.done(Op::Link, [old, new], [0.0; 3])
    }

    fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.done(Op::Symlink, [target, path], [0.0; 3])
    }

    fn read_link(&self, path: &str) -> Result<Vec<u8>> {
        let target = self.functions()?.list(path, false)?;
        if target.contains(&0) {
            return Err(Errno::Io);
        }
        Ok(target)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        entries::read(&self.functions()?.list(path, true)?)
    }
}

/// A number of JavaScript that must be an integer from 0 to [`MAX_SAFE`].
fn whole(number: f64) -> Result<u64> {
    let is_whole = number.trunc() == number && (0.0..=MAX_SAFE as f64).contains(&number);
    if is_whole {
        Ok(number as u64)
    } else {
        Err(Errno::Io)
    }
}
