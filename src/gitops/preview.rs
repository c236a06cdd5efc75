//! What a sync would do, for somebody who wants to know before: the same rendering and the same comparison as the controller's, once, with
//! the rights of whoever asks. The API server is asked what would become of objects; nothing is written to the cluster.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use sluice_core::api::{Application, ApplicationSource};
use sluice_core::gitops::compare::{Verdict, compared, plain};
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::Gathered;
use sluice_core::gitops::path::within;
use sluice_core::gitops::snapshot::{Goes, Object};
use sluice_core::gitops::tracking::Owner;
use sluice_core::gitops::unsupported;
use tempfile::TempDir;
use tokio::time::Instant;

use super::judge::{Judge, Sides};
use super::once::{Once, settings};
use super::render::{Programs, render};
use super::{Gitops, import};

/// What somebody wants to see.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Revisions instead of the Application's, by the index of their source.
    pub revisions: BTreeMap<usize, String>,
    /// A folder of this machine instead of the folder of a source.
    pub local: Option<Local>,
    /// The programs that render.
    pub programs: Programs,
    /// Where copies of repositories are kept: a folder of the user's own. Without one they are gone at the end.
    pub folder: Option<PathBuf>,
}

/// A folder of this machine, instead of the folder of a source.
#[derive(Clone, Debug)]
pub struct Local {
    /// The index of the source.
    pub source: usize,
    /// The folder.
    pub folder: PathBuf,
    /// The folder above it that stands for the repository, where files outside of it are read.
    pub root: Option<PathBuf>,
}

/// A look at an Application.
pub struct Preview {
    cx: Arc<Gitops>,
    once: Asked,
    application: Application,
    judge: Judge,
    sources: Vec<ApplicationSource>,
    /// The folder that stands for a repository.
    local: Option<StandIn>,
    _copy: Option<TempDir>,
    _place: Place,
}

/// What is known of whoever asks.
struct Asked {
    places: Arc<super::once::Places>,
    unread: Vec<&'static str>,
    is_project_known: bool,
}

/// How an object stands to what a sync would make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Which.
    pub key: Key,
    /// As it is, without what does not count.
    pub now: Option<Value>,
    /// As it would be, without what does not count.
    pub then: Option<Value>,
    /// What a sync would do about it.
    pub stand: Stand,
}

/// What a sync would do about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Nothing.
    Same,
    /// Change it.
    Differs,
    /// Only take it over from `kubectl apply`: Git could not take a field away from it before.
    TakenOver,
    /// Create it.
    New,
    /// Delete it, where it prunes.
    Goes,
    /// Fail: why.
    Refused(String),
}

impl Preview {
    /// Reads what a look at an Application needs.
    ///
    /// # Errors
    /// What the Application says that is not acted on, what its project does not permit, and what cannot be read.
    pub async fn new(client: &Client, application: Application, wish: Wish) -> Result<Preview, String> {
        Box::pin(Preview::read(client, application, wish)).await
    }

    async fn read(client: &Client, application: Application, wish: Wish) -> Result<Preview, String> {
        let problems = unsupported::problems(&application);
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        let mut sources = application.spec.all_sources().to_vec();
        for (index, revision) in wish.revisions {
            source(&mut sources, index)?.target_revision = revision;
        }
        let place = Place::take(wish.folder.as_deref())?;
        let status = application.status();
        let own = application.metadata.namespace.clone().unwrap_or_default();
        let home = if status.controller_namespace.is_empty() { &own } else { &status.controller_namespace };
        let once = Once::read(client, &application, &settings(home, place.path(), wish.programs)).await?;
        let cx = Arc::new(once.cx);
        let mut judge = Judge::new(Arc::clone(&cx));
        let name = application.metadata.name.as_deref().unwrap_or_default();
        judge.owner = Owner::new(home, &own, name, &application.spec.destination.namespace);
        judge.project = cx.project(&application).await??;
        let problems = judge.project.problems(&application);
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        let (mut local, mut copy) = (None, None);
        if let Some(wish) = wish.local {
            let place = cx.renders.workplace()?;
            let stands_for = source(&mut sources, wish.source)?.clone();
            let made = StandIn::make(wish, place.path(), &mut sources).await?;
            // Only this look has it.
            let _ = cx.stand_in.set((made.url.clone(), stands_for));
            local = Some(made);
            copy = Some(place);
        }
        let once = Asked { places: once.places, unread: once.unread, is_project_known: once.is_project_known };
        Ok(Preview { cx, once, application, judge, sources, local, _copy: copy, _place: place })
    }

