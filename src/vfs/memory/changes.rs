//! The differences between a file system and the lower layer that it was made over.

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

/// A difference from the lower layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The present path; for [`What::Removed`] the path in the lower layer. No slash at its start.
    pub path: Vec<u8>,
    /// What was done.
    pub what: What,
    /// The type; for [`What::Removed`] the type that it had.
    pub filetype: Filetype,
}

/// What was done to a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It was removed. A directory: with all that was in it.
    Removed,
    /// It was renamed, from this path in the lower layer. A directory: with all that is in it.
    Renamed(Vec<u8>),
    /// It is not in the lower layer. A new hard link is created, too.
    Created,
    /// Its content or its times were changed, or another file replaced it. A directory is never modified.
    Modified,
}

/// A place in the lower layer: a directory, and a name in it.
type Place = (NodeId, Vec<u8>);

/// A name that the lower layer does not have, or has for another file.
struct Gained {
    path: Vec<u8>,
    /// Its place, if its directory is in the lower layer.
    place: Option<Place>,
    filetype: Filetype,
    /// Its file in the lower layer, if it is from there.
    id: Option<NodeId>,
    is_modified: bool,
}

impl MemoryFs {
    /// The differences from the image or directory that it was made over, sorted by path; at the same path, the
    /// removal comes first. If it was made over nothing, everything is created.
    ///
    /// # Errors
    ///
    /// [`Errno::Nametoolong`]: a path has more than [`MAX_PATH`] bytes. The errors of listing a directory of
    /// the host below.
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

/// The names that are new or stand for another file, and the changes of files whose names are as they were.
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

/// The names of the lower layer that were removed or stand for another file.
struct Lost {
    /// The places that each of the files had.
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

    /// Whether a file had this place. Removes it from the places.
    fn take_at(&mut self, id: NodeId, place: &Place) -> bool {
        (self.places.get_mut(&id)).is_some_and(|places| places.remove(place))
    }

    /// One of the places of a file. Removes it from the places.
    fn take(&mut self, id: NodeId) -> Option<Place> {
        self.places.get_mut(&id)?.pop_first()
    }
}

/// Pairs lost names with gained ones: a file that has both was renamed.
fn compare(tree: &Tree, mut gained: Vec<Gained>, mut lost: Lost) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut paths = Paths::new(tree.dirs.below());
    let change = |gained: &Gained, what| Change {
        path: gained.path.clone(),
        what,
        filetype: gained.filetype,
    };
    // A file that was renamed back to its name is unchanged.
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
    // The rest was removed, or replaced by another file.
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

/// Refuses a path that is too long to be reported.
pub(super) fn check_path(path: &[u8]) -> Result<()> {
    if path.len() > MAX_PATH {
        return Err(Errno::Nametoolong);
    }
    Ok(())
}
