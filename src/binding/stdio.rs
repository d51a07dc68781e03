use std::cell::{Cell, RefCell};
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::system_error;
use super::js_fs::stream::{Callback, JsStream};
use crate::host::{Direction, OtherEnd};
use crate::vfs::{self, Input, Null, Output, PipeEnd};

/// A standard stream that is not a descriptor of the process.
#[napi(js_name = "Stdio")]
pub struct StdioHandle {
    /// `None` once a guest has it.
    stream: RefCell<Option<Arc<dyn vfs::Stream>>>,
    /// The same stream, if it collects output.
    output: Option<Arc<Output>>,
    /// The other end of a pipe, until it is taken.
    other_end: Cell<Option<OtherEnd>>,
}

impl StdioHandle {
    fn new(stream: Arc<dyn vfs::Stream>) -> Self {
        Self {
            stream: RefCell::new(Some(stream)),
            output: None,
            other_end: Cell::new(None),
        }
    }

    /// The stream, if it collects output.
    pub fn collected(&self) -> Option<Arc<Output>> {
        self.output.clone()
    }

    /// The stream, for the one guest that gets it: it is closed as soon as the guest has closed its descriptor.
    ///
    /// # Errors
    ///
    /// A guest has it already.
    pub fn give(&self) -> Result<Arc<dyn vfs::Stream>> {
        let stream = self.stream.borrow_mut().take();
        stream.ok_or_else(|| Error::from_reason("another guest has this stream"))
    }
}

#[napi]
impl StdioHandle {
    /// Input: these bytes, and then the end.
    #[napi]
    pub fn input(bytes: Buffer) -> Self {
        Self::new(Arc::new(Input::new(bytes.to_vec())))
    }

    /// Output that is collected, up to so many bytes. `when_full` is called whenever more is written; the
    /// caller keeps it alive.
    #[napi]
    pub fn output(env: &Env, max_buffer: f64, when_full: Option<Unknown<'_>>) -> Result<Self> {
        let output = Arc::new(Output::new(max_buffer as usize));
        if let Some(when_full) = when_full {
            let when_full = Callback::new(env, when_full)?;
            output.when_full(move || when_full.call());
        }
        Ok(Self {
            output: Some(Arc::clone(&output)),
            ..Self::new(output)
        })
    }

    /// Calls a function for each read (`'read'`) or write (`'write'`): see `lib/js-stream.js`, which makes it.
    /// The caller keeps it alive. With `waits` it may return `EAGAIN`: see `lib/suspending/streams.js`.
    #[napi]
    pub fn callback(
        env: &Env,
        direction: String,
        serve: Unknown<'_>,
        waits: Option<bool>,
    ) -> Result<Self> {
        let stream = JsStream::new(env, serve, direction_of(&direction))?;
        Ok(Self::new(Arc::new(match waits {
            Some(true) => stream.waiting(),
            _ => stream,
        })))
    }

    /// At its end for reading; discards what is written.
    #[napi]
    pub fn null() -> Self {
        Self::new(Arc::new(Null))
    }

    /// A pipe that the guest reads from (`'read'`), or writes to (`'write'`).
    ///
    /// # Errors
    ///
    /// What `pipe(2)` says.
    #[napi]
    pub fn pipe(env: &Env, direction: String) -> Result<Self> {
        let pipe = PipeEnd::new(direction_of(&direction));
        let (end, other) = pipe.map_err(|error| system_error(env, &error, "pipe"))?;
        Ok(Self {
            other_end: Cell::new(Some(other)),
            ..Self::new(Arc::new(end))
        })
    }

    /// The descriptor of the other end of a pipe, which the caller must close; -1 if there is none, or it has
    /// been taken.
    ///
    /// # Errors
    ///
    /// `EMFILE`, on Windows: the C runtime has no number left.
    #[napi]
    pub fn take_fd(&self, env: &Env) -> Result<i32> {
        match self.other_end.take().map(OtherEnd::into_fd) {
            None => Ok(-1),
            Some(fd) => fd.map_err(|error| system_error(env, &error, "pipe")),
        }
    }

    /// Closes what has not been taken.
    #[napi]
    pub fn close(&self) {
        drop(self.stream.take());
        self.other_end.set(None);
    }

    /// Takes the output that was written since the last call.
    #[napi]
    pub fn take<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        let output = self.output.as_ref().map(|output| output.take());
        BufferSlice::copy_from(env, output.unwrap_or_default())
    }

    /// Whether more was written than its limit.
    #[napi(getter)]
    pub fn overflowed(&self) -> bool {
        (self.output.as_ref()).is_some_and(|output| output.has_overflowed())
    }
}

fn direction_of(name: &str) -> Direction {
    match name {
        "read" => Direction::Read,
        _ => Direction::Write,
    }
}
