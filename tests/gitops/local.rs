//! Repositories on this machine are read in place: whatever their form, whoever owns them, and without a trace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use sluice::gitops::git::{Credentials, Store};
use sluice::gitops::tree::Tree;

use crate::repository::Repository;
use crate::story::setting;

/// A repository of a commit, with its branch `main` and the annotated tag `v1`; gives the commit, too.
fn repository() -> (Repository, String) {
    let git = Repository::new();
    git.write("app/color.yaml", &setting("color", "blue"));
    let commit = git.commit("Good");
    git.git(&["tag", "--annotate", "--message", "First", "v1"]);
    (git, commit)
}

fn store(url: &str) -> Store {
    Store::new(url, Path::new("/there/is/no/place/for/a/copy"), Credentials::default())
}

/// What the names stand for.
fn names(url: &str) -> BTreeMap<String, String> {
    let names = store(url).names().expect("names");
    names.into_iter().map(|named| (named.name, named.commit.to_string())).collect()
}

fn why(url: &str) -> String {
    store(url).names().expect_err("it is refused")
}

/// Asserts that a repository says that `main` and `v1` are this commit, and what is in it.
fn says(url: &str, commit: &str) {
    let names = names(url);
    for name in ["HEAD", "refs/heads/main", "refs/tags/v1"] {
        assert_eq!(names.get(name).map(String::as_str), Some(commit), "{url}: {name}");
    }
    has_color(url, commit);
}

fn has_color(url: &str, commit: &str) {
    let (store, commit) = (store(url), commit.parse().expect("a commit"));
    assert!(store.has(commit), "{url}");
    let tree = Tree::new(Arc::new(store), commit).expect("its files");
    let color = tree.file("app/color.yaml", 1 << 20).expect("readable").expect("a file");
    assert_eq!(color, setting("color", "blue").into_bytes());
}

/// Everything below a folder, with its size and the time of its last change.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let metadata = std::fs::symlink_metadata(&path).expect("it is there");
        if metadata.is_dir() {
            found.extend(everything(&path));
        }
        found.insert(path, (metadata.len(), metadata.modified().expect("a time")));
    }
    found
}

#[test]
fn a_work_tree_is_read_by_its_url_and_by_its_path_and_nothing_is_written() {
    let (git, commit) = repository();
    let before = everything(&git.path());
    says(&git.url(), &commit);
    says(&git.path().display().to_string(), &commit);
    says(&format!("{}/.git", git.url()), &commit);
    assert_eq!(everything(&git.path()), before);
}

#[test]
fn names_are_those_of_the_moment() {
    let (git, first) = repository();
    let store = store(&git.url());
    let main = || store.names().expect("names").into_iter().find(|named| named.name == "refs/heads/main");
    assert_eq!(main().expect("a branch").commit.to_string(), first);
    let second = git.commit("Another one");
    assert_eq!(main().expect("a branch").commit.to_string(), second);
    git.git(&["pack-refs", "--all"]);
    assert_eq!(main().expect("a branch").commit.to_string(), second);
    git.git(&["checkout", "--quiet", "--detach", &first]);
    git.git(&["symbolic-ref", "refs/heads/nowhere", "refs/heads/none"]);
    let names = names(&git.url());
    assert_eq!((names["HEAD"].as_str(), names["refs/heads/main"].as_str()), (first.as_str(), second.as_str()));
    assert!(!names.contains_key("refs/heads/nowhere"), "{names:?}");
}

