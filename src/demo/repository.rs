//! The demo's repository of Git: a bare one in a temporary folder, written by gix, so that no program is needed for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use gix::open::Options;
use gix::{ThreadSafeRepository, create};

use crate::clock::Clock;

/// Its only branch.
pub const BRANCH: &str = "main";
/// Digits by which a commit is shown.
const SHORT: usize = 7;

/// The repository.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    files: BTreeMap<String, String>,
    commits: Vec<Commit>,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its whole hash.
    pub id: String,
    /// What it is said to be.
    pub message: String,
}

impl Commit {
    /// Its hash as people write it, and its message.
    pub fn shown(&self) -> String {
        format!("{}  {}", self.id.get(..SHORT).unwrap_or(&self.id), self.message)
    }
}

impl Repository {
    /// An empty one in a folder that is not there yet.
    pub fn new(folder: PathBuf) -> anyhow::Result<Repository> {
        let options = Options::isolated().config_overrides([format!("init.defaultBranch={BRANCH}")]);
        ThreadSafeRepository::init_opts(&folder, create::Kind::Bare, create::Options::default(), options)
            .with_context(|| format!("cannot make a Git repository in {}", folder.display()))?;
        Ok(Repository { folder, files: BTreeMap::new(), commits: Vec::new() })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its commits, the oldest first.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// A file as it was committed last; empty before that.
    pub fn file(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }

    /// Commits files as they are from now on, beside those that do not change.
    pub fn commit(&mut self, message: &str, files: &[(&str, String)]) -> anyhow::Result<Commit> {
        self.files.extend(files.iter().map(|(name, content)| ((*name).to_owned(), content.clone())));
        let id = self.write(message).with_context(|| format!("cannot commit to {}", self.folder.display()))?;
        let commit = Commit { id: id.to_string(), message: message.to_owned() };
        self.commits.push(commit.clone());
        Ok(commit)
    }

    fn write(&self, message: &str) -> Result<ObjectId, gix::Error> {
        let repository = gix::open_opts(&self.folder, Options::isolated())?;
        let mut entries = Vec::new();
        // The names of files are in Git's order as they are in the map's.
        for (name, content) in &self.files {
            let oid = repository.write_blob(content)?.detach();
            entries.push(Entry { mode: EntryKind::Blob.into(), filename: name.as_str().into(), oid });
        }
        let tree = repository.write_object(Tree { entries })?.detach();
        let branch = format!("refs/heads/{BRANCH}");
        let before = repository.try_find_reference(branch.as_str())?.map(|reference| reference.id().detach());
        let time = format!("{} +0000", Clock::System.now().as_second());
        let author = SignatureRef { name: "Sluice".into(), email: "demo@example.com".into(), time: &time };
        Ok(repository.commit_as(author, author, branch, message, tree, before)?.detach())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gitops::git::{Credentials, Store};
    use crate::gitops::tree::Tree;

    #[test]
    fn what_was_committed_is_read_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut repository = Repository::new(folder.path().join("colors.git")).expect("a repository");
        let first = repository.commit("First", &[("b.yaml", "2".to_owned()), ("a.yaml", "1".to_owned())]).expect("one");
        let second = repository.commit("Second", &[("b.yaml", "3".to_owned())]).expect("another one");
        assert_eq!(repository.commits(), [first, second.clone()]);
        let url = format!("file://{}", repository.folder().display());
        let store = Store::new(&url, &folder.path().join("unused"), Credentials::default());
        let names: Vec<_> = store.names().expect("names").into_iter().map(|named| (named.name, named.commit)).collect();
        let last = ObjectId::from_hex(second.id.as_bytes()).expect("a hash");
        assert_eq!(names, [("HEAD".to_owned(), last), ("refs/heads/main".to_owned(), last)]);
        let tree = Tree::new(Arc::new(store), last).expect("its files");
        assert_eq!(tree.file("b.yaml", 10).expect("read").as_deref(), Some(&b"3"[..]));
        assert!(tree.file("a.yaml", 10).expect("read").is_some());
        assert_eq!(second.shown(), format!("{}  Second", &second.id[..7]));
    }
}