    /// What there should be, as a sync would apply it, and then its hooks.
    ///
    /// # Errors
    /// Why that is not known.
    pub async fn manifests(&self) -> Result<Vec<Value>, String> {
        let Gathered { manifests, hooks, .. } = self.gathered().await?;
        Ok(manifests.into_iter().chain(hooks).map(|manifest| manifest.value).collect())
    }

    /// How the cluster stands to what there should be, object by object, without hooks.
    ///
    /// # Errors
    /// Why that is not known. What concerns one object alone is said of it.
    pub async fn sights(&mut self) -> Result<Vec<Sight>, String> {
        let gathered = self.gathered().await?;
        let (objects, mut sides) = self.judge.show(&self.application, gathered).await?;
        let mut sights = Vec::new();
        for object in objects {
            let sides = sides.remove(&object.key).unwrap_or_default();
            sights.extend(match object.verdict {
                Some(_) => Some(self.sight(object, sides)),
                None => self.left_over(object).await?,
            });
        }
        sights.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(sights)
    }

    /// What could not be looked at, for want of permission: a sentence each.
    pub fn unknown(&self) -> Vec<String> {
        let mut unknown = self.once.places.unlisted();
        if !self.once.is_project_known {
            let project = self.application.spec.project();
            unknown.push(format!("you may not read AppProject {project}: what it permits is not known"));
        }
        unknown
    }

    async fn gathered(&self) -> Result<Gathered, String> {
        let revisions: Vec<String> = self.sources.iter().map(|source| source.target_revision.clone()).collect();
        let said = render(&self.cx, &self.application, &self.sources, &revisions, Instant::now()).await;
        let said = said.map_err(|why| self.explained(why))?;
        self.judge.gather(&self.application, &said.documents).await.map_err(|why| self.explained(why))
    }

    /// Why something could not be rendered, in the words of whoever asked.
    fn explained(&self, why: String) -> String {
        let why = match &self.local {
            Some(local) => why.replace(&local.at, &format!("{}: ", local.shown)).replace(&local.url, &local.shown),
            None => why,
        };
        if self.once.unread.is_empty() {
            return why;
        }
        let (unread, home) = (self.once.unread.join(" and "), &self.cx.home);
        format!("{why} (you may not list the {unread} of namespace {home}, which say how repositories are reached)")
    }

    fn sight(&self, object: Object, sides: Sides) -> Sight {
        let Object { key, wanted, verdict, .. } = object;
        let wanted = wanted.map(|manifest| manifest.value);
        let then = sides.then.or(wanted);
        let (mut now, mut then) = match (sides.now, then) {
            (Some(now), Some(then)) => match compared(&key, &now, &then, &self.application.spec.ignore_differences) {
                Ok((now, then)) => (Some(now), Some(then)),
                // The verdict says why.
                Err(_) => (Some(plain(&now)), Some(plain(&then))),
            },
            (now, then) => (now.as_ref().map(plain), then.as_ref().map(plain)),
        };
        let stand = match verdict {
            Some(Verdict::Differs(_)) if now == then => Stand::TakenOver,
            Some(Verdict::Differs(_)) => Stand::Differs,
            Some(Verdict::Refused(why)) => Stand::Refused(why),
            Some(Verdict::Absent) => {
                now = None;
                Stand::New
            }
            Some(Verdict::Same) | None => {
                then.clone_from(&now);
                Stand::Same
            }
        };
        Sight { key, now, then, stand }
    }

