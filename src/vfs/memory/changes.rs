//! In what a file system differs from the image that it was made over.

use std::collections::{BTreeMap, BTreeSet};

use super::MemoryFs;
use super::below::Paths;
use super::dirs::Key;
use super::names::Found;
use super::tree::{Child, Seen, Tree};
use super::walk::walk;
use crate::abi::{Errno, Filetype};
use crate::vfs::image::NodeId;
use crate::vfs::{MAX_PATH, Result};

/// One thing that is not as it is in the image below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it is now; of what is removed, where it is in the image. Names with a slash between each two.
    pub path: Vec<u8>,
    /// What has been done.
    pub what: What,
    /// What it is; of what is removed, what it was.
    pub filetype: Filetype,
}

/// What has been done to a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It is not there any more. Of a directory: with all that was in it.
    Removed,
    /// It is somewhere else, and here is where it is in the image. Of a directory: with what is in it.
    Renamed(Vec<u8>),
    /// There is nothing of it in the image. One more name for a file is created as well.
    Created,
    /// Its content or its times are others, or another file has taken its name. No directory is.
    Modified,
}

/// The place of a name: the directory of the image that it is in, and the name.
type Place = (NodeId, Vec<u8>);

/// A name that is not the image's.
struct Gained {
    path: Vec<u8>,
    /// Its place, if that is in a directory of the image.
    place: Option<Place>,
    filetype: Filetype,
    /// What it is in the image.
    id: Option<NodeId>,
    is_modified: bool,
}

impl MemoryFs {
    /// In what it differs from the image that it was made over, in the order of the paths; of what is at one
    /// path, what was removed comes first. Where there was no image, all is created.
    ///
    /// # Errors
    ///
    /// [`Errno::Nametoolong`]: a path has more than [`MAX_PATH`] bytes. What a directory of the host below
    /// says.
    pub fn changes(&self) -> Result<Vec<Change>> {
        changes(&self.0.read())
    }
}

/// See [`MemoryFs::changes`].
pub(super) fn changes(tree: &Tree) -> Result<Vec<Change>> {
    let (gained, mut changes) = gained(tree)?;
    changes.extend(compare(tree, gained, Lost::new(tree)?)?);
    changes.sort_by(|one, other| (&one.path, &one.what).cmp(&(&other.path, &other.what)));
    Ok(changes)
}

/// The names that are not the image's, and what has been done to files at others.
fn gained(tree: &Tree) -> Result<(Vec<Gained>, Vec<Change>)> {
    let (mut gained, mut modified) = (Vec::new(), Vec::new());
    walk(tree, (), |step| {
        check_path(step.path)?;
        let below = matches!(step.found, Found::Below(_));
        let (filetype, id, is_modified) = match tree.seen(step.found) {
            Seen::Child(Child::Dir(Key::Own(_))) => (Filetype::Directory, None, false),
            Seen::Child(Child::Dir(Key::Below(id))) => (Filetype::Directory, Some(id), false),
            Seen::Child(Child::Node(node)) => (node.filetype, node.id_below(), node.is_modified()),
            Seen::Below(id) => (tree.dirs.below().filetype(id), Some(id), false),
        };
        let path = || step.path.to_vec();
        if !below {
            let place = match step.dir {
                Key::Below(dir) => Some((dir, step.name.to_vec())),
                Key::Own(_) => None,
            };
            let path = path();
            gained.push(Gained {
                path,
                place,
                filetype,
                id,
                is_modified,
            });
        } else if is_modified {
            modified.push(Change {
                path: path(),
                what: What::Modified,
                filetype,
            });
        }
        let enter = match tree.seen(step.found) {
            Seen::Child(Child::Dir(key)) => tree.dirs.is_known(key),
            Seen::Child(Child::Node(_)) | Seen::Below(_) => false,
        };
        Ok(Some(()).filter(|()| enter))
    })?;
    Ok((gained, modified))
}

/// The names of the image that are not what they were there.
struct Lost {
    /// Where each of the files was.
    places: BTreeMap<NodeId, BTreeSet<Place>>,
}

impl Lost {
    fn new(tree: &Tree) -> Result<Self> {
        let mut places = BTreeMap::<_, BTreeSet<_>>::new();
        for dir in tree.dirs.changed_dirs() {
            let listing = tree.dirs.listing(Key::Below(dir))?;
            let gone = listing.own.into_iter().flat_map(|own| own.gone());
            for (name, id) in gone.filter_map(|index| listing.below.get(index)) {
                let place = (dir, name.to_vec());
                places.entry(id).or_default().insert(place);
            }
        }
        Ok(Self { places })
    }

    /// Whether a file was at this place, which is forgotten.
    fn take_at(&mut self, id: NodeId, place: &Place) -> bool {
        (self.places.get_mut(&id)).is_some_and(|places| places.remove(place))
    }

    /// One of the places where a file was, which is forgotten.
    fn take(&mut self, id: NodeId) -> Option<Place> {
        self.places.get_mut(&id)?.pop_first()
    }
}

/// Pairs what was lost with what was gained.
fn compare(tree: &Tree, mut gained: Vec<Gained>, mut lost: Lost) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut paths = Paths::new(tree.dirs.below());
    let change = |gained: &Gained, what| Change {
        path: gained.path.clone(),
        what,
        filetype: gained.filetype,
    };
    // What was moved and is back is as it was.
    gained.retain(|new| {
        let back =
            (new.id.zip(new.place.as_ref())).is_some_and(|(id, place)| lost.take_at(id, place));
        if back && new.is_modified {
            changes.push(change(new, What::Modified));
        }
        !back
    });
    let mut taken = BTreeMap::new();
    for new in &gained {
        if let Some(place) = &new.place {
            taken.insert(place.clone(), new.filetype);
        }
    }
    let moved: Vec<_> = (gained.iter())
        .map(|new| new.id.and_then(|id| lost.take(id)))
        .collect();
    // What is left was removed, or something else of its kind took its name.
    let mut replaced = BTreeSet::new();
    for (id, places) in &lost.places {
        let filetype = tree.dirs.below().filetype(*id);
        for place in places {
            if filetype != Filetype::Directory && taken.get(place) == Some(&filetype) {
                replaced.insert(place.clone());
            } else if !tree.dirs.is_removed(place.0) {
                changes.push(Change {
                    path: path_of(&mut paths, place)?,
                    what: What::Removed,
                    filetype,
                });
            }
        }
    }
    for (new, from) in gained.iter().zip(moved) {
        let was_there = (new.place.as_ref()).is_some_and(|place| replaced.contains(place));
        match from {
            Some(from) => {
                changes.push(change(new, What::Renamed(path_of(&mut paths, &from)?)));
                if new.is_modified {
                    changes.push(change(new, What::Modified));
                }
            }
            None if was_there => changes.push(change(new, What::Modified)),
            None => changes.push(change(new, What::Created)),
        }
    }
    Ok(changes)
}

fn path_of(paths: &mut Paths<'_>, place: &Place) -> Result<Vec<u8>> {
    let path = paths.of(place)?;
    check_path(&path)?;
    Ok(path)
}

/// Refuses a path that is too long for the embedder.
pub(super) fn check_path(path: &[u8]) -> Result<()> {
    if path.len() > MAX_PATH {
        return Err(Errno::Nametoolong);
    }
    Ok(())
}
