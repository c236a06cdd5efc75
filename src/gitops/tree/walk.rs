//! The way from the root to a path, over links and into submodules.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryMode;

use super::{Gitlink, Lack, Tree};

/// Links that one path may lead over.
const MOST_LINKS: usize = 40;
/// Entries of folders that one look may come across: over links it may come across the same one any number of times.
const MOST_ENTRIES: usize = 1_000_000;
/// Bytes that the target of a link may have.
const LONGEST: u64 = 4096;

/// A tree while something is looked up in it.
pub struct View<'a> {
    pub tree: &'a Tree,
    opened: Vec<gix::Repository>,
    /// Entries that it has come across.
    met: Cell<usize>,
}

/// A file or a folder.
#[derive(Clone, Debug)]
pub struct Node {
    /// The repository that it is of.
    pub place: usize,
    pub id: ObjectId,
    pub kind: Kind,
    /// Where it really is, from the root.
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
}

/// A part of a way, and the link that said it, if one did.
struct Part {
    name: String,
    of: Option<usize>,
}

impl<'a> View<'a> {
    /// Opens what the tree is of.
    pub fn new(tree: &'a Tree) -> Result<View<'a>, Lack> {
        let opened = tree.places.iter().map(|place| place.store.reader()).collect::<Result<_, String>>()?;
        Ok(View { tree, opened, met: Cell::default() })
    }

    /// Counts an entry of a folder.
    ///
    /// # Errors
    /// That there were too many, or that nobody waits any more.
    pub fn meet(&self) -> Result<(), Lack> {
        if self.tree.stop.load(Ordering::Relaxed) {
            return Err(Lack::Wrong(format!("{}: it takes too long to look through its folders", self.tree.shown())));
        }
        self.met.set(self.met.get() + 1);
        if self.met.get() > MOST_ENTRIES {
            let shown = self.tree.shown();
            return Err(Lack::Wrong(format!(
                "{shown}: there are more than {MOST_ENTRIES} files and folders to look at; those to which symbolic links lead count each time"
            )));
        }
        Ok(())
    }

    /// The repository of a place.
    pub fn repository(&self, place: usize) -> &gix::Repository {
        &self.opened[place]
    }

    /// What an entry of a tree is where it is neither a link nor something that nobody reads.
    pub fn node(&self, place: usize, path: String, mode: EntryMode, id: ObjectId) -> Result<Option<Node>, Lack> {
        if mode.is_commit() {
            let there = self.tree.places.iter().position(|known| known.path == path);
            let Some(place) = there else { return Err(Lack::Module(Gitlink { path, commit: id, place })) };
            return Ok(Some(Node { place, id: self.tree.places[place].tree, kind: Kind::Folder, path }));
        }
        let kind = if mode.is_tree() { Kind::Folder } else { Kind::File };
        Ok((mode.is_tree() || mode.is_blob()).then_some(Node { place, id, kind, path }))
    }

    /// What is at a path, if anything is; which links are on the way there, and what they lead to, is noted.
    ///
    /// # Errors
    /// That one of the links leads nowhere, or out of the repository.
    pub fn walk(&self, path: &str, noted: &mut BTreeMap<String, String>) -> Result<Option<Node>, Lack> {
        let mut links: Vec<(String, String)> = Vec::new();
        let root = Node { place: 0, id: self.tree.places[0].tree, kind: Kind::Folder, path: String::new() };
        let mut at = vec![root];
        let mut to_go = parts(path, None);
        while let Some(Part { name, of }) = to_go.pop() {
            self.meet()?;
            if name == ".." {
                at.pop();
                if at.is_empty() {
                    return nothing(&links, of, "leads out of the repository");
                }
                continue;
            }
            let Some(folder) = at.last().filter(|node| node.kind == Kind::Folder) else {
                return nothing(&links, of, "leads nowhere");
            };
            let Some((mode, id)) = self.entry(folder, &name)? else { return nothing(&links, of, "leads nowhere") };
            let path = join(&folder.path, &name);
            if mode.is_link() {
                let target = self.target(folder.place, &path, id)?;
                noted.insert(path.clone(), id.to_string());
                links.push((path, target.clone()));
                let last = Some(links.len() - 1);
                if target.starts_with('/') {
                    return nothing(&links, last, "leads out of the repository");
                }
                if links.len() > MOST_LINKS {
                    return nothing(&links, last, &format!("is behind {MOST_LINKS} others"));
                }
                to_go.extend(parts(&target, last));
                continue;
            }
            // Another commit of a submodule is told of as one of this path.
            if mode.is_commit() {
                noted.insert(path.clone(), id.to_string());
            }
            match self.node(folder.place, path, mode, id)? {
                Some(node) => at.push(node),
                None => return nothing(&links, of, "leads nowhere"),
            }
        }
        let found = at.pop();
        if let Some(node) = found.as_ref().filter(|_| !links.is_empty()) {
            noted.insert(node.path.clone(), node.id.to_string());
        }
        Ok(found)
    }

    /// What a link leads to.
    pub fn follow(&self, link: &str, noted: &mut BTreeMap<String, String>) -> Result<Node, Lack> {
        let found = self.walk(link, noted)?;
        found.ok_or_else(|| Lack::Wrong(format!("{}: {link} is not there any more", self.tree.shown())))
    }

    /// What is right in a folder under a name.
    pub fn entry(&self, folder: &Node, name: &str) -> Result<Option<(EntryMode, ObjectId)>, Lack> {
        let wrong = |error: &dyn std::fmt::Display| {
            Lack::Wrong(format!("{}: cannot read the folder {:?}: {error}", self.tree.shown(), folder.path))
        };
        let tree = self.opened[folder.place].find_tree(folder.id).map_err(|error| wrong(&error))?;
        let found = tree.lookup_entry_by_path(name).map_err(|error| wrong(&error))?;
        Ok(found.map(|entry| (entry.mode(), entry.object_id())))
    }

    fn target(&self, place: usize, path: &str, id: ObjectId) -> Result<String, Lack> {
        let repository = &self.opened[place];
        let wrong = |why: &str| Lack::Wrong(format!("{path} is a symbolic link, {why}"));
        let header = repository.try_find_header(id).map_err(|error| wrong(&format!("and cannot be read: {error}")))?;
        if header.is_none_or(|header| header.size() > LONGEST) {
            return Err(wrong(&format!("and its target has more than {LONGEST} bytes")));
        }
        let mut blob = repository.find_blob(id).map_err(|error| wrong(&format!("and cannot be read: {error}")))?;
        let target = blob.take_data();
        let target = target.to_str().ok().filter(|target| !target.is_empty() && !target.contains('\0'));
        target.map(str::to_owned).ok_or_else(|| wrong("and its target is no path"))
    }
}

/// The parts of a path, the first one at the end.
fn parts(path: &str, of: Option<usize>) -> Vec<Part> {
    let names = path.split('/').rev().filter(|name| !matches!(*name, "" | "."));
    names.map(|name| Part { name: name.to_owned(), of }).collect()
}

/// There is nothing at a path; or, where a link says it, the link is wrong.
fn nothing(links: &[(String, String)], of: Option<usize>, why: &str) -> Result<Option<Node>, Lack> {
    let Some((link, target)) = of.and_then(|of| links.get(of)) else { return Ok(None) };
    Err(Lack::Wrong(format!("{link} is a symbolic link to {target:?}, which {why}")))
}

/// A name in a folder.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::super::Reading;
    use super::*;
    use crate::gitops::git::{Credentials, Store};
    use crate::gitops::import;

