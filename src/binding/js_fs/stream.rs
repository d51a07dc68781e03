//! Streams that are a function in JavaScript, which returns what is read, or takes what is written. And clocks
//! and random bytes that are such streams.

use std::rc::Rc;
use std::sync::Weak;

use napi::bindgen_prelude::*;

use super::call::{Functions, Op};
use super::{ALL, Known, Listed, new_number};
use crate::abi::{Errno, Filestat, Timestamp};
use crate::binding::environment::Environment;
use crate::ctx::{Random, TimeSource};
use crate::host::{Direction, Readiness};
use crate::memory::Iovecs;
use crate::vfs::{Poll, Result, Stream, Wait, pipe_stat};

/// A stream in one direction. It can be used only in the thread of its function.
#[derive(Debug)]
pub struct JsStream {
    function: Listed,
    direction: Direction,
    /// Whether it may have nothing to read, or no room, for now: then it returns `EAGAIN`.
    waits: bool,
}

impl JsStream {
    /// A stream that calls `serve`, as that of a file system, to read (`Op::Read`) or to write (`Op::Write`).
    /// The caller keeps it alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(env: &Env, serve: Unknown<'_>, direction: Direction) -> napi::Result<Self> {
        let function = list(env, serve)?;
        Ok(Self {
            function,
            direction,
            waits: false,
        })
    }

    /// The same for a function that may return `EAGAIN`. It also has `Op::Poll`: 0 if it would return that,
    /// otherwise the number of bytes to read plus one.
    pub fn waiting(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    /// The result of a call, for a guest that may wait.
    fn answer(&self, result: Result<usize>, wait: Wait<'_>) -> Result<usize> {
        match result {
            Err(Errno::Again) if self.waits && !wait.nonblock => {
                Err(wait.interrupt.wait_for_embedder().into())
            }
            result => result,
        }
    }
}

impl Stream for JsStream {
    fn stat(&self) -> Result<Filestat> {
        Ok(pipe_stat())
    }

    fn is_readable(&self) -> bool {
        self.direction == Direction::Read
    }

    fn is_writable(&self) -> bool {
        self.direction == Direction::Write
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        if self.direction != Direction::Read {
            return Err(Errno::Badf);
        }
        if iovs.is_empty() {
            return Ok(0);
        }
        self.answer(self.function.functions()?.read(0.0, iovs, 0.0), wait)
    }

    fn write(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        if self.direction != Direction::Write {
            return Err(Errno::Badf);
        }
        let functions = self.function.functions()?;
        let mut rest = ciovs.clone();
        while !rest.is_empty() {
            match functions.write(0.0, &rest, 0.0) {
                Err(Errno::Again) if rest.len() < ciovs.len() => break,
                result => rest.advance(self.answer(result, wait)?),
            }
            if functions.is_over() {
                return Err(Errno::Intr);
            }
        }
        Ok(ciovs.len() - rest.len())
    }

    /// A function that never returns `EAGAIN` is always ready. How many bytes it has is not known before it is
    /// called.
    fn poll(&self, _: Direction) -> Poll<'_> {
        if !self.waits {
            return Poll::Ready(Readiness::default());
        }
        let ready = (self.function.functions())
            .and_then(|functions| functions.call(Op::Poll, [""; 2], [0.0; 3]));
        match ready {
            Ok(0) => Poll::Unready,
            Ok(ready) => Poll::Ready(Readiness {
                nbytes: ready - 1,
                hangup: self.direction == Direction::Read && ready == 1,
            }),
            // The call that follows will return the error.
            Err(_) => Poll::Ready(Readiness::default()),
        }
    }
}

/// A function in JavaScript that native code can call anywhere in its thread.
#[derive(Debug)]
pub struct Callback(Listed);

impl Callback {
    /// Calls this function, which the caller keeps alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(env: &Env, function: Unknown<'_>) -> napi::Result<Self> {
        list(env, function).map(Self)
    }

    /// Calls it. What it throws ends the guest that has called.
    pub fn call(&self) {
        if let Ok(functions) = self.0.functions() {
            let _ = functions.call(Op::Write, [""; 2], [0.0; 3]);
        }
    }
}

/// A clock that is a function in JavaScript. It returns a 64-bit number, in its own thread.
#[derive(Debug)]
pub struct JsTime(Listed);

impl JsTime {
    /// Calls this function as a stream to read. The caller keeps it alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(env: &Env, serve: Unknown<'_>) -> napi::Result<Self> {
        list(env, serve).map(Self)
    }
}

impl TimeSource for JsTime {
    fn now(&self) -> Result<Timestamp> {
        let mut time = [0; size_of::<Timestamp>()];
        self.0.functions()?.fill(&mut time)?;
        Ok(Timestamp::from_le_bytes(time))
    }
}

/// Random bytes from a function in JavaScript, in its own thread.
#[derive(Debug)]
pub struct JsRandom(Listed);

impl JsRandom {
    /// As [`JsTime::new`].
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(env: &Env, serve: Unknown<'_>) -> napi::Result<Self> {
        list(env, serve).map(Self)
    }
}

impl Random for JsRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<()> {
        self.0.functions()?.fill(buf)
    }
}

/// Adds a function to the list of this thread.
fn list(env: &Env, serve: Unknown<'_>) -> napi::Result<Listed> {
    let environment = Environment::of(env)?;
    let functions = Functions::of_stream(env, environment, serve)?;
    let number = new_number();
    let known = Known {
        number,
        functions: Rc::new(functions),
        fs: Weak::new(),
    };
    ALL.with_borrow_mut(|all| all.push(known));
    Ok(Listed { number })
}
