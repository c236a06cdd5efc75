//! Where the links of a folder lead that lead out of it: the folder's own mark says nothing of what is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::tree::EntryMode;

use super::Lack;
use super::read::DEEPEST;
use super::walk::{Kind, Node, View, join};

/// Links and submodules that a folder may have below it, and places outside of it to which they may lead.
const MOST: usize = 1_000;
/// Folders of which it is remembered which links are in them.
const REMEMBERED: usize = 50_000;

/// The links and submodules below folders, which are ever the same for a folder's mark.
#[derive(Default)]
pub struct Links(Mutex<HashMap<ObjectId, Below>>);

/// Paths from a folder, and what is there.
type Below = Arc<Vec<(String, EntryMode, ObjectId)>>;

impl View<'_> {
    /// Notes where links lead that are below a folder or right in it, and what is there.
    pub fn leads(&self, folder: Node, recurse: bool, noted: &mut BTreeMap<String, String>) -> Result<(), Lack> {
        let mut seen = BTreeSet::from([folder.path.clone()]);
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            let all = if recurse { self.below(folder.place, folder.id, 0)? } else { self.right_in(&folder)? };
            for (path, mode, id) in all.iter() {
                self.meet()?;
                let path = join(&folder.path, path);
                let found = if mode.is_link() {
                    let mut ways = BTreeMap::new();
                    match self.follow(&path, &mut ways) {
                        // Whoever reads it says so.
                        Err(Lack::Wrong(why)) => {
                            self.meet()?;
                            noted.insert(path, why);
                        }
                        Err(module) => return Err(module),
                        Ok(node) => {
                            noted.extend(ways.into_iter().filter(|(way, _)| !is_in(&seen, way)));
                            open.extend((node.kind == Kind::Folder && recurse && !is_in(&seen, &node.path)).then(
                                || {
                                    seen.insert(node.path.clone());
                                    node
                                },
                            ));
                        }
                    }
                    continue;
                } else if recurse {
                    self.node(folder.place, path, *mode, *id)?
                } else {
                    None
                };
                open.extend(found);
            }
            if noted.len() > MOST || seen.len() > MOST {
                return Err(Lack::Wrong(format!("symbolic links lead to more than {MOST} places")));
            }
        }
        Ok(())
    }

    /// The links in a folder itself: what is below does not count, and is not read.
    fn right_in(&self, folder: &Node) -> Result<Below, Lack> {
        let wrong = |error: &dyn std::fmt::Display| {
            Lack::Wrong(format!("{}: cannot read the folder {:?}: {error}", self.tree.shown(), folder.path))
        };
        let tree = self.repository(folder.place).find_tree(folder.id).map_err(|error| wrong(&error))?;
        let mut links = Vec::new();
        for entry in tree.iter() {
            self.meet()?;
            let entry = entry.map_err(|error| wrong(&error))?;
            if entry.mode().is_link() || entry.mode().is_commit() {
                links.push((entry.filename().to_string(), entry.mode(), entry.object_id()));
            }
        }
        Ok(Arc::new(links))
    }

    fn below(&self, place: usize, tree: ObjectId, depth: usize) -> Result<Below, Lack> {
        let remembered = &self.tree.places[place].store.links().0;
        if let Some(known) = remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&tree) {
            return Ok(Arc::clone(known));
        }
        let wrong = |error: &dyn std::fmt::Display| {
            Lack::Wrong(format!("{}: cannot read the folder {tree}: {error}", self.tree.shown()))
        };
        if depth > DEEPEST {
            return Err(Lack::Wrong(format!("folders lie in each other more than {DEEPEST} deep")));
        }
        let mut below = Vec::new();
        for entry in self.repository(place).find_tree(tree).map_err(|error| wrong(&error))?.iter() {
            self.meet()?;
            let entry = entry.map_err(|error| wrong(&error))?;
            let (name, mode, id) = (entry.filename().to_string(), entry.mode(), entry.object_id());
            if mode.is_tree() {
                let inner = self.below(place, id, depth + 1)?;
                below.extend(inner.iter().map(|(path, mode, id)| (format!("{name}/{path}"), *mode, *id)));
            } else if mode.is_link() || mode.is_commit() {
                below.push((name, mode, id));
            }
            if below.len() > MOST {
                return Err(Lack::Wrong(format!("it has more than {MOST} symbolic links and submodules")));
            }
        }
        let below = Arc::new(below);
        let mut remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() > REMEMBERED {
            remembered.clear();
        }
        remembered.insert(tree, Arc::clone(&below));
        Ok(below)
    }
}

fn is_in(folders: &BTreeSet<String>, path: &str) -> bool {
    let is_above =
        |folder: &String| folder.is_empty() || path.strip_prefix(folder.as_str()).is_some_and(|it| it.starts_with('/'));
    folders.contains(path) || folders.iter().any(is_above)
}