    /// A folder with files that nobody wants, to which links lead.
    fn tree(files: usize, links: usize) -> (tempfile::TempDir, Tree) {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, copy) = (place.path().join("web"), place.path().join("copy.git"));
        fs::create_dir_all(folder.join("many")).expect("folders");
        (0..files).for_each(|file| fs::write(folder.join(format!("many/{file}")), "").expect("a file"));
        (0..links).for_each(|link| symlink("many", folder.join(format!("to-{link}"))).expect("a link"));
        let commit = import::commit(&folder, &copy).expect("a commit");
        let store = Store::new(copy.to_str().expect("UTF-8"), place.path(), Credentials::default());
        let tree = Tree::new(Arc::new(store), commit).expect("a tree");
        (place, tree)
    }

    fn none(tree: &Tree) -> Result<usize, String> {
        let files = tree.files("", &Reading { recurse: true, wanted: &|_| false, limit: 0 });
        files.map(|files| files.len()).map_err(|lack| format!("{lack:?}"))
    }

    #[test]
    fn a_look_comes_to_an_end_whatever_links_lead_to() {
        assert_eq!(none(&tree(100, 100).1), Ok(0));
        let why = none(&tree(2_000, 501).1).expect_err("too many");
        assert!(why.contains("more than 1000000 files and folders"), "{why}");
    }

    #[test]
    fn a_look_for_which_nobody_waits_is_given_up() {
        let ((_place, tree), stop) = (tree(1, 1), Arc::new(AtomicBool::default()));
        assert_eq!(none(&tree.until(&stop)), Ok(0));
        stop.store(true, Ordering::Relaxed);
        assert!(none(&tree.until(&stop)).is_err() && tree.until(&stop).look("many", true).is_err());
    }
}
