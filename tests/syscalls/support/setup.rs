use std::iter::repeat;
use std::sync::Arc;

use wasi_rs::abi::{Errno, Rights, Snapshot};
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray, WasiCtx};
use wasi_rs::vfs::Stream;

use super::lent::{Lent, null, number};
use super::{Guest, Scratch, Way};

/// The options of a guest, which tests change.
pub struct Setup {
    pub scratch: Scratch,
    pub snapshot: Snapshot,
    pub args: Vec<String>,
    pub env: Vec<String>,
    /// Names for the guest, and paths from the top of the scratch directory.
    pub preopens: Vec<(&'static str, &'static str)>,
    /// The rights of these preopens; all for those that have no entry here.
    pub rights: Vec<Rights>,
    /// Preopens of other file systems, which come after those.
    pub other_preopens: Vec<Preopen>,
    pub stdio: [Lent; 3],
    /// Streams of the embedder in the place of those.
    pub streams: [Option<Arc<dyn Stream>>; 3],
    pub limits: Limits,
    pub grant: Grant,
}

impl Setup {
    fn new(way: Way) -> Self {
        Self {
            scratch: Scratch::new(way.fixture()),
            snapshot: Snapshot::Preview1,
            args: vec!["program".into()],
            env: vec!["NAME=value".into()],
            preopens: vec![("/sandbox", "inside")],
            rights: vec![],
            other_preopens: vec![],
            stdio: [null(), null(), null()],
            streams: [None, None, None],
            limits: way.limits(),
            grant: Grant::ALL,
        }
    }

    fn preopens(&self) -> Vec<Preopen> {
        let rights = self.rights.iter().copied().chain(repeat(Rights::all()));
        let preopens = self.preopens.iter().zip(rights);
        preopens
            .map(|((mapped_path, path), rights)| Preopen {
                mapped_path: (*mapped_path).into(),
                source: self.scratch.preopen(path),
                rights,
            })
            .chain(self.other_preopens.iter().cloned())
            .collect()
    }
}

impl Guest {
    /// A guest on the host's file system with `inside` as `/sandbox`, and `/dev/null` as all standard streams.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same for a guest of snapshot 0.
    pub fn snapshot0() -> Self {
        Self::with(|setup| setup.snapshot = Snapshot::Snapshot0)
    }

    /// A guest with this descriptor as its standard input.
    #[cfg(unix)]
    pub fn with_stdin(stdin: impl Into<Lent>) -> Self {
        Self::with(|setup| setup.stdio[0] = stdin.into())
    }

    /// A guest for each [`Way`].
    #[track_caller]
    pub fn every_way(change: impl Fn(&mut Setup)) -> Vec<Self> {
        Self::each(Way::every(), change)
    }

    /// A guest for each [`Way`] on the host's file system.
    #[track_caller]
    pub fn every_way_of_host(change: impl Fn(&mut Setup)) -> Vec<Self> {
        Self::each(Way::on_host(), change)
    }

    /// A guest for each file system.
    #[track_caller]
    pub fn every_backend(change: impl Fn(&mut Setup)) -> Vec<Self> {
        Self::each(Way::backends(), change)
    }

    #[track_caller]
    fn each(ways: impl Iterator<Item = Way>, change: impl Fn(&mut Setup)) -> Vec<Self> {
        ways.map(|way| Self::with_way(way, &change)).collect()
    }

    /// A guest for this [`Way`].
    #[track_caller]
    pub fn with_way(way: Way, change: impl FnOnce(&mut Setup)) -> Self {
        Self::made(way, change).unwrap()
    }

    /// A guest on the host's file system.
    #[track_caller]
    pub fn with(change: impl FnOnce(&mut Setup)) -> Self {
        Self::try_with(change).unwrap()
    }

    /// The same, or the errno if it cannot be made.
    pub fn try_with(change: impl FnOnce(&mut Setup)) -> Result<Self, Errno> {
        Self::made(Way::one(), change)
    }

    /// The same, with a context that `change` makes of its own.
    #[track_caller]
    pub fn changed(change: impl FnOnce(WasiCtx) -> WasiCtx) -> Self {
        Self::made_of(Way::one(), |_| {}, change).unwrap()
    }

    fn made(way: Way, change: impl FnOnce(&mut Setup)) -> Result<Self, Errno> {
        Self::made_of(way, change, |ctx| ctx)
    }

    fn made_of(
        way: Way,
        change: impl FnOnce(&mut Setup),
        change_ctx: impl FnOnce(WasiCtx) -> WasiCtx,
    ) -> Result<Self, Errno> {
        let mut setup = Setup::new(way);
        change(&mut setup);
        let stdio = [0, 1, 2].map(|fd| match setup.streams[fd].take() {
            Some(stream) => Stdio::Stream(stream),
            None => Stdio::Lent(number(&setup.stdio[fd])),
        });
        let options = Options {
            preopens: setup.preopens(),
            args: StringArray::new(setup.args).unwrap(),
            env: StringArray::new(setup.env).unwrap(),
            stdio,
            limits: setup.limits,
            grant: setup.grant,
        };
        let ctx = WasiCtx::new(options).map_err(|error| error.errno)?;
        let ctx = change_ctx(ctx);
        let (scratch, stdio) = (Arc::new(setup.scratch), Arc::new(setup.stdio));
        Ok(Self {
            snapshot: setup.snapshot,
            ..Self::over(ctx, scratch, way, stdio)
        })
    }
}
