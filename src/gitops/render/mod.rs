//! What a folder of a commit renders to.

mod checkout;
mod closure;
mod dependencies;
mod directory;
mod helm;
mod kept;
mod keys;
mod kustomize;
mod plugin;
mod plugins;
mod program;
mod said;
mod sops;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::api::{Application, ApplicationSource, SourceDirectory, SourceHelm, SourceKustomize};
use sluice_core::gitops::kustomization;
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::path::within;
use tokio::time::Instant;

use super::Gitops;
use super::git;
use closure::{Budget, Closure, is_plain};

pub use checkout::Checkout;
pub use kept::Renders;
pub use keys::Keys;
pub use program::{Programs, Versions};

/// Bytes that the manifests of an Application may have.
pub const LIMIT: u64 = 10 << 20;
/// How long all of a render may take, with what is fetched for it.
const TIME: Duration = Duration::from_mins(10);
/// Bytes that a program's files may have together.
const FILES: u64 = 100 << 20;

/// What the sources of an Application say.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// The commit of each, or its chart's version.
    pub commits: Vec<String>,
    /// What each is: `Directory`, `Helm`, `Kustomize` or `Plugin`.
    pub kinds: Vec<&'static str>,
    /// What there should be.
    pub documents: Vec<Document>,
    /// The paths in each that this depends on, from the root of its repository.
    pub reads: Vec<Vec<String>>,
}

/// A source, and what it is rendered for.
#[derive(Clone)]
struct Subject<'a> {
    cx: &'a Gitops,
    source: &'a ApplicationSource,
    checkout: &'a Checkout<'a>,
    /// The sources that others read files of, by their `ref`.
    named: &'a BTreeMap<&'a str, &'a Checkout<'a>>,
    /// What opens what is encrypted in it.
    keys: &'a Keys,
    /// What has been read of each source.
    reads: &'a Mutex<Vec<BTreeSet<String>>>,
    /// The folder, from the root.
    folder: String,
    /// The Application, and its name.
    owner: &'a Application,
    application: &'a str,
    /// The namespace in which its objects are.
    namespace: &'a str,
    /// Its project.
    project: &'a str,
    /// When what is said of its revisions has to hold at the earliest.
    since: Instant,
}

/// What was rendered.
struct Made {
    documents: Vec<Document>,
    /// Whether anything of it was encrypted: it is not to be on disk.
    is_opened: bool,
    /// Whether it depends on more than it was told, and may have secrets from there.
    is_fleeting: bool,
}

/// What sources say, each in a revision.
pub async fn render(
    cx: &Gitops,
    application: &Application,
    sources: &[ApplicationSource],
    revisions: &[String],
    since: Instant,
) -> Result<Render, String> {
    if sources.len() != revisions.len() {
        let (sources, revisions) = (sources.len(), revisions.len());
        return Err(format!("there are {sources} sources, and {revisions} revisions of them: each needs its own"));
    }
    let rendering = async {
        let mut checkouts = Vec::new();
        for (source, revision) in sources.iter().enumerate().zip(revisions) {
            checkouts.push(Checkout::of(cx, source, revision, application.spec.project(), since).await?);
        }
        let all = || sources.iter().zip(&checkouts);
        let named = all().filter(|(source, _)| !source.reference.is_empty());
        let named: BTreeMap<&str, &Checkout<'_>> = named.map(|(source, it)| (source.reference.as_str(), it)).collect();
        let commits = checkouts.iter().map(|checkout| checkout.revision.clone()).collect();
        let keys = cx.repositories.keys(application.spec.project());
        let reads = Mutex::new(vec![BTreeSet::new(); sources.len()]);
        let mut said = Render { commits, kinds: Vec::new(), documents: Vec::new(), reads: Vec::new() };
        for (source, checkout) in all() {
            let subject = Subject {
                cx,
                source,
                checkout,
                named: &named,
                keys: &keys,
                reads: &reads,
                folder: within("", &source.path).unwrap_or_default(),
                owner: application,
                application: application.metadata.name.as_deref().unwrap_or_default(),
                namespace: &application.spec.destination.namespace,
                project: application.spec.project(),
                since,
            };
            // One that others only read files of brings nothing itself.
            let is_read_only = !source.reference.is_empty() && source.path.is_empty() && source.chart.is_empty();
            let (kind, documents) =
                if is_read_only { ("Directory", Vec::new()) } else { Box::pin(subject.render()).await? };
            said.kinds.push(kind);
            said.documents.extend(documents);
        }
        let reads = reads.into_inner().unwrap_or_else(PoisonError::into_inner);
        said.reads = reads.into_iter().map(|paths| paths.into_iter().collect()).collect();
        Ok(said)
    };
    let urls = || sources.iter().map(|source| git::shown(&source.repo_url)).collect::<Vec<_>>().join(", ");
    let late = || format!("{}: it took longer than {} s to render", urls(), TIME.as_secs());
    tokio::time::timeout(TIME, rendering).await.unwrap_or_else(|_| Err(late()))
}

