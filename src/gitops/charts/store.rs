//! Charts that have been downloaded: each is a commit of its own in a bare repository, so that whatever reads commits reads them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};
use sha2::{Digest as _, Sha256};

use super::Found;
use super::archive::unpack;
use crate::gitops::digest::hex;
use crate::gitops::git::Store;

/// How deep folders may lie in each other.
const DEEPEST: usize = 60;

/// The charts of one repository.
#[derive(Clone)]
pub struct Kept {
    store: Arc<Store>,
    /// Where it is written which commit is which chart.
    notes: PathBuf,
}

/// A folder of a chart.
#[derive(Default)]
struct Folder {
    files: BTreeMap<String, ObjectId>,
    folders: BTreeMap<String, Folder>,
}

impl Kept {
    /// Those in a folder.
    pub fn new(store: Arc<Store>, folder: &Path) -> Kept {
        Kept { store, notes: folder.join("charts") }
    }

    /// The very chart that was found, if it is here.
    pub fn found(&self, chart: &str, found: &Found) -> Option<ObjectId> {
        self.read(&exactly(chart, found))
    }

    /// The chart of this version, as it was last, if it is here.
    pub fn version(&self, chart: &str, version: &str) -> Option<ObjectId> {
        self.read(&mark(&[chart, version]))
    }

    /// Keeps a chart.
    ///
    /// # Errors
    /// Why its archive is not taken.
    pub fn keep(&self, chart: &str, found: &Found, archive: &[u8]) -> Result<ObjectId, String> {
        let digest = hex(&Sha256::digest(archive));
        if let Some(expected) = found.digest.as_ref().filter(|expected| **expected != digest) {
            return Err(format!(
                "its archive is not the one that was published: its SHA-256 is {digest}, and {expected} is expected"
            ));
        }
        let wrong = |error: &dyn std::fmt::Display| format!("cannot keep it: {error}");
        let repository = self.store.open().map_err(|error| wrong(&error))?;
        let mut root = Folder::default();
        unpack(archive, |path, content| {
            let blob = repository.write_blob(content).map_err(|error| wrong(&error))?;
            root.add(path, blob.detach())
        })?;
        if !root.files.contains_key("Chart.yaml") {
            return Err("its archive has no Chart.yaml".to_owned());
        }
        let tree = root.write(&repository).map_err(|error| wrong(&error))?;
        // The same chart is the same commit, whenever it comes.
        let nobody = || SignatureRef { name: "sluice".into(), email: "".into(), time: "0 +0000" };
        let message = format!("{chart} {} {digest}", found.version);
        let commit = repository.new_commit_as(nobody(), nobody(), message, tree, None::<ObjectId>);
        let commit = commit.map_err(|error| wrong(&error))?.id;
        for name in [exactly(chart, found), mark(&[chart, &found.version])] {
            self.write(&name, commit).map_err(|error| wrong(&error))?;
        }
        Ok(commit)
    }

    /// Notes that a chart that is here is its version now.
    pub fn note(&self, chart: &str, found: &Found, commit: ObjectId) {
        if self.version(chart, &found.version) != Some(commit) {
            // What is not noted is found by asking.
            let _ = self.write(&mark(&[chart, &found.version]), commit);
        }
    }

    fn read(&self, name: &str) -> Option<ObjectId> {
        let text = std::fs::read(self.notes.join(name)).ok()?;
        ObjectId::from_hex(text.trim_ascii()).ok().filter(|commit| self.store.has(*commit))
    }

    fn write(&self, name: &str, commit: ObjectId) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.notes)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.notes)?;
        file.write_all(commit.to_string().as_bytes())?;
        file.persist(self.notes.join(name))?;
        Ok(())
    }
}

