//! `/dev`: a directory with the devices that programs expect.
//!
//! Nothing in it is the host's, except the guest's own standard streams. The directory is read-only (`EROFS`);
//! its devices can be written.

use std::any::Any;
use std::sync::Arc;

use super::random::RandomSource;
use super::stdio::WeakStdio;
use crate::abi::{Device as DeviceNumber, Dircookie, Errno, Filestat, Filetype, Inode, Oflags};
use crate::host::{Direction, Interrupt, Readiness, Wait};
use crate::memory::Iovecs;
use crate::vfs::{
    self, Dir, DirEntry, DirStream, Directory, Name, OpenHow, Opened, Poll, Result, Stream,
    StreamHandle,
};

/// The devices in the order in which they are listed.
const DEVICES: [(&str, Device); 7] = [
    ("null", Device::Null),
    ("zero", Device::Zero),
    ("random", Device::Random),
    ("urandom", Device::Random),
    ("stdin", Device::Stdio(0)),
    ("stdout", Device::Stdio(1)),
    ("stderr", Device::Stdio(2)),
];

#[derive(Clone, Copy, Debug)]
enum Device {
    /// At its end for reading; discards what is written.
    Null,
    /// Reads zeros; discards what is written.
    Zero,
    /// Reads what `random_get` returns; discards what is written.
    Random,
    /// The standard stream with this number that the guest was given, whatever the guest has done with the
    /// descriptor.
    Stdio(usize),
}

/// The inode number of the directory. Those of the devices come after it.
const ROOT: Inode = 1;

/// How many bytes a device generates at a time.
const CHUNK: usize = 4096;

/// The directory.
#[derive(Clone, Debug)]
pub struct Devices {
    dev: DeviceNumber,
    stdio: [WeakStdio; 3],
    random: RandomSource,
}

impl Devices {
    /// The devices of a guest with these standard streams and this source of random bytes.
    pub fn new(stdio: [WeakStdio; 3], random: RandomSource) -> Self {
        Self {
            dev: vfs::new_device(),
            stdio,
            random,
        }
    }

    fn find(name: Name<'_>) -> Result<(Inode, Device)> {
        let index = DEVICES
            .iter()
            .position(|(device, _)| device.as_bytes() == name.as_bytes());
        let index = index.ok_or(Errno::Noent)?;
        Ok((ROOT + 1 + index as Inode, DEVICES[index].1))
    }

    fn filestat(&self, ino: Inode, filetype: Filetype) -> Filestat {
        Filestat {
            dev: self.dev,
            ino,
            filetype,
            nlink: 1,
            size: 0,
            atim: 0,
            mtim: 0,
            ctim: 0,
        }
    }

    /// Opens the embedder's stream again.
    fn stdio(&self, stream: usize) -> Result<StreamHandle> {
        self.stdio[stream].open()
    }
}

impl Directory for Devices {
    fn is_of_one_device(&self) -> bool {
        true
    }

    fn stat(&self) -> Result<Filestat> {
        Ok(Filestat {
            nlink: 2,
            ..self.filestat(ROOT, Filetype::Directory)
        })
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        match Self::find(name)? {
            (_, Device::Stdio(stream)) => self.stdio(stream)?.stat(),
            (ino, _) => Ok(self.filestat(ino, Filetype::CharacterDevice)),
        }
    }

    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened> {
        let Some(name) = name else {
            if how.write || how.oflags.intersects(Oflags::CREAT | Oflags::TRUNC) {
                return Err(Errno::Isdir);
            }
            return Ok(Opened::Dir(Dir::Other(Arc::new(self.clone()))));
        };
        let (ino, device) = match Self::find(name) {
            Err(Errno::Noent) if how.oflags.contains(Oflags::CREAT) => return Err(Errno::Rofs),
            found => found?,
        };
        if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) {
            return Err(Errno::Exist);
        }
        if how.oflags.contains(Oflags::DIRECTORY) {
            return Err(Errno::Notdir);
        }
        Ok(Opened::Stream(match device {
            Device::Stdio(stream) => self.stdio(stream)?,
            device => StreamHandle::Other(Arc::new(OpenDevice {
                device,
                stat: self.filestat(ino, Filetype::CharacterDevice),
                random: self.random.clone(),
            })),
        }))
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        Self::find(name)?;
        Err(Errno::Notdir)
    }

    fn open_dotdot(&self) -> Result<Dir> {
        Ok(Dir::Other(Arc::new(self.clone())))
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        Self::find(name)?;
        Err(Errno::Inval)
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        Ok(Box::new(Listing))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A directory stream. A cookie is the number of entries before it.
#[derive(Debug)]
struct Listing;

impl DirStream for Listing {
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        let dots = [".", ".."].map(|name| (name, ROOT, Filetype::Directory));
        let devices = (DEVICES.iter().zip(ROOT + 1..))
            .map(|((name, _), ino)| (*name, ino, Filetype::CharacterDevice));
        let at = usize::try_from(cookie).unwrap_or(usize::MAX);
        let entry = dots.into_iter().chain(devices).nth(at);
        Ok(entry.map(|(name, ino, filetype)| DirEntry {
            name: name.as_bytes(),
            ino,
            filetype,
            next: cookie + 1,
        }))
    }
}

/// An open device.
#[derive(Debug)]
struct OpenDevice {
    device: Device,
    stat: Filestat,
    random: RandomSource,
}

impl Stream for OpenDevice {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.stat)
    }

    fn ignores_offsets(&self) -> bool {
        true
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        match self.device {
            Device::Zero => fill(iovs, wait.interrupt, |_| Ok(())),
            Device::Random => fill(iovs, wait.interrupt, |chunk| self.random.fill(chunk)),
            Device::Null | Device::Stdio(_) => Ok(0),
        }
    }

    fn write(&self, ciovs: &Iovecs<'_>, _: Wait<'_>) -> Result<usize> {
        Ok(ciovs.len())
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Ready(Readiness::default())
    }
}

/// Fills the buffers chunk by chunk: `make` gets zeros, and replaces them. Ends early if that fails or the
/// thread is interrupted.
fn fill(
    iovs: &Iovecs<'_>,
    interrupt: &Interrupt,
    make: impl Fn(&mut [u8]) -> Result<()>,
) -> Result<usize> {
    let mut nread = 0;
    for buf in iovs.bufs() {
        let mut rest = *buf;
        while !rest.is_empty() {
            let mut chunk = [0; CHUNK];
            let chunk = &mut chunk[..CHUNK.min(rest.len())];
            let made = make(chunk).and_then(|()| Ok(interrupt.check()?));
            match made {
                Ok(()) => nread += rest.write(chunk),
                Err(_) if nread > 0 => return Ok(nread),
                Err(error) => return Err(error),
            }
            rest = rest.skip(chunk.len());
        }
    }
    Ok(nread)
}