impl Subject<'_> {
    async fn render(&self) -> Result<(&'static str, Vec<Document>), String> {
        let revision = &self.checkout.revision;
        let at = |why: String| {
            let url = git::shown(&self.source.repo_url);
            if !self.source.chart.is_empty() {
                return format!("{url}: chart {} {revision}: {why}", self.source.chart);
            }
            let short = revision.get(..8).unwrap_or(revision);
            format!("{url}: {} in {short}: {why}", self.source.path)
        };
        let found = match within("", &self.source.path) {
            Some(path) => self.checkout.look(&path, false).await.map_err(at)?.entry,
            None => None,
        };
        let Some(found) = found.filter(|entry| entry.is_folder) else {
            let (url, path) = (git::shown(&self.source.repo_url), &self.source.path);
            return Err(format!("{url}: there is no folder {path:?} in commit {revision}"));
        };
        let names = self.checkout.names(&self.folder).await.map_err(at)?;
        let source = self.effective(&names).await.map_err(at)?;
        let subject = Subject { source: &source, ..self.clone() };
        let kind = subject.kind(&names)?;
        let documents = match kind {
            "Helm" => helm::render(&subject).await.map_err(at)?,
            "Kustomize" => kustomize::render(&subject, &found.real).await.map_err(at)?,
            "Plugin" => plugin::render(&subject).await.map_err(at)?,
            _ => subject.plain().await.map_err(at)?,
        };
        Ok((kind, documents))
    }

    /// What makes manifests of the folder: what the Application says, or else what files are in it. A block that says nothing is none.
    fn kind(&self, files: &[String]) -> Result<&'static str, String> {
        let has = |name: &str| files.iter().any(|file| file == name);
        let source = self.source;
        let directory = source.directory.clone().map(|it| SourceDirectory { jsonnet: None, ..it });
        let said = [
            ("Helm", source.helm.as_ref().is_some_and(|it| *it != SourceHelm::default())),
            ("Kustomize", source.kustomize.as_ref().is_some_and(|it| *it != SourceKustomize::default())),
            ("Directory", directory.is_some_and(|it| it != SourceDirectory::default())),
            // One without a name is found by what is in the folder.
            ("Plugin", source.plugin.is_some()),
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
    async fn plain(&self) -> Result<Vec<Document>, String> {
        let options = self.source.directory.clone().unwrap_or_default();
        let closure = Closure::new(self.checkout);
        let mut closure = if options.recurse { closure } else { closure.flat() };
        closure.add(&self.folder).await?;
        self.kept("Directory", &json!(["Directory", options]), &[(String::new(), closure)], async || {
            let (recurse, options) = (options.recurse, options.clone());
            let wanted = move |path: &str| directory::is_read(path, &options);
            let files = self.checkout.files(&self.folder, recurse, LIMIT, wanted).await?;
            let keys = self.keys.clone();
            let rendering = tokio::task::spawn_blocking(move || directory::render(&files, &keys)).await;
            rendering.map_err(|error| format!("rendering broke off: {error}"))?.map_err(|wrong| wrong.join("; "))
        })
        .await
    }

    /// What a program makes of files, which it finds in folders of these names.
    async fn by_program(
        &self,
        kind: &str,
        inputs: &Value,
        files: &[(String, Closure<'_>)],
        run: impl AsyncFnOnce(&std::path::Path) -> Result<String, String>,
    ) -> Result<Vec<Document>, String> {
        self.kept(kind, inputs, files, async || self.made(kind, files, run).await).await
    }

    /// What a plugin makes of files. It may be full of secrets, and is made anew after a while, or when somebody asks for that.
    async fn by_plugin(
        &self,
        inputs: &Value,
        files: &[(String, Closure<'_>)],
        run: impl AsyncFnOnce(&std::path::Path) -> Result<String, String>,
    ) -> Result<Vec<Document>, String> {
        let make = async || Ok(Made { is_fleeting: true, ..self.made("Plugin", files, run).await? });
        self.kept("Plugin", inputs, files, make).await
    }

    async fn made(
        &self,
        kind: &str,
        files: &[(String, Closure<'_>)],
        run: impl AsyncFnOnce(&std::path::Path) -> Result<String, String>,
    ) -> Result<Made, String> {
        let _place = self.cx.renders.place(kind == "Plugin").await;
        let folder = self.cx.renders.workplace()?;
        let (mut is_opened, mut budget) = (false, Budget::default());
        for (name, closure) in files {
            if !is_plain(name) {
                return Err(format!("{name:?} is no folder for files of a render"));
            }
            is_opened |= closure.write(&folder.path().join(name), self.keys, &mut budget).await?;
        }
        // What a program complains about may be what was decrypted.
        let hidden = |_| format!("{kind} failed; what it says is not shown, as files of it were decrypted");
        let text = run(folder.path()).await.map_err(|why| if is_opened { hidden(why) } else { why })?;
        let documents = tokio::task::spawn_blocking(move || program::documents(&text)).await;
        let documents = documents.map_err(|error| format!("rendering broke off: {error}"))?;
        let documents = documents.map_err(|why| match kind {
            _ if is_opened => hidden(why),
            // A secret that was put into a place where it does not fit, for all that is known.
            "Plugin" => "what the plugin prints is no YAML, and is not shown: there may be secrets in it".to_owned(),
            _ => why,
        })?;
        Ok(Made { documents, is_opened, is_fleeting: false })
    }

    /// A render, from what was kept of an earlier time, if it is made of the same.
    async fn kept(
        &self,
        kind: &str,
        inputs: &Value,
        files: &[(String, Closure<'_>)],
        make: impl AsyncFnOnce() -> Result<Made, String>,
    ) -> Result<Vec<Document>, String> {
        {
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            for (_, closure) in files {
                let index = closure.checkout.index;
                if let Some(reads) = index.and_then(|index| reads.get_mut(index)) {
                    reads.extend(closure.paths().cloned());
                }
            }
        }
        let key = kept::key(inputs, files);
        let opened = || kept::opened(&key, self.keys);
        let known = self.cx.renders.get(&key).await.or_else(|| self.cx.renders.get_opened(&opened()));
        self.cx.metrics.rendered(kind, known.is_some());
        if let Some(documents) = known {
            return Ok(documents);
        }
        let Made { documents, is_opened, is_fleeting } = make().await?;
        if is_opened || is_fleeting {
            let namespace = self.owner.metadata.namespace.as_deref().unwrap_or_default();
            let of = is_fleeting.then(|| format!("{namespace}/{}", self.application));
            self.cx.renders.put_opened(opened(), &documents, of);
        } else {
            self.cx.renders.put(&key, &documents).await;
        }
        Ok(documents)
    }
}

/// The first document of a text; nothing where there is none.
fn yaml(text: &str) -> Result<Value, String> {
    let Some(part) = sluice_yaml::split(text).into_iter().next() else { return Ok(Value::Null) };
    sluice_yaml::read(part).map(|located| located.value).map_err(|why| why.why)
}
