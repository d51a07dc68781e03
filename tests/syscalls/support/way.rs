use std::env;

use wasi_rs::ctx::{Limits, PreopenSource};

use super::fixture::Fixture;
use super::forwarding;
use super::host_files::HostFiles;
use super::other_files::{OtherFiles, Over};

/// A file system, and the way in which paths are resolved in it. Guests see no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The host's, which resolves paths itself if it can.
    Host,
    /// The host's, with all paths walked.
    HostWalked,
    /// Another one, with all paths walked.
    Forwarding,
    /// One that is used by paths.
    #[cfg(unix)]
    ByPath,
    /// One in memory, which resolves paths itself if it can.
    Memory,
    /// One in memory, with all paths walked.
    MemoryWalked,
    /// One in memory, over an image.
    OverImage,
    /// One in memory, over a directory of the host.
    OverDirectory,
}

/// Set in a process to which system calls are refused. There [`Way::Host`] is the only way: what it cannot
/// leave to the host it walks as the others, which other processes test.
const UNDER_PROFILE: &str = "WASI_TESTS_PROFILE";

/// Set to run the tests of the host's files on Windows, too.
const ON_WINDOWS: &str = "WASI_TESTS_WINDOWS_FILES";

impl Way {
    /// All ways.
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

    /// The ways with the host's file system.
    pub fn on_host() -> impl Iterator<Item = Self> {
        Self::those_of(&[Self::Host, Self::HostWalked])
    }

    /// One way for each file system, for calls that do not resolve paths.
    pub fn backends() -> impl Iterator<Item = Self> {
        Self::those_of(&[
            Self::Host,
            Self::Forwarding,
            #[cfg(unix)]
            Self::ByPath,
            Self::Memory,
        ])
    }

    /// One way, for tests that need no more.
    pub fn one() -> Self {
        if Self::has_host() {
            Self::Host
        } else {
            Self::Memory
        }
    }

    /// Whether the host's files are tested here. Names, links and times of Windows have tests of their own.
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

    /// The limits of a guest. A limit of links below the host's makes all paths be walked.
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
