//! What a folder of a commit renders to.

mod closure;
mod directory;
mod helm;
mod kept;
mod kustomize;
mod program;

use std::sync::Arc;
use std::time::Duration;

use gix::ObjectId;
use serde_json::Value;
use sluice_core::api::{Application, ApplicationSource, SourceDirectory, SourceHelm, SourceKustomize};
use sluice_core::gitops::kustomization;
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::path::within;
use tokio::time::Instant;

use super::Gitops;
use super::git;
use super::repository::Repository;
use closure::Closure;

pub use kept::Renders;
pub use program::Versions;

/// Bytes that the manifests of an Application may have.
pub const LIMIT: u64 = 10 << 20;
/// How long all of a render may take, with what is fetched for it.
const TIME: Duration = Duration::from_mins(10);
/// Bytes that a program's files may have together.
const FILES: u64 = 100 << 20;

/// What a source says.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// The commit.
    pub commit: String,
    /// `Directory`, `Helm` or `Kustomize`.
    pub kind: &'static str,
    /// What there should be.
    pub documents: Vec<Document>,
}

/// A folder of a commit, and what it is rendered for.
struct Subject<'a> {
    cx: &'a Gitops,
    source: &'a ApplicationSource,
    repository: Arc<Repository>,
    commit: ObjectId,
    tree: ObjectId,
    /// The folder, from the root.
    folder: String,
    /// The Application's name.
    application: &'a str,
    /// The namespace in which its objects are.
    namespace: &'a str,
}

/// What a source says, in a commit.
pub async fn render(
    cx: &Gitops,
    application: &Application,
    source: &ApplicationSource,
    revision: &str,
    since: Instant,
) -> Result<Render, String> {
    let rendering = async {
        let repository = cx.repositories.at(&source.repo_url);
        let commit = repository.resolve(revision, since).await?;
        repository.fetch(commit).await?;
        let tree = repository.tree(commit, source.path.clone()).await?;
        let subject = Subject {
            cx,
            source,
            repository,
            commit,
            tree,
            folder: within("", &source.path).unwrap_or_default(),
            application: application.metadata.name.as_deref().unwrap_or_default(),
            namespace: &application.spec.destination.namespace,
        };
        subject.render().await
    };
    let late = || format!("{}: it took longer than {} s to render", git::shown(&source.repo_url), TIME.as_secs());
    tokio::time::timeout(TIME, rendering).await.unwrap_or_else(|_| Err(late()))
}

impl Subject<'_> {
    async fn render(&self) -> Result<Render, String> {
        let commit = self.commit.to_string();
        let at = |why: String| {
            let short = commit.get(..8).unwrap_or(&commit);
            format!("{}: {} in {short}: {why}", git::shown(&self.source.repo_url), self.source.path)
        };
        let kind = self.kind(&self.repository.names_in(self.tree).await?)?;
        let documents = match kind {
            "Helm" => helm::render(self).await.map_err(at)?,
            "Kustomize" => kustomize::render(self).await.map_err(at)?,
            _ => self.plain(at).await?,
        };
        Ok(Render { commit: self.commit.to_string(), kind, documents })
    }

    /// What makes manifests of the folder: what the Application says, or else what files are in it. A block that says nothing is none.
    fn kind(&self, files: &[String]) -> Result<&'static str, String> {
        let has = |name: &str| files.iter().any(|file| file == name);
        for name in [".argocd-source.yaml".to_owned(), format!(".argocd-source-{}.yaml", self.application)] {
            if has(&name) {
                return Err(format!("{}/{name} is there, and is not supported yet", self.folder));
            }
        }
        let source = self.source;
        let directory = source.directory.clone().map(|it| SourceDirectory { jsonnet: None, ..it });
        let said = [
            ("Helm", source.helm.as_ref().is_some_and(|it| *it != SourceHelm::default())),
            ("Kustomize", source.kustomize.as_ref().is_some_and(|it| *it != SourceKustomize::default())),
            ("Directory", directory.is_some_and(|it| it != SourceDirectory::default())),
        ];
        let said: Vec<&str> = said.into_iter().filter(|(_, is_said)| *is_said).map(|(kind, _)| kind).collect();
        Ok(match said.as_slice() {
            [kind] => kind,
            [one, other, ..] => return Err(format!("spec.source: it is said to be of {one} and of {other}")),
            [] if has("Chart.yaml") => "Helm",
            [] if kustomization::FILES.into_iter().any(has) => "Kustomize",
            [] => "Directory",
        })
    }

    /// The documents of a plain folder.
    async fn plain(&self, at: impl Fn(String) -> String) -> Result<Vec<Document>, String> {
        let options = self.source.directory.clone().unwrap_or_default();
        let recurse = options.recurse;
        let wanted = move |path: &str| directory::is_read(path, &options);
        let files = self.repository.files(self.tree, recurse, LIMIT, wanted).await?;
        let rendering = tokio::task::spawn_blocking(move || directory::render(&files)).await;
        let documents = rendering.map_err(|error| at(format!("rendering broke off: {error}")))?;
        documents.map_err(|wrong| at(wrong.join("; ")))
    }

    /// A file of one document, if it is there.
    async fn yaml(&self, path: &str) -> Result<Option<Value>, String> {
        let entry = self.repository.entry(self.commit, path).await?;
        let Some(entry) = entry.filter(|entry| !entry.is_folder) else { return Ok(None) };
        let content = self.repository.file(entry.id, LIMIT).await?;
        let text = String::from_utf8(content).map_err(|_| format!("{path}: it is not UTF-8"))?;
        yaml(&text).map(Some).map_err(|why| format!("{path}: {why}"))
    }

    /// What a program makes of files, from what was kept of an earlier time, if it was given the same.
    async fn by_program(
        &self,
        inputs: &Value,
        closure: &Closure,
        run: impl AsyncFnOnce(&std::path::Path) -> Result<String, String>,
    ) -> Result<Vec<Document>, String> {
        let key = kept::key(inputs, closure);
        if let Some(documents) = self.cx.renders.get(&key).await {
            return Ok(documents);
        }
        let _place = self.cx.renders.place().await;
        let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder for a render: {error}"))?;
        closure.write(&self.repository, &folder.path().join("repository")).await?;
        let text = run(folder.path()).await?;
        let documents = tokio::task::spawn_blocking(move || program::documents(&text)).await;
        let documents = documents.map_err(|error| format!("rendering broke off: {error}"))??;
        self.cx.renders.put(&key, &documents).await;
        Ok(documents)
    }
}

/// The first document of a text; nothing where there is none.
fn yaml(text: &str) -> Result<Value, String> {
    let Some(part) = sluice_yaml::split(text).into_iter().next() else { return Ok(Value::Null) };
    sluice_yaml::read(part).map(|located| located.value).map_err(|why| why.why)
}
