//! The files of a commit as they would be on disk: symbolic links lead where they lead, and submodules are in their places.
//!
//! No link is ever made: each is followed in the trees of Git, and none leads out of its repository. A submodule that is not in its
//! place yet is named ([`Lack::Module`]), so that whoever may wait fetches it. All of it blocks.

mod links;
mod modules;
mod read;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;

use super::git::Store;
pub use links::Links;
pub use modules::MOST as MODULES;
use walk::{Kind, View};

/// A commit's files.
#[derive(Clone)]
pub struct Tree {
    /// The repository itself, and the submodules that are in their places.
    places: Vec<Place>,
    /// Says when nobody waits any more for what is looked up.
    stop: Arc<AtomicBool>,
}

/// A repository that has its place in a tree.
#[derive(Clone)]
struct Place {
    /// Where, from the root of the first one.
    path: String,
    store: Arc<Store>,
    tree: ObjectId,
    /// In how many other submodules it is.
    depth: usize,
}

/// Why something cannot be read.
#[derive(Debug)]
pub enum Lack {
    /// What is wrong with it.
    Wrong(String),
    /// A submodule has to be in its place first.
    Module(Gitlink),
}

/// A submodule that is not in its place yet.
#[derive(Clone, Debug)]
pub struct Gitlink {
    /// Where it is, from the root.
    pub path: String,
    /// Its commit.
    pub commit: ObjectId,
    /// The repository that it is of.
    place: usize,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its content: the same content has the same.
    pub id: ObjectId,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Where it is when all links are followed.
    pub real: String,
}

/// What is at a path, and what it depends on beside that.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What is there.
    pub entry: Option<Entry>,
    /// Places elsewhere to which links lead, with what is there.
    pub leads: BTreeMap<String, String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where, from the folder that was asked for.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Which files of a folder are read, and how much of them.
pub struct Reading<'a> {
    /// Whether folders in it are read, too.
    pub recurse: bool,
    /// Whether a file is read.
    pub wanted: &'a dyn Fn(&str) -> bool,
    /// Bytes that all files may have together.
    pub limit: u64,
}

impl Tree {
    /// The files of a commit that is there.
    pub fn new(store: Arc<Store>, commit: ObjectId) -> Result<Tree, String> {
        let tree = store.root(commit)?;
        Ok(Tree { places: vec![Place { path: String::new(), store, tree, depth: 0 }], stop: Arc::default() })
    }

    /// The same, in which nothing is looked up any more once this says so.
    #[must_use]
    pub fn until(&self, stop: &Arc<AtomicBool>) -> Tree {
        Tree { places: self.places.clone(), stop: Arc::clone(stop) }
    }

    /// What is at a path, and where links lead that are below it, or right in it.
    ///
    /// # Errors
    /// That a link on the way leads nowhere.
    pub fn look(&self, path: &str, recurse: bool) -> Result<Look, Lack> {
        let view = View::new(self)?;
        let mut leads = BTreeMap::new();
        let Some(node) = view.walk(path, &mut leads)? else { return Ok(Look { entry: None, leads }) };
        let entry = Entry { id: node.id, is_folder: node.kind == Kind::Folder, real: node.path.clone() };
        if entry.is_folder {
            view.leads(node, recurse, &mut leads)?;
        }
        Ok(Look { entry: Some(entry), leads })
    }

    /// The names in a folder that may be files.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Lack> {
        View::new(self)?.names(path)
    }

    /// The files of a folder in the order of their names, or the file itself without a name.
    pub fn files(&self, path: &str, reading: &Reading<'_>) -> Result<Vec<File>, Lack> {
        View::new(self)?.files(path, reading)
    }

    /// A file, if there is one.
    pub fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Lack> {
        View::new(self)?.file(path, limit)
    }

    fn shown(&self) -> String {
        self.places[0].store.shown()
    }
}

impl From<String> for Lack {
    fn from(why: String) -> Lack {
        Lack::Wrong(why)
    }
}
