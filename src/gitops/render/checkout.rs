//! A commit of a repository, to read from. Nothing is checked out for that.

use std::sync::Arc;

use gix::ObjectId;
use serde_json::Value;
use sluice_core::api::ApplicationSource;
use tokio::time::Instant;

use super::super::Gitops;
use super::super::git::{Entry, File};
use super::super::repository::Repository;
use super::LIMIT;

/// A commit.
pub struct Checkout {
    /// Which of its Application's sources it is of.
    pub index: usize,
    pub repository: Arc<Repository>,
    pub commit: ObjectId,
}

impl Checkout {
    /// The commit that a revision of a source stands for at this time or later, fetched.
    pub async fn of(
        cx: &Gitops,
        (index, source): (usize, &ApplicationSource),
        revision: &str,
        project: &str,
        since: Instant,
    ) -> Result<Checkout, String> {
        let repository = cx.repositories.at(&source.repo_url, project);
        let commit = repository.resolve(revision, &source.tag_prefix, since).await?;
        repository.fetch(commit).await?;
        Ok(Checkout { index, repository, commit })
    }

    /// What is at a path.
    pub async fn entry(&self, path: &str) -> Result<Option<Entry>, String> {
        self.repository.entry(self.commit, path).await
    }

    /// The files of a folder or the file itself, which may have so many bytes together.
    pub async fn files(&self, entry: Entry, limit: u64) -> Result<Vec<File>, String> {
        if entry.is_folder {
            return self.repository.files(entry.id, true, limit, |_| true).await;
        }
        Ok(vec![File { path: String::new(), content: self.repository.file(entry.id, limit).await? }])
    }

    /// A file of one document, if it is there.
    pub async fn yaml(&self, path: &str) -> Result<Option<Value>, String> {
        let Some(entry) = self.entry(path).await?.filter(|entry| !entry.is_folder) else { return Ok(None) };
        let content = self.repository.file(entry.id, LIMIT).await?;
        let text = String::from_utf8(content).map_err(|_| format!("{path}: it is not UTF-8"))?;
        super::yaml(&text).map(Some).map_err(|why| format!("{path}: {why}"))
    }
}
