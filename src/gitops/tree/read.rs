//! The files of a folder.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice as _};

use super::walk::{Kind, Node, View, join};
use super::{File, Lack, Reading};
use crate::gitops::fetch::LARGEST;

/// How deep folders may lie in each other.
pub const DEEPEST: usize = 64;
/// Files that a folder may have, and folders in it: over links the same one may be in it any number of times.
const MOST_FILES: usize = 20_000;
const MOST_FOLDERS: usize = 20_000;

/// What has been read so far.
#[derive(Default)]
struct Read {
    left: u64,
    files: Vec<File>,
    folders: usize,
    /// Where the folders really are that are being read, each in the one before it.
    open: Vec<String>,
}

impl View<'_> {
    /// The names in a folder that may be files.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Lack> {
        let Some(node) = self.walk(path, &mut BTreeMap::new())?.filter(|node| node.kind == Kind::Folder) else {
            return Err(Lack::Wrong(format!("{}: there is no folder {path:?}", self.tree.shown())));
        };
        let wrong = |error: &dyn std::fmt::Display| {
            Lack::Wrong(format!("{}: cannot read the folder {path:?}: {error}", self.tree.shown()))
        };
        let mut names = Vec::new();
        for entry in self.repository(node.place).find_tree(node.id).map_err(|error| wrong(&error))?.iter() {
            self.meet()?;
            let entry = entry.map_err(|error| wrong(&error))?;
            let may_be_file = entry.mode().is_blob() || entry.mode().is_link();
            names.extend(may_be_file.then(|| entry.filename().to_string()));
        }
        Ok(names)
    }

    /// A file, if there is one.
    pub fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Lack> {
        let Some(node) = self.walk(path, &mut BTreeMap::new())?.filter(|node| node.kind == Kind::File) else {
            return Ok(None);
        };
        let mut read = Read { left: limit, ..Read::default() };
        self.content(node.place, node.id, path, limit, &mut read).map(Some)
    }

    /// The files of a folder in the order of their names, or the file itself without a name.
    pub fn files(&self, path: &str, reading: &Reading<'_>) -> Result<Vec<File>, Lack> {
        let Some(node) = self.walk(path, &mut BTreeMap::new())? else {
            return Err(Lack::Wrong(format!("{}: there is nothing at {path:?}", self.tree.shown())));
        };
        let mut read = Read { left: reading.limit, ..Read::default() };
        if node.kind == Kind::File {
            let content = self.content(node.place, node.id, path, reading.limit, &mut read)?;
            return Ok(vec![File { path: String::new(), content }]);
        }
        self.read(&node, "", reading, &mut read)?;
        Ok(read.files)
    }

    fn read(&self, folder: &Node, at: &str, reading: &Reading<'_>, read: &mut Read) -> Result<(), Lack> {
        let wrong = |error: &dyn std::fmt::Display| Lack::Wrong(format!("cannot read the folder {at:?}: {error}"));
        read.folders += 1;
        if at.split('/').count() > DEEPEST {
            return Err(Lack::Wrong(format!("{at}: folders lie in each other more than {DEEPEST} deep")));
        }
        if read.folders > MOST_FOLDERS {
            return Err(Lack::Wrong(format!("there are more than {MOST_FOLDERS} folders")));
        }
        if read.open.contains(&folder.path) {
            return Err(Lack::Wrong(format!("{at} leads, over a symbolic link, to a folder that it is in itself")));
        }
        read.open.push(folder.path.clone());
        let tree = self.repository(folder.place).find_tree(folder.id).map_err(|error| wrong(&error))?;
        for entry in tree.iter() {
            self.meet()?;
            let entry = entry.map_err(|error| wrong(&error))?;
            let name = name(at, entry.filename())?;
            let (path, inside, mode) = (join(at, name), join(&folder.path, name), entry.mode());
            let is_wanted = (reading.wanted)(&path);
            // A link may be a file and a folder.
            let is_looked_at = match (mode.is_blob(), mode.is_link()) {
                (true, _) => is_wanted,
                (_, true) => is_wanted || reading.recurse,
                _ => reading.recurse,
            };
            if !is_looked_at {
                continue;
            }
            let node = if mode.is_link() {
                match self.follow(&inside, &mut BTreeMap::new()) {
                    // One that is not read may lead anywhere, if it cannot be meant as a folder.
                    Err(Lack::Wrong(_)) if !is_wanted && name.contains('.') => continue,
                    found => Some(found?),
                }
            } else {
                self.node(folder.place, inside, mode, entry.object_id())?
            };
            match node {
                Some(node) if node.kind == Kind::Folder && reading.recurse => self.read(&node, &path, reading, read)?,
                Some(node) if node.kind == Kind::File && is_wanted => {
                    let content = self.content(node.place, node.id, &path, reading.limit, read)?;
                    read.files.push(File { path, content });
                }
                _ => {}
            }
        }
        read.open.pop();
        Ok(())
    }

    fn content(&self, place: usize, id: ObjectId, path: &str, limit: u64, read: &mut Read) -> Result<Vec<u8>, Lack> {
        let wrong = |error: &dyn std::fmt::Display| Lack::Wrong(format!("cannot read {path}: {error}"));
        let repository = self.repository(place);
        let header = repository.try_find_header(id).map_err(|error| wrong(&error))?;
        let Some(size) = header.map(|header| header.size()) else {
            return Err(Lack::Wrong(format!("{path} has {} MiB or more, and is not fetched", LARGEST >> 20)));
        };
        read.left = read.left.checked_sub(size).ok_or_else(|| {
            Lack::Wrong(format!("the manifests have more than {} MiB with {path} ({size} bytes)", limit >> 20))
        })?;
        if read.files.len() == MOST_FILES {
            return Err(Lack::Wrong(format!("there are more than {MOST_FILES} files")));
        }
        Ok(repository.find_blob(id).map_err(|error| wrong(&error))?.take_data())
    }
}

/// The name of an entry of a folder.
///
/// # Errors
/// That it is none: whoever writes such a tree by hand wants out of the folder.
fn name<'n>(at: &str, name: &'n BStr) -> Result<&'n str, Lack> {
    let name = name.to_str().map_err(|_| Lack::Wrong(format!("{at}: a name is not UTF-8")))?;
    if matches!(name, "" | "." | ".." | ".git") || name.contains(['/', '\\', '\0']) {
        return Err(Lack::Wrong(format!("{at}: {name:?} is no name of a file")));
    }
    Ok(name)
}
