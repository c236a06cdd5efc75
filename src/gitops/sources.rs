//! What the sources of an Application say.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sluice_core::api::{Application, ApplicationSource, ComparedTo};
use sluice_core::gitops::manifest::Document;
use sluice_core::gitops::marks::{self, Role};
use sluice_core::gitops::operation;
use tokio::time::Instant;

use super::Gitops;
use super::render::{Checkout, Render, render};

/// What the sources say; or why that is not known.
pub type Said = Result<Arc<Render>, String>;

/// How long what could not be rendered is not tried again.
const FAILED_FOR: Duration = Duration::from_secs(30);

/// What is remembered of the sources.
pub struct Sources {
    cx: Arc<Gitops>,
    /// What the revision that the Application names stood for.
    named: Option<Asked>,
    /// What a commit says that a sync keeps to meanwhile.
    pinned: Option<Asked>,
    /// What could not be rendered of a commit.
    failed: Option<(Vec<String>, Asked)>,
    /// Whether what is said now is the same as at earlier commits: those, what is said, and the answer.
    compared: Option<(Vec<String>, Arc<Render>, bool)>,
}

#[derive(Clone)]
struct Asked {
    of: Subject,
    at: Instant,
    said: Said,
}

/// What a render depends on beside the commit.
#[derive(Clone, Debug, PartialEq)]
struct Subject {
    sources: Vec<ApplicationSource>,
    namespace: String,
}

impl Subject {
    fn of(application: &Application, sources: &[ApplicationSource]) -> Subject {
        Subject { sources: sources.to_vec(), namespace: application.spec.destination.namespace.clone() }
    }

    /// The revisions that the sources name.
    fn revisions(&self) -> Vec<String> {
        self.sources.iter().map(|source| source.target_revision.clone()).collect()
    }
}

impl Sources {
    /// Knows nothing yet.
    pub fn new(cx: Arc<Gitops>) -> Sources {
        Sources { cx, named: None, pinned: None, failed: None, compared: None }
    }

    /// When the server was asked last.
    pub fn asked(&self) -> Option<Instant> {
        self.named.as_ref().map(|asked| asked.at)
    }

    /// What the sources say: from memory, unless they were asked longer ago than that, or somebody wants to know now.
    pub async fn said(&mut self, application: &Application, within: Duration, is_asked: bool) -> Said {
        if let Some(manifests) = operation::sent(application.status()) {
            return sent(manifests).map(Arc::new);
        }
        if let Some((of, commits)) = kept_to(application) {
            return self.at_commits(application, of, commits).await;
        }
        self.pinned = None;
        self.now(application, within, is_asked).await
    }

    /// The commits that the status tells of: those that it has told of before, if nothing of the Application has changed since. A commit
    /// that touches nothing of it is no new version of it, and nothing to write down.
    pub async fn since(&mut self, application: &Application, said: &Arc<Render>) -> Vec<String> {
        let sync = application.status().sync.as_ref();
        let told = sync.map_or(&[][..], |sync| sync.commits()).to_vec();
        let of = Subject::of(application, application.spec.all_sources());
        let compared = sync.and_then(|sync| sync.compared_to.as_ref());
        let is_of = |compared: &ComparedTo| compared.all_sources() == application.spec.stored_sources();
        // What has failed is tried again with the next commit, whatever that changes.
        let last = application.status().operation_state.as_ref();
        let is_other = kept_to(application).is_some() || last.is_some_and(|last| last.phase != operation::SUCCEEDED);
        // Another version of a chart is told, whatever is new in it.
        let versions = application.spec.all_sources().iter().zip(told.iter().zip(&said.commits));
        let is_other = is_other || versions.into_iter().any(|(it, (told, now))| !it.chart.is_empty() && told != now);
        if is_other || told.len() != said.commits.len() || told == said.commits || !compared.is_some_and(is_of) {
            return said.commits.clone();
        }
        let known = self.compared.as_ref().filter(|(before, now, _)| *before == told && Arc::ptr_eq(now, said));
        let is_same = if let Some((.., is_same)) = known {
            *is_same
        } else {
            // A commit is not fetched for that alone: all may have to be, where the copies are new.
            let is_same = self.are_here(application, &told).await && {
                let before = self.at_commits(application, of, told.clone()).await;
                before.is_ok_and(|it| it.documents == said.documents && it.kinds == said.kinds)
            };
            self.compared = Some((told.clone(), Arc::clone(said), is_same));
            is_same
        };
        if is_same { told } else { said.commits.clone() }
    }