impl Folder {
    fn add(&mut self, path: &str, blob: ObjectId) -> Result<(), String> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = self;
        for (deep, part) in folders.split('/').filter(|part| !part.is_empty()).enumerate() {
            if deep == DEEPEST {
                return Err(format!("its folders lie in each other more than {DEEPEST} deep"));
            }
            if at.files.contains_key(part) {
                return Err(format!("its archive has {part:?} as a file and as a folder"));
            }
            at = at.folders.entry(part.to_owned()).or_default();
        }
        if at.folders.contains_key(name) {
            return Err(format!("its archive has {path:?} as a file and as a folder"));
        }
        at.files.insert(name.to_owned(), blob);
        Ok(())
    }

    fn write(&self, repository: &gix::Repository) -> Result<ObjectId, gix::Error> {
        let entry = |kind: EntryKind, name: &str, oid| Entry { mode: kind.into(), filename: name.into(), oid };
        let mut entries: Vec<Entry> =
            self.files.iter().map(|(name, blob)| entry(EntryKind::Blob, name, *blob)).collect();
        for (name, folder) in &self.folders {
            entries.push(entry(EntryKind::Tree, name, folder.write(repository)?));
        }
        entries.sort();
        Ok(repository.write_object(&Tree { entries })?.detach())
    }
}

/// A name for a chart with this content.
fn exactly(chart: &str, found: &Found) -> String {
    mark(&[chart, &found.version, found.digest.as_deref().unwrap_or(found.url.as_str())])
}

/// A name for a file, out of texts.
fn mark(texts: &[&str]) -> String {
    hex(&Sha256::digest(serde_json::json!(texts).to_string()))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use tar::EntryType::Regular;

    use super::super::archive::tests::packed;
    use super::*;
    use crate::gitops::git::Credentials;
    use crate::gitops::tree::Tree;

    fn kept(folder: &Path) -> Kept {
        let store = Store::new("https://charts.example.com", folder, Credentials::default());
        Kept::new(Arc::new(store), folder)
    }

    fn found(archive: Option<&[u8]>) -> Found {
        let url = Url::parse("https://charts.example.com/web-1.0.0.tgz").expect("a URL");
        let digest = archive.map(|archive| hex(&Sha256::digest(archive)));
        Found { version: "1.0.0".to_owned(), url, digest }
    }

    #[test]
    fn a_chart_is_a_commit_that_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let chart = |value: &[u8]| {
            packed(&[("web/Chart.yaml", Regular, b"name: web"), ("web/a/b/values.yaml", Regular, value)])
        };
        let (one, other) = (chart(b"one"), chart(b"other"));
        let kept_now = kept(folder.path());
        let commit = kept_now.keep("web", &found(Some(&one)), &one).expect("it is kept");
        let tree = Tree::new(Arc::clone(&kept_now.store), commit).expect("its files");
        assert_eq!(tree.file("a/b/values.yaml", 100).expect("it is read").as_deref(), Some(&b"one"[..]));
        // Of the same version, with another content.
        let later = kept(folder.path());
        assert_eq!(later.found("web", &found(Some(&one))), Some(commit));
        assert_eq!((later.found("web", &found(Some(&other))), later.found("api", &found(Some(&one)))), (None, None));
        let second = later.keep("web", &found(Some(&other)), &other).expect("it is kept");
        assert_ne!(second, commit);
        assert_eq!(later.version("web", "1.0.0"), Some(second));
        later.note("web", &found(Some(&one)), commit);
        assert_eq!(later.version("web", "1.0.0"), Some(commit));
    }

    #[test]
    fn what_is_not_what_was_published_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = kept(folder.path());
        let empty = packed(&[("web/values.yaml", Regular, b"a: 1")]);
        let both = packed(&[("web/Chart.yaml", Regular, b""), ("web/a", Regular, b""), ("web/a/b", Regular, b"")]);
        for (archive, expected, why) in [
            (&empty, found(Some(b"another")), "is not the one that was published"),
            (&empty, found(None), "has no Chart.yaml"),
            (&both, found(None), "as a file and as a folder"),
        ] {
            let refused = kept.keep("web", &expected, archive).expect_err("it is refused");
            assert!(refused.contains(why), "{refused}");
        }
        assert_eq!(kept.version("web", "1.0.0"), None);
    }
}
