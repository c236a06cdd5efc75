//! What the sources of an Application say.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sluice_core::api::{Application, ApplicationSource};
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::marks::{self, Role};
use sluice_core::gitops::operation;
use tokio::time::Instant;

use super::{Gitops, directory, git};

/// A commit, and what it says; or why that is not known.
pub type Said = Result<(String, Arc<Vec<Document>>), String>;

/// What is remembered of the sources.
pub struct Sources {
    cx: Arc<Gitops>,
    /// What the revision that the Application names stood for.
    named: Option<Asked>,
    /// What a commit says that a sync keeps to meanwhile.
    pinned: Option<Asked>,
}

#[derive(Clone)]
struct Asked {
    of: ApplicationSource,
    at: Instant,
    said: Said,
}

impl Sources {
    /// Knows nothing yet.
    pub fn new(cx: Arc<Gitops>) -> Sources {
        Sources { cx, named: None, pinned: None }
    }

    /// When the server was asked last.
    pub fn asked(&self) -> Option<Instant> {
        self.named.as_ref().map(|asked| asked.at)
    }

    /// What the sources say: from memory, unless they were asked longer ago than that, or somebody wants to know now.
    pub async fn said(&mut self, application: &Application, within: Duration, is_asked: bool) -> Said {
        let source = application.spec.source.clone().unwrap_or_default();
        if let Some(commit) = pinned(application) {
            return self.at_commit(source, commit).await;
        }
        self.pinned = None;
        self.now(source, within, is_asked).await
    }

    /// The commit that the Application's revision stands for now, while a sync keeps to another one, if it changes anything of what the
    /// Application is made of. One that cannot be read changes nothing.
    pub async fn newest(&mut self, application: &Application, within: Duration) -> Option<String> {
        let source = application.spec.source.clone().unwrap_or_default();
        let (_, before) = self.at_commit(source.clone(), pinned(application)?).await.ok()?;
        let (commit, after) = self.now(source, within, false).await.ok()?;
        members(&before).ne(members(&after)).then_some(commit)
    }

    /// What the revision that the Application names stands for.
    async fn now(&mut self, source: ApplicationSource, within: Duration, is_asked: bool) -> Said {
        let kept = self.named.as_ref().filter(|asked| asked.of == source);
        if let Some(asked) = kept.filter(|asked| !is_asked && asked.at.elapsed() < within) {
            return asked.said.clone();
        }
        let now = Instant::now();
        // Others may have asked a moment ago; but what is new here has not been asked for yet.
        let since = if is_asked || kept.is_none() { now } else { now.checked_sub(self.cx.shared()).unwrap_or(now) };
        let said = render(&self.cx, &source, &source.target_revision, since).await;
        self.named = Some(Asked { of: source, at: now, said: said.clone() });
        said
    }

    async fn at_commit(&mut self, source: ApplicationSource, commit: String) -> Said {
        let says = |asked: &&Asked| asked.of == source && matches!(&asked.said, Ok((said, _)) if *said == commit);
        if let Some(asked) = self.pinned.as_ref().filter(says) {
            return asked.said.clone();
        }
        if let Some(asked) = self.named.as_ref().filter(says) {
            self.pinned = Some(asked.clone());
            return asked.said.clone();
        }
        let at = Instant::now();
        let said = render(&self.cx, &source, &commit, at).await;
        self.pinned = Some(Asked { of: source, at, said: said.clone() });
        said
    }
}

/// The commit that a sync under way keeps to.
fn pinned(application: &Application) -> Option<String> {
    let commit = operation::pinned(application.status()).map(|result| result.revision.clone());
    commit.filter(|commit| !commit.is_empty())
}

/// What an Application is made of: what it runs beside that is no reason to begin anew.
fn members(documents: &[Document]) -> impl Iterator<Item = &Value> {
    documents.iter().map(|document| &document.value).filter(|value| marks::role(value) == Role::Member)
}

/// What a source says, in a commit.
async fn render(cx: &Gitops, source: &ApplicationSource, revision: &str, since: Instant) -> Said {
    let repository = cx.repositories.at(&source.repo_url);
    let at = |why: String| format!("{}: {why}", git::shown(&source.repo_url));
    let commit = repository.resolve(revision, since).await?;
    repository.fetch(commit).await?;
    let tree = repository.tree(commit, source.path.clone()).await?;
    let options = source.directory.clone().unwrap_or_default();
    let recurse = options.recurse;
    let files =
        repository.files(tree, recurse, directory::LIMIT, move |path| directory::is_read(path, &options)).await?;
    if let Some((file, tool)) = source.directory.is_none().then(|| directory::tool(&files)).flatten() {
        return Err(at(format!("{}/{file}: sources of {tool} are not supported yet", source.path)));
    }
    let rendering = tokio::task::spawn_blocking(move || directory::render(&files)).await;
    let documents = rendering
        .map_err(|error| at(format!("rendering broke off: {error}")))?
        .map_err(|wrong| at(format!("{} in {}: {}", source.path, short(&commit.to_string()), wrong.join("; "))))?;
    Ok((commit.to_string(), Arc::new(documents)))
}

fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}
