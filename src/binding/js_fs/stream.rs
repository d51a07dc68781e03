//! A stream that is a function of JavaScript's: it gives what is read, or takes what is written. And what else of a
//! guest's is one: a clock, random bytes.

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

/// A stream in one direction. Of another thread than that of its function it cannot be used.
#[derive(Debug)]
pub struct JsStream {
    function: Listed,
    direction: Direction,
    /// Whether it can have nothing to give, or no room, for now: it answers `EAGAIN` then.
    waits: bool,
}

impl JsStream {
    /// A stream that calls `serve` as a file system's function to read (`Op::Read`) or to write (`Op::Write`). It
    /// is for the caller to keep.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn new(env: &Env, serve: Unknown<'_>, direction: Direction) -> napi::Result<Self> {
        let function = list(env, serve)?;
        Ok(Self {
            function,
            direction,
            waits: false,
        })
    }

    /// The same, which may answer `EAGAIN` for now, and knows `Op::Poll`: 0 where it would, or one more than
    /// there are bytes to read.
    pub fn waiting(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    /// What comes of an answer for a guest that waits.
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

    /// Of a function that never waits it is not known how much there is before it has been called.
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
            // The call that it is asked for tells.
            Err(_) => Poll::Ready(Readiness::default()),
        }
    }
}

/// A function of JavaScript's that can be called from any place, in its own thread.
#[derive(Debug)]
pub struct Callback(Listed);

impl Callback {
    /// One that calls this, which is for the caller to keep.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn new(env: &Env, function: Unknown<'_>) -> napi::Result<Self> {
        list(env, function).map(Self)
    }

    /// Calls it. What it throws ends the guest that called.
    pub fn call(&self) {
        if let Ok(functions) = self.0.functions() {
            let _ = functions.call(Op::Write, [""; 2], [0.0; 3]);
        }
    }
}

/// A clock that is a function of JavaScript's, in its own thread, and gives a number of 64 bits.
#[derive(Debug)]
pub struct JsTime(Listed);

impl JsTime {
    /// One that calls this as a stream to read, which is for the caller to keep.
    ///
    /// # Errors
    ///
    /// What Node-API says.
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

/// Random bytes that a function of JavaScript's gives, in its own thread.
#[derive(Debug)]
pub struct JsRandom(Listed);

impl JsRandom {
    /// As [`JsTime::new`].
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn new(env: &Env, serve: Unknown<'_>) -> napi::Result<Self> {
        list(env, serve).map(Self)
    }
}

impl Random for JsRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<()> {
        self.0.functions()?.fill(buf)
    }
}

/// Puts a function into the list of this thread.
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