    async fn are_here(&self, application: &Application, commits: &[String]) -> bool {
        for (source, commit) in application.spec.all_sources().iter().zip(commits) {
            if !Checkout::is_here(&self.cx, source, commit, application.spec.project()).await {
                return false;
            }
        }
        true
    }

    /// The first commit that the Application's revisions stand for now and that a sync under way does not keep to, if what the
    /// Application is made of is other now. What cannot be read changes nothing.
    pub async fn newest(&mut self, application: &Application, within: Duration) -> Option<String> {
        let (of, commits) = kept_to(application)?;
        let before = self.at_commits(application, of, commits).await.ok()?;
        let after = self.now(application, within, false).await.ok()?;
        let (newest, _) = after.commits.iter().zip(&before.commits).find(|(now, kept)| now != kept)?;
        members(&before.documents).ne(members(&after.documents)).then(|| newest.clone())
    }

    /// What the revisions that the Application names stand for.
    async fn now(&mut self, application: &Application, within: Duration, is_asked: bool) -> Said {
        let of = Subject::of(application, application.spec.all_sources());
        let kept = self.named.as_ref().filter(|asked| asked.of == of);
        if let Some(asked) = kept.filter(|asked| !is_asked && asked.at.elapsed() < within) {
            return asked.said.clone();
        }
        let now = Instant::now();
        // Others may have asked a moment ago; but what is new here has not been asked for yet.
        let since = if is_asked || kept.is_none() { now } else { now.checked_sub(self.cx.shared()).unwrap_or(now) };
        let said = render(&self.cx, application, &of.sources, &of.revisions(), since).await;
        let before = self.named.as_ref().and_then(|asked| asked.said.as_ref().ok());
        let said =
            said.map(|said| before.filter(|before| ***before == said).cloned().unwrap_or_else(|| Arc::new(said)));
        // What was said before is asked for once more where it is compared with this.
        self.pinned = self.pinned.take().or(self.named.take());
        self.named = Some(Asked { of, at: now, said: said.clone() });
        said
    }

    async fn at_commits(&mut self, application: &Application, of: Subject, commits: Vec<String>) -> Said {
        let says = |asked: &&Asked| asked.of == of && asked.said.as_ref().is_ok_and(|said| said.commits == commits);
        if let Some(asked) = self.pinned.as_ref().filter(says) {
            return asked.said.clone();
        }
        if let Some(asked) = self.named.as_ref().filter(says) {
            self.pinned = Some(asked.clone());
            return asked.said.clone();
        }
        let failed =
            |asked: &&(Vec<String>, Asked)| asked.0 == commits && asked.1.of == of && asked.1.at.elapsed() < FAILED_FOR;
        if let Some((_, asked)) = self.failed.as_ref().filter(failed) {
            return asked.said.clone();
        }
        let at = Instant::now();
        let said = render(&self.cx, application, &of.sources, &commits, at).await.map(Arc::new);
        let asked = Asked { of, at, said: said.clone() };
        match said {
            Ok(_) => self.pinned = Some(asked),
            Err(_) => self.failed = Some((commits, asked)),
        }
        said
    }
}

/// What somebody has sent with a sync: no commit has it.
fn sent(manifests: &[String]) -> Result<Render, String> {
    let mut documents = Vec::new();
    for (index, text) in manifests.iter().enumerate() {
        let file = format!("operation.sync.manifests[{index}]");
        for part in sluice_yaml::split(text) {
            let value = sluice_yaml::read(part).map_err(|why| format!("{file}: {}", why.why))?.value;
            documents.push(Document { file: file.clone(), value });
        }
    }
    Ok(Render { commits: Vec::new(), kinds: Vec::new(), documents, reads: Vec::new() })
}

/// What a sync under way keeps to: its sources, and the commits of them or the revisions that stand for some.
fn kept_to(application: &Application) -> Option<(Subject, Vec<String>)> {
    let result = operation::pinned(application.status())?;
    let is_own = result.all_sources() == application.spec.stored_sources();
    // The status does not keep all of what a source may say.
    let of = Subject::of(application, if is_own { application.spec.all_sources() } else { result.all_sources() });
    match result.commits() {
        [] if is_own => None,
        [] => Some((of.clone(), of.revisions())),
        commits => Some((of, commits.to_vec())),
    }
}

/// What an Application is made of: what it runs beside that is no reason to begin anew.
fn members(documents: &[Document]) -> impl Iterator<Item = &Value> {
    documents.iter().map(|document| &document.value).filter(|value| marks::role(value) == Role::Member)
}
