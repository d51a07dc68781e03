//! Paths, resolved in both ways: by the host in one call, and step by step. Both lead to the same file, or are
//! refused with the same errno; and neither ever leads outside.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use wasi_rs::abi::{Errno, Rights};
use wasi_rs::ctx::resolve::{Follow, RequiredRights, ResolvedPath};
use wasi_rs::ctx::{Grant, Limits, Options, Preopen, Stdio, StringArray, WasiCtx};
use wasi_rs::vfs::DirRef;

use crate::arguments::path;
use crate::input::Source;
use crate::scratch::Scratch;
use crate::setup::PREOPENS;

/// A guest that only resolves paths.
pub struct Guest {
    scratch: Scratch,
    /// With preopens that absolute links lead to, and with a root.
    contexts: [WasiCtx; 2],
    outside_name: Vec<u8>,
    _null: File,
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let null = File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .unwrap();
        let contexts = [["/sandbox", "/second"], ["/", "second"]].map(|mapped_paths| {
            let preopens = PREOPENS
                .iter()
                .zip(mapped_paths)
                .map(|(real_path, mapped_path)| Preopen {
                    mapped_path: mapped_path.into(),
                    source: scratch.path(real_path).into(),
                    rights: Rights::all(),
                });
            let options = Options {
                args: StringArray::default(),
                env: StringArray::default(),
                preopens: preopens.collect(),
                stdio: [null.as_raw_fd(); 3].map(Stdio::Lent),
                limits: Limits::default(),
                grant: Grant::ALL,
            };
            WasiCtx::new(options).unwrap()
        });
        Self {
            outside_name: scratch.outside_name(),
            scratch,
            contexts,
            _null: null,
        }
    }

    /// Resolves the path that is made of the bytes.
    ///
    /// # Panics
    ///
    /// The two ways lead to different files, or are refused with different errnos, or one leads out.
    pub fn check(&self, data: &[u8]) {
        let source = &mut Source::new(data);
        let choices = source.byte();
        let ctx = &self.contexts[usize::from(choices & 1)];
        let base = ctx.entry(3 + u32::from(choices >> 1 & 1)).unwrap();
        let follow = if choices & 4 == 0 {
            Follow::Yes
        } else {
            Follow::No
        };
        let path = match choices & 0x80 {
            0 => [
                path(source, &self.outside_name),
                path(source, &self.outside_name),
            ]
            .concat(),
            _ => data[1..].to_owned(),
        };
        if ctx.check_path(&path).is_err() {
            return;
        }
        let required = RequiredRights::base(Rights::PATH_OPEN);
        let resolved = ctx.resolve(&base, &path, follow, required);
        let walked = ctx.walk(&base, &path, follow, required);
        let [resolved, walked] = [resolved, walked].map(|place| self.arrived(place));
        assert_eq!(resolved, walked, "{}", path.escape_ascii());
    }

    fn arrived(&self, place: Result<ResolvedPath<'_>, Errno>) -> Result<Arrived, Errno> {
        let place = place?;
        let dir = place.dir()?.stat()?;
        assert!(!self.scratch.is_outside(dir.dev, dir.ino), "{place:?}");
        let DirRef::Host(dir_of_host) = place.dir()? else {
            panic!("all that the guest has is the host's");
        };
        let fd = dir_of_host.as_fd().as_raw_fd();
        let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        assert!(self.scratch.is_given(&path), "{}", path.display());
        Ok(Arrived {
            dir: (dir.dev, dir.ino),
            name: place.name().map(|name| name.as_bytes().to_owned()),
            directory: place.directory,
        })
    }
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
struct Arrived {
    dir: (u64, u64),
    name: Option<Vec<u8>>,
    directory: bool,
}