#[test]
fn bare_packed_shared_and_linked_repositories_are_read() {
    let (git, commit) = repository();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let origin = git.path().display().to_string();
    git.git(&["clone", "--quiet", "--bare", &origin, &path("bare.git")]);
    git.git(&["clone", "--quiet", "--bare", "--shared", &origin, &path("shared.git")]);
    git.git(&["worktree", "add", "--quiet", "--detach", &path("linked")]);
    git.git(&["clone", "--quiet", "--bare", &origin, &path("with space.git")]);
    for name in ["bare.git", "bare", "shared.git", "linked", "with%20space.git"] {
        says(&format!("file://{}", path(name)), &commit);
    }
    // Packed, with the objects and all names in one file each.
    git.git(&["gc", "--quiet"]);
    git.git(&["pack-refs", "--all"]);
    says(&git.url(), &commit);
    says(&path("shared.git"), &commit);
}

#[test]
fn a_path_that_is_no_repository_is_refused_and_no_folder_above_it_is_asked() {
    let (git, _) = repository();
    let folder = format!("{}/app", git.url());
    let message = why(&folder);
    assert!(message.starts_with(&format!("{folder}: cannot list the branches and tags")), "{message}");
    for (url, expected) in [
        ("file:///there/is/none", "does not appear to be a git repository"),
        ("file://there/is/none", "the path has to begin with a slash"),
        ("./colors.git", "the path has to begin with a slash"),
    ] {
        let message = why(url);
        assert!(message.starts_with(&format!("{url}: cannot list")) && message.contains(expected), "{message}");
    }
}

#[test]
fn a_format_that_is_not_known_is_refused_by_name() {
    for (extension, value, expected) in [
        ("refStorage", "reftable", "its names are kept as reftable, and only files are read"),
        ("objectFormat", "sha256", "Object format is not enabled"),
    ] {
        let (git, _) = repository();
        git.write(
            ".git/config",
            &format!("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\t{extension} = {value}\n"),
        );
        let message = why(&git.url());
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_commit_that_is_not_there_is_not_sought_elsewhere() {
    let (git, _) = repository();
    let (other, store) = ("1111111111111111111111111111111111111111", store(&git.url()));
    let commit = other.parse().expect("a commit");
    assert!(!store.has(commit));
    let message = store.fetch(commit, commit, other, &AtomicBool::new(false)).expect_err("it is refused");
    assert_eq!(message, format!("{}: cannot fetch {other}: it is not there, or not all of it", git.url()));
}

/// Git itself refuses the repository of somebody else, and runs what the configuration of an own one says.
#[test]
fn the_repository_of_somebody_else_is_read_and_its_configuration_runs_nothing() {
    let (git, commit) = repository();
    let ran = git.path().join("ran");
    let touch = format!("touch {}", ran.display());
    git.write("more.config", &format!("[core]\n\tsshCommand = {touch}\n"));
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.alternateRefsCommand",
        "core.gitProxy",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "filter.all.smudge",
        "filter.all.process",
        "diff.external",
    ] {
        git.git(&["config", key, &touch]);
    }
    git.git(&["config", "include.path", &git.path().join("more.config").display().to_string()]);
    git.git(&["config", "core.worktree", "/etc"]);
    git.write(".git/info/attributes", "* filter=all diff=all\n");
    // Only root can give something away.
    let is_given = given_away(&git.path());
    says(&git.url(), &commit);
    let tree = Tree::new(Arc::new(store(&git.url())), commit.parse().expect("a commit")).expect("its files");
    assert_eq!(tree.names("app").expect("names"), ["color.yaml"], "given away: {is_given}");
    assert!(!ran.exists(), "something ran");
}

/// Gives a folder to nobody, if that is allowed.
fn given_away(folder: &Path) -> bool {
    let nobody = Some(65_534);
    let paths: Vec<PathBuf> = everything(folder).into_keys().chain([folder.to_owned()]).collect();
    paths.iter().all(|path| std::os::unix::fs::lchown(path, nobody, nobody).is_ok())
}

#[test]
fn what_is_said_to_replace_a_commit_does_not_count() {
    let (git, commit) = repository();
    git.write("app/color.yaml", &setting("color", "red"));
    let other = git.commit("Another color");
    git.git(&["replace", &commit, &other]);
    has_color(&git.url(), &commit);
}
