use std::collections::BTreeMap;
use std::sync::Arc;

use wasi_rs::abi::{Errno, Fdflags, Filestat, Filetype, Oflags};
use wasi_rs::host::Room;
use wasi_rs::vfs::{Dir, DirRef, FileHandle, Interrupt, Name, OpenHow, Opened, ReadDir};

use super::calls::{Access, Call};
use super::iovecs::with_iovecs;

/// The result of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Done,
    Stat(Filetype, u64, u64),
    Bytes(Vec<u8>),
    Names(BTreeMap<Vec<u8>, Filetype>),
}

pub type Answer = Result<Said, Errno>;

/// The attributes and the content of each path.
pub type Tree = BTreeMap<String, Answer>;

/// One of the two file systems, and what is open in it.
pub struct World {
    root: Dir,
    pub dirs: Vec<Dir>,
    pub files: Vec<(FileHandle, Access)>,
    room: Arc<Room>,
}

impl World {
    pub fn new(root: Dir) -> Self {
        Self {
            root,
            dirs: Vec::new(),
            files: Vec::new(),
            room: Arc::new(Room::default()),
        }
    }

    /// The root, or another open directory.
    pub fn dir(&self, number: usize) -> DirRef<'_> {
        match number.checked_sub(1) {
            Some(number) => self.dirs[number].as_ref(),
            None => self.root.as_ref(),
        }
    }

    pub fn make(&mut self, call: &Call) -> Answer {
        match call {
            Call::CreateDir(dir, name) => done(self.dir(*dir).create_dir_at(as_name(name))),
            Call::Open(dir, name, oflags, access) => {
                let name = name.as_deref().map(as_name);
                let how = how(*oflags, *access);
                let opened = self.dir(*dir).open_at(name, how, &Interrupt::NEVER)?;
                match opened {
                    Opened::Dir(_) if !oflags.contains(Oflags::DIRECTORY) => {
                        opened.stat().map(said)
                    }
                    opened => self.keep(opened, *access),
                }
            }
            Call::OpenDir(dir, name) => {
                let opened = self.dir(*dir).open_dir_at(as_name(name))?;
                self.keep(Opened::Dir(opened), Access::Read)
            }
            Call::OpenDotdot(dir) => {
                let opened = self.dir(*dir).open_dotdot()?;
                self.keep(Opened::Dir(opened), Access::Read)
            }
            Call::Unlink(dir, name) => done(self.dir(*dir).unlink_at(as_name(name))),
            Call::RemoveDir(dir, name) => done(self.dir(*dir).remove_dir_at(as_name(name))),
            Call::Rename(dir, old, new_dir, new) => {
                let new_dir = self.dir(*new_dir);
                done((self.dir(*dir)).rename_at(as_name(old), new_dir, as_name(new)))
            }
            Call::Link(dir, old, new_dir, new) => {
                let old = old.as_deref().map(as_name);
                done((self.dir(*dir)).link_at(old, self.dir(*new_dir), as_name(new)))
            }
            Call::Symlink(dir, target, name) => {
                done(self.dir(*dir).symlink_at(target, as_name(name)))
            }
            Call::ReadLink(dir, name) => {
                (self.dir(*dir).read_link_at(as_name(name))).map(Said::Bytes)
            }
            Call::StatAt(dir, name) => self.dir(*dir).stat_at(as_name(name)).map(said),
            Call::StatDir(dir) => self.dir(*dir).stat().map(said),
            Call::List(dir) => self.list(self.dir(*dir)),
            Call::StatFile(file) => self.files[*file].0.stat().map(said),
            Call::Read(file, offset, len) => {
                let mut bytes = vec![0; *len];
                let file = &self.files[*file].0;
                let nread = with_iovecs(&mut bytes, |iovs| file.read_at(iovs, *offset))?;
                bytes.truncate(nread);
                Ok(Said::Bytes(bytes))
            }
            Call::Write(file, offset, bytes) => {
                let (file, access) = &self.files[*file];
                let written = with_iovecs(&mut bytes.clone(), |ciovs| match access {
                    Access::Append => file.append(ciovs).map(|(count, _)| count),
                    _ => file.write_at(ciovs, *offset),
                });
                assert_eq!(written, Ok(bytes.len()));
                Ok(Said::Done)
            }
            Call::SetSize(file, size) => done(self.files[*file].0.set_size(*size)),
            Call::Allocate(file, offset, len) => done(self.files[*file].0.allocate(*offset, *len)),
            Call::CloseDir(dir) => {
                self.dirs.swap_remove(*dir - 1);
                Ok(Said::Done)
            }
            Call::CloseFile(file) => {
                self.files.swap_remove(*file);
                Ok(Said::Done)
            }
        }
    }

    /// Keeps a directory or a regular file open. For the host, only `fstat` tells them apart.
    fn keep(&mut self, opened: Opened, access: Access) -> Answer {
        let stat = opened.stat()?;
        match opened {
            Opened::Dir(dir) => self.dirs.push(dir),
            Opened::File(file) if stat.filetype == Filetype::RegularFile => {
                self.files.push((file, access));
            }
            _ => {}
        }
        Ok(said(stat))
    }

    fn list(&self, dir: DirRef<'_>) -> Answer {
        // A directory from `open_dir_at` need not be readable.
        let dir = dir.open_itself()?;
        let dir = dir.as_ref();
        let mut stream = ReadDir::new(dir, &self.room);
        let mut names = BTreeMap::new();
        while let Some(entry) = stream.read(dir, &Interrupt::NEVER)? {
            let twice = names.insert(entry.name.to_vec(), entry.filetype);
            assert_eq!(twice, None);
        }
        Ok(Said::Names(names))
    }

    /// All files.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.visit(self.root.as_ref(), "", &mut tree);
        tree
    }

    fn visit(&self, dir: DirRef<'_>, path: &str, tree: &mut Tree) {
        let Ok(Said::Names(names)) = self.list(dir) else {
            panic!("{path} cannot be listed");
        };
        for (name, filetype) in names {
            let Some(name) = Name::new(&name) else {
                continue;
            };
            let path = format!("{path}/{}", String::from_utf8_lossy(name.as_bytes()));
            tree.insert(format!("{path} stat"), dir.stat_at(name).map(said));
            match filetype {
                Filetype::Directory => {
                    let below = dir.open_dir_at(name).unwrap();
                    self.visit(below.as_ref(), &path, tree);
                }
                Filetype::SymbolicLink => {
                    tree.insert(path, dir.read_link_at(name).map(Said::Bytes));
                }
                _ => {
                    let how = how(Oflags::empty(), Access::Read);
                    let opened = dir.open_at(Some(name), how, &Interrupt::NEVER);
                    let Ok(Opened::File(file)) = opened else {
                        panic!("{path} is no file");
                    };
                    let mut bytes = vec![0; file.stat().unwrap().size as usize];
                    let nread = with_iovecs(&mut bytes, |iovs| file.read_at(iovs, 0));
                    assert_eq!(nread, Ok(bytes.len()));
                    tree.insert(path, Ok(Said::Bytes(bytes)));
                }
            }
        }
    }
}

pub fn as_name(bytes: &[u8]) -> Name<'_> {
    Name::new(bytes).unwrap()
}

fn how(oflags: Oflags, access: Access) -> OpenHow {
    OpenHow {
        read: true,
        write: access != Access::Read,
        oflags,
        fdflags: match access {
            Access::Append => Fdflags::APPEND,
            _ => Fdflags::empty(),
        },
        follow: false,
    }
}

fn done(result: Result<(), Errno>) -> Answer {
    result.map(|()| Said::Done)
}

fn said(stat: Filestat) -> Said {
    Said::Stat(stat.filetype, stat.nlink, stat.size)
}
