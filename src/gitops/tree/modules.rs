//! Submodules: where `.gitmodules` says that they are from, and their files in their places.

use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::config::file::{Metadata, init::Options};
use sluice_core::gitops::submodule;

use super::walk::{Kind, Node, View};
use super::{Gitlink, Lack, Place, Tree};
use crate::gitops::git::Store;

/// The file that says where submodules are from, and bytes that it may have.
pub const FILE: &str = ".gitmodules";
const LONGEST: u64 = 1 << 20;
/// Submodules of a commit that are read, and how deep they may lie in each other.
pub const MOST: usize = 20;
const DEEPEST: usize = 5;

impl Tree {
    /// Where a submodule is fetched from.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn url(&self, link: &Gitlink) -> Result<String, String> {
        let place = &self.places[link.place];
        if self.places.len() > MOST {
            return Err(format!("there are more than {MOST} submodules"));
        }
        if place.depth >= DEEPEST {
            return Err(format!("submodules lie in each other more than {DEEPEST} deep"));
        }
        let path = link.path.strip_prefix(&place.path).unwrap_or(&link.path).trim_start_matches('/');
        let said = self.said(link.place)?;
        let url = url(&said, path)?.ok_or_else(|| format!("{FILE} does not say where it is from"))?;
        submodule::url(place.store.url(), &url)
    }

    /// The same with a submodule in its place.
    pub fn with(&self, link: &Gitlink, store: Arc<Store>) -> Result<Tree, String> {
        let tree = store.root(link.commit)?;
        let depth = self.places[link.place].depth + 1;
        let place = Place { path: link.path.clone(), store, tree, depth };
        Ok(Tree { places: self.places.iter().cloned().chain([place]).collect(), stop: Arc::clone(&self.stop) })
    }

    /// What `.gitmodules` at the root of a repository says.
    fn said(&self, place: usize) -> Result<Vec<u8>, String> {
        let view = View::new(self).map_err(why)?;
        let root = Node { place, id: self.places[place].tree, kind: Kind::Folder, path: String::new() };
        let found = view.entry(&root, FILE).map_err(why)?.filter(|(mode, _)| mode.is_blob());
        let Some((_, id)) = found else { return Err(format!("there is no file {FILE}")) };
        view.blob(place, id, LONGEST)
    }
}

impl View<'_> {
    fn blob(&self, place: usize, id: ObjectId, limit: u64) -> Result<Vec<u8>, String> {
        let repository = self.repository(place);
        let header = repository.try_find_header(id).map_err(|error| format!("cannot read {FILE}: {error}"))?;
        if header.is_none_or(|header| header.size() > limit) {
            return Err(format!("{FILE} has more than {} MiB", limit >> 20));
        }
        Ok(repository.find_blob(id).map_err(|error| format!("cannot read {FILE}: {error}"))?.take_data())
    }
}

/// The URL of the submodule at a path.
fn url(said: &[u8], path: &str) -> Result<Option<String>, String> {
    let read = gix::config::File::from_bytes_no_includes(said, Metadata::api(), Options::default());
    let read = read.map_err(|error| format!("cannot read {FILE}: {error}"))?;
    // As with Git, what is said last counts.
    let mut found = None;
    for section in read.sections_by_name("submodule").into_iter().flatten() {
        let text = |key: &str| section.value(key).and_then(|value| value.to_str().ok().map(str::to_owned));
        if text("path").is_some_and(|known| known.trim_matches('/') == path) {
            found = text("url").or(found);
        }
    }
    Ok(found)
}

fn why(lack: Lack) -> String {
    match lack {
        Lack::Wrong(why) => why,
        Lack::Module(link) => format!("the submodule {} is not in its place", link.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_where_submodules_are_from() {
        let said = b"[submodule \"a\"]\n\tpath = parts/a\n\turl = ../a.git\n[submodule \"b\"]\n\tpath = \"parts/b\"\n\turl = https://example.com/b\n";
        assert_eq!(url(said, "parts/a"), Ok(Some("../a.git".to_owned())));
        assert_eq!(url(said, "parts/b"), Ok(Some("https://example.com/b".to_owned())));
        assert_eq!(url(said, "parts/c"), Ok(None));
        assert!(url(b"[submodule", "a").is_err());
        assert_eq!(url(b"[include]\n\tpath = /etc/passwd\n", "a"), Ok(None));
    }
}
