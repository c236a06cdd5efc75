//! A folder of this machine as a commit, so that it is rendered as one of a repository is. It need not be of any repository itself: its
//! files are copied as they are now, into a bare one that nobody else reads.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use gix::ObjectId;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind};

/// Bytes that all files may have together, as those of a render.
const LARGEST: u64 = 100 << 20;
/// Files that there may be.
const MOST: usize = 20_000;
/// How deep folders may lie in each other.
const DEEPEST: usize = 64;

/// What is left of the limits.
struct Left {
    bytes: u64,
    files: usize,
}

/// Writes all of a folder, but for `.git`, as a commit of a new repository. It blocks.
///
/// # Errors
/// What cannot be read, or is too much.
pub fn commit(folder: &Path, repository: &Path) -> Result<ObjectId, String> {
    let store = gix::init_bare(repository).map_err(|error| format!("cannot make a copy of its files: {error}"))?;
    let tree = tree(&store, folder, 0, &mut Left { bytes: LARGEST, files: MOST })?;
    let nobody = gix::actor::SignatureRef { name: "sluice".into(), email: "".into(), time: "0 +0000" };
    let commit = store.new_commit_as(nobody, nobody, "", tree, None::<ObjectId>);
    commit.map(|commit| commit.id).map_err(|error| format!("cannot make a copy of its files: {error}"))
}

fn tree(store: &gix::Repository, folder: &Path, depth: usize, left: &mut Left) -> Result<ObjectId, String> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    if depth > DEEPEST {
        return Err(wrong(folder, &format!("folders lie in each other more than {DEEPEST} deep")));
    }
    let mut entries = Vec::new();
    for item in fs::read_dir(folder).map_err(|error| wrong(folder, &error))? {
        let item = item.map_err(|error| wrong(folder, &error))?;
        let path = item.path();
        let Ok(name) = item.file_name().into_string() else { return Err(wrong(&path, &"its name is not UTF-8")) };
        if name == ".git" {
            continue;
        }
        let kind = item.file_type().map_err(|error| wrong(&path, &error))?;
        let (mode, oid) = if kind.is_dir() {
            let tree = tree(store, &path, depth + 1, left)?;
            // Git knows no folder without a file.
            if tree == ObjectId::empty_tree(store.object_hash()) {
                continue;
            }
            (EntryKind::Tree, tree)
        } else if kind.is_file() || kind.is_symlink() {
            let content = content(&path, kind.is_symlink(), left).map_err(|why| wrong(&path, &why))?;
            let mode = if kind.is_symlink() { EntryKind::Link } else { EntryKind::Blob };
            (mode, store.write_blob(content).map_err(|error| wrong(&path, &error))?.detach())
        } else {
            // Sockets and the like are nothing that Git keeps.
            continue;
        };
        entries.push(Entry { mode: mode.into(), filename: name.into(), oid });
    }
    entries.sort();
    let written = store.write_object(&Tree { entries });
    written.map(gix::Id::detach).map_err(|error| wrong(folder, &error))
}

/// What is in a file, or where a link leads.
fn content(path: &Path, is_link: bool, left: &mut Left) -> Result<Vec<u8>, String> {
    left.files = left.files.checked_sub(1).ok_or_else(|| format!("there are more than {MOST} files"))?;
    if is_link {
        let target = fs::read_link(path).map_err(|error| error.to_string())?;
        return target.into_os_string().into_string().map(String::into_bytes).map_err(|_| "it is not UTF-8".to_owned());
    }
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    file.take(left.bytes + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    let rest = left.bytes.checked_sub(content.len() as u64);
    left.bytes = rest.ok_or_else(|| format!("the files have more than {} MiB together with it", LARGEST >> 20))?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gitops::git::{Credentials, Store};
    use crate::gitops::tree::{Reading, Tree};

    #[test]
    fn a_folder_of_no_repository_reads_as_a_commit_without_what_is_gits() {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, copy) = (place.path().join("web"), place.path().join("copy.git"));
        fs::create_dir_all(folder.join("base/.git")).expect("folders");
        fs::create_dir_all(folder.join("empty")).expect("folders");
        for (name, text) in [("a.yaml", "a"), ("base/b.yaml", "b"), ("base/.git/config", "c"), ("base.yaml", "d")] {
            fs::write(folder.join(name), text).expect("a file");
        }
        let commit = commit(&folder, &copy).expect("a commit");
        let store = Store::new(copy.to_str().expect("UTF-8"), place.path(), Credentials::default());
        let tree = Tree::new(Arc::new(store), commit).expect("a tree");
        let reading = Reading { recurse: true, wanted: &|_| true, limit: 100 };
        let files = tree.files("", &reading).expect("files");
        let read: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.content.as_slice())).collect();
        assert_eq!(read, [("a.yaml", &b"a"[..]), ("base.yaml", b"d"), ("base/b.yaml", b"b")]);
        let wrong = super::commit(&place.path().join("none"), &place.path().join("other.git")).expect_err("no folder");
        assert!(wrong.starts_with("cannot read ") && wrong.contains("none: No such file"), "{wrong}");
    }
}
