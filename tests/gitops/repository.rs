//! A repository of Git that a story writes to.

use std::path::PathBuf;
use std::process::Command;

/// A repository, in a folder that goes with it.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// An empty one with the branch `main`.
    pub fn new() -> Repository {
        let repository = Repository { folder: tempfile::tempdir().expect("a folder") };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Its folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: &str) -> &Repository {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Makes a symbolic link.
    pub fn link(&self, path: &str, target: &str) -> &Repository {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(target, path).expect("a link");
        self
    }

    /// Makes a submodule of a commit, from a URL.
    pub fn submodule(&self, path: &str, url: &str, commit: &str) -> &Repository {
        self.git(&["config", "--file", ".gitmodules", &format!("submodule.{path}.path"), path]);
        self.git(&["config", "--file", ".gitmodules", &format!("submodule.{path}.url"), url]);
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
        self.git(&["add", ".gitmodules"]);
        self
    }

    /// Takes a file away.
    pub fn remove(&self, path: &str) -> &Repository {
        std::fs::remove_file(self.path().join(path)).expect("a file");
        self
    }

    /// Commits everything; gives the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git; gives what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Story", "-c", "user.email=story@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
