use std::env;

use wasi_rs::ctx::{Limits, PreopenSource};

use super::fixture::Fixture;
use super::forwarding;
use super::host_files::HostFiles;
use super::other_files::{OtherFiles, Over};

/// A file system, and how a guest's paths are resolved in it. To a guest all are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The host's, which resolves paths as far as it can.
    Host,
    /// The host's, where every step is taken by the crate.
    HostWalked,
    /// Another one, where every step is taken by the crate.
    Forwarding,
    /// One that is reached by paths.
    #[cfg(unix)]
    ByPath,
    /// One in memory, which goes from directory to directory by itself.
    Memory,
    /// One in memory, where every step is taken by the crate.
    MemoryWalked,
    /// One in memory, over an image.
    OverImage,
    /// One in memory, over a directory of the host.
    OverDirectory,
}

/// Set in a process to which the host refuses calls. There [`Way::Host`] is the only way: what it cannot
/// leave to the host it does as the others, which are tested elsewhere.
const UNDER_PROFILE: &str = "WASI_TESTS_PROFILE";

/// Set to test the host's files on Windows, too.
const ON_WINDOWS: &str = "WASI_TESTS_WINDOWS_FILES";

impl Way {
    /// All of them.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::those_of(&[
            Self::Host,
            Self::HostWalked,
            Self::Forwarding,
            #[cfg(unix)]
            Self::ByPath,
            Self::Memory,
            Self::MemoryWalked,
            Self::OverImage,
            Self::OverDirectory,
        ])
    }

    /// Those of the host.
    pub fn on_host() -> impl Iterator<Item = Self> {
        Self::those_of(&[Self::Host, Self::HostWalked])
    }

    /// One for each file system, for calls that resolve no path.
    pub fn backends() -> impl Iterator<Item = Self> {
        Self::those_of(&[
            Self::Host,
            Self::Forwarding,
            #[cfg(unix)]
            Self::ByPath,
            Self::Memory,
        ])
    }

    /// The way of tests that need but one.
    pub fn one() -> Self {
        if Self::has_host() {
            Self::Host
        } else {
            Self::Memory
        }
    }

    /// Whether the host's files are tested here. What Windows does with names, links and times is its own,
    /// and has tests of its own.
    fn has_host() -> bool {
        cfg!(unix) || env::var_os(ON_WINDOWS).is_some()
    }

    fn those_of(ways: &[Self]) -> impl Iterator<Item = Self> {
        let host_alone = env::var_os(UNDER_PROFILE).is_some();
        ways.iter().copied().filter(move |way| match way {
            Self::Host => Self::has_host(),
            Self::HostWalked | Self::Forwarding => Self::has_host() && !host_alone,
            #[cfg(unix)]
            Self::ByPath => !host_alone,
            Self::Memory | Self::MemoryWalked | Self::OverImage => !host_alone,
            Self::OverDirectory => Self::has_host() && !host_alone,
        })
    }

    /// A new, empty file system.
    pub fn fixture(self) -> Box<dyn Fixture> {
        match self {
            Self::Host | Self::HostWalked => Box::new(HostFiles::new(PreopenSource::Path)),
            Self::Forwarding => Box::new(HostFiles::new(forwarding::preopen)),
            #[cfg(unix)]
            Self::ByPath => Box::new(OtherFiles::by_path()),
            Self::Memory | Self::MemoryWalked => Box::new(OtherFiles::in_memory()),
            Self::OverImage => Box::new(OtherFiles::over(Over::Image)),
            Self::OverDirectory => Box::new(OtherFiles::over(Over::Directory)),
        }
    }

    /// Limits of a guest. One of links that is below the host's keeps paths from being left to the host.
    pub fn limits(self) -> Limits {
        let default = Limits::default();
        match self {
            #[cfg(unix)]
            Self::ByPath => default,
            Self::Host | Self::Forwarding | Self::Memory => default,
            Self::OverImage | Self::OverDirectory => default,
            Self::HostWalked | Self::MemoryWalked => Limits {
                symlink_hops: default.symlink_hops - 1,
                ..default
            },
        }
    }
}