    /// An object that there should not be any more, if a sync would let it go.
    async fn left_over(&self, object: Object) -> Result<Option<Sight>, String> {
        let stays = |live: &sluice_core::gitops::snapshot::Live| live.hook.is_some() || live.prune == Goes::No;
        if object.live.as_ref().is_none_or(stays) {
            return Ok(None);
        }
        let Object { key, version, .. } = object;
        let Some(kind) = self.cx.cluster.kind(&key.group, &version, &key.kind).await? else { return Ok(None) };
        let found = self.cx.cluster.read(&kind, &key, &version).await?;
        Ok(found.map(|now| Sight { key, now: Some(plain(&now)), then: None, stand: Stand::Goes }))
    }
}

fn source(sources: &mut [ApplicationSource], index: usize) -> Result<&mut ApplicationSource, String> {
    let count = sources.len();
    sources.get_mut(index).ok_or_else(|| format!("there is no source {}: the Application has {count}", index + 1))
}

/// A folder of this machine that stands in for the repository of a source.
struct StandIn {
    /// The URL that it has.
    url: String,
    /// How messages name the place that is rendered.
    at: String,
    /// How whoever asked has named it.
    shown: String,
}

impl StandIn {
    /// Makes a commit of it, and lets the source be that.
    async fn make(wish: Local, place: &Path, sources: &mut [ApplicationSource]) -> Result<StandIn, String> {
        let source = source(sources, wish.source)?;
        let shown = wish.folder.display().to_string();
        let real =
            |path: &Path| path.canonicalize().map_err(|error| format!("cannot read {}: {error}", path.display()));
        let folder = real(&wish.folder)?;
        if !folder.is_dir() {
            return Err(format!("{shown} is not a folder"));
        }
        let root = wish.root.as_deref().map_or(Ok(folder.clone()), real)?;
        let inside = folder.strip_prefix(&root).ok().and_then(Path::to_str).and_then(|inside| within("", inside));
        let inside = inside.ok_or_else(|| format!("{} is not a folder in {}", folder.display(), root.display()))?;
        let copy = place.join("local.git");
        let url = copy.to_str().ok_or_else(|| format!("{}: the path is not UTF-8", copy.display()))?.to_owned();
        let copying = tokio::task::spawn_blocking(move || import::commit(&root, &copy)).await;
        let commit = copying.map_err(|error| format!("copying {shown} broke off: {error}"))??.to_string();
        source.path = if inside.is_empty() { ".".to_owned() } else { inside };
        let at = format!("{url}: {} in {}: ", source.path, &commit[..8]);
        url.clone_into(&mut source.repo_url);
        source.target_revision = commit;
        source.chart.clear();
        Ok(StandIn { url, at, shown })
    }
}

/// The folder for copies, which is one process's at a time; or one that is gone at the end, where another process has it.
struct Place {
    folder: PathBuf,
    _lock: Option<File>,
    _own: Option<TempDir>,
}

impl Place {
    fn take(folder: Option<&Path>) -> Result<Place, String> {
        let Some(folder) = folder else { return Place::own() };
        let wrong = |error: std::io::Error| format!("cannot keep copies in {}: {error}", folder.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
        // Nobody else is to read what repositories hold.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(wrong)?;
        let lock = File::create(folder.join("lock")).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => Ok(Place { folder: folder.to_owned(), _lock: Some(lock), _own: None }),
            Err(TryLockError::WouldBlock) => Place::own(),
            Err(TryLockError::Error(error)) => Err(wrong(error)),
        }
    }

    fn own() -> Result<Place, String> {
        let own = tempfile::tempdir().map_err(|error| format!("cannot make a folder for copies: {error}"))?;
        Ok(Place { folder: own.path().to_owned(), _lock: None, _own: Some(own) })
    }

    fn path(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests;
