//! What the sources of an Application say.

use std::sync::Arc;
use std::time::Duration;

use sluice_core::api::{Application, ApplicationSource};
use sluice_core::gitops::manifest::Document;
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
    /// What the revision stands for while a sync keeps to a commit.
    newest: Option<Newest>,
}

struct Newest {
    of: ApplicationSource,
    commit: Option<String>,
    at: Instant,
}

struct Asked {
    of: ApplicationSource,
    revision: String,
    at: Instant,
    said: Said,
}

impl Sources {
    /// Knows nothing yet.
    pub fn new(cx: Arc<Gitops>) -> Sources {
        Sources { cx, named: None, pinned: None, newest: None }
    }

    /// When the server was asked last.
    pub fn asked(&self) -> Option<Instant> {
        self.named.as_ref().map(|asked| asked.at)
    }

    /// What the sources say: from memory, unless they were asked longer ago than that, or somebody wants to know now.
    pub async fn said(&mut self, application: &Application, within: Duration, is_asked: bool) -> Said {
        let source = application.spec.source.clone().unwrap_or_default();
        let pinned = operation::pinned(application.status()).map(|result| result.revision.clone());
        if let Some(commit) = pinned.filter(|commit| !commit.is_empty()) {
            return self.at_commit(source, commit).await;
        }
        self.pinned = None;
        let kept = self.named.as_ref().filter(|asked| asked.of == source);
        if let Some(asked) = kept.filter(|asked| !is_asked && asked.at.elapsed() < within) {
            return asked.said.clone();
        }
        let now = Instant::now();
        // Others may have asked a moment ago; but what is new here has not been asked for yet.
        let since = if is_asked || kept.is_none() { now } else { now.checked_sub(self.cx.shared()).unwrap_or(now) };
        let revision = source.target_revision.clone();
        let said = render(&self.cx, &source, &revision, since).await;
        self.named = Some(Asked { of: source, revision, at: now, said: said.clone() });
        said
    }

    /// The commit that the Application's revision stands for now, while a sync keeps to another one; the server is asked as often as
    /// else. Nothing where it does not answer.
    pub async fn newest(&mut self, application: &Application, within: Duration) -> Option<String> {
        let source = application.spec.source.clone().unwrap_or_default();
        let named = self.named.as_ref().filter(|asked| asked.of == source);
        // What was found out before the sync's own commit was read is old.
        let is_known = |newest: &&Newest| newest.of == source && named.is_none_or(|asked| asked.at <= newest.at);
        let known = self.newest.as_ref().filter(is_known).map(|newest| (newest.at, newest.commit.clone()));
        let said = || named.map(|asked| (asked.at, asked.said.as_ref().ok().map(|(commit, _)| commit.clone())));
        if let Some((at, commit)) = known.or_else(said)
            && at.elapsed() < within
        {
            return commit;
        }
        let at = Instant::now();
        let since = at.checked_sub(self.cx.shared()).unwrap_or(at);
        let commit = self.cx.repositories.at(&source.repo_url).resolve(&source.target_revision, since).await;
        let commit = commit.ok().map(|commit| commit.to_string());
        // What was said of another commit is of no use any more.
        self.named
            .take_if(|asked| commit.is_some() && asked.said.as_ref().ok().map(|(said, _)| said) != commit.as_ref());
        self.newest = Some(Newest { of: source, commit: commit.clone(), at });
        commit
    }

    async fn at_commit(&mut self, source: ApplicationSource, commit: String) -> Said {
        let says = |asked: &&Asked| asked.of == source && matches!(&asked.said, Ok((said, _)) if *said == commit);
        if let Some(asked) = self.named.as_ref().filter(says) {
            return asked.said.clone();
        }
        let is_same = |asked: &&Asked| asked.of == source && asked.revision == commit && asked.said.is_ok();
        if let Some(asked) = self.pinned.as_ref().filter(is_same) {
            return asked.said.clone();
        }
        let at = Instant::now();
        let said = render(&self.cx, &source, &commit, at).await;
        self.pinned = Some(Asked { of: source, revision: commit, at, said: said.clone() });
        said
    }
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
