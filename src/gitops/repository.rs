//! Repositories: one store each, shared by all Applications that read it, and what their Secrets say of getting in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::runtime::reflector::Store as Cache;
use sluice_core::gitops::push::is_one_repository;
use sluice_core::gitops::range::{Range, Version};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::metrics::Applications;

use super::charts::{Access, plain, with_scheme};
use super::digest::mark;
use super::git::{Credentials, Named, Store};
use super::render::Keys;
use super::ssh::{self, is_ssh};

/// The label of Secrets that say how to get in.
pub const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";
/// The key in a repository's Secret of what its webhooks are signed with.
const WEBHOOK_SECRET: &str = "webhookSecret";
/// The ConfigMap with the certificates of servers' authorities, by host.
const CERTIFICATES: &str = "argocd-tls-certs-cm";
/// The ConfigMap with the keys of SSH hosts.
const KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
/// How long a copy is kept that nobody reads.
const UNUSED: Duration = Duration::from_hours(2);
/// How long a list of names may take.
const LISTING: Duration = Duration::from_mins(1);
/// Questions to one server that may hang at the same time.
const HANGING: usize = 3;
/// How long a fetch may take.
const FETCHING: Duration = Duration::from_mins(5);

/// All repositories that are read.
pub struct Repositories {
    folder: PathBuf,
    secrets: Cache<Secret>,
    configs: Cache<ConfigMap>,
    /// By a mark of their URL and how they are reached, as another login may see other things; and when they were of use last.
    known: Mutex<HashMap<String, (Arc<Repository>, Instant)>>,
    metrics: Applications,
}

/// One repository, as it is reached with certain credentials.
pub struct Repository {
    store: Arc<Store>,
    /// What its names stood for, and when they were asked for.
    names: tokio::sync::Mutex<Option<Listed>>,
    fetches: tokio::sync::Mutex<()>,
    /// Places for questions to its server: those that hang keep theirs, and no more are asked then.
    places: Arc<Semaphore>,
    metrics: Applications,
}

/// What the names stood for.
struct Listed {
    at: Instant,
    names: Result<Vec<Named>, String>,
}

impl Repositories {
    /// Keeps copies in a folder. How to get in is said in Secrets and `ConfigMaps` of the controller's namespace.
    pub fn new(
        folder: &Path,
        secrets: Cache<Secret>,
        configs: Cache<ConfigMap>,
        metrics: Applications,
    ) -> Repositories {
        ssh::tidy(folder);
        Repositories { folder: folder.to_owned(), secrets, configs, known: Mutex::default(), metrics }
    }

    /// The repository at a URL, as the Applications of a project reach it.
    pub fn at(&self, url: &str, project: &str) -> Arc<Repository> {
        let credentials = credentials(url, project, &self.secrets.state(), &self.configs.state());
        let mark = mark(&format!("{url}\n{credentials:?}"));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((repository, used)) = known.get_mut(&mark) {
            *used = Instant::now();
            return Arc::clone(repository);
        }
        // A login that has become another one leaves a copy behind that nobody reads.
        known.retain(|mark, (repository, used)| {
            let is_kept = used.elapsed() < UNUSED || Arc::strong_count(repository) > 1;
            if !is_kept {
                let (folder, gone) = (self.folder.join(mark), self.folder.join(format!("{mark}.gone")));
                // One that cannot be removed takes up room, and nothing else.
                if std::fs::rename(folder, &gone).is_ok() {
                    tokio::task::spawn_blocking(move || std::fs::remove_dir_all(gone));
                }
            }
            is_kept
        });
        let store = Arc::new(Store::new(url, &self.folder.join(&mark), credentials));
        store.unlock();
        let repository = Arc::new(Repository::of(store, self.metrics.clone()));
        known.insert(mark, (Arc::clone(&repository), Instant::now()));
        repository
    }
}

impl Repositories {
    /// What opens what Applications of a project have encrypted in Git: each value of the Secrets of this type that are for all, or for
    /// this project.
    pub fn keys(&self, project: &str) -> Keys {
        let secrets = self.secrets.state();
        let texts = of_type(&secrets, "sops-age").filter(|secret| is_for(secret, project)).flat_map(|secret| {
            let name = secret.metadata.name.clone().unwrap_or_default();
            let values = secret.data.iter().flatten().filter(|(key, _)| *key != "project");
            values.map(move |(key, value)| {
                (format!("the Secret {name}, {key}"), String::from_utf8_lossy(&value.0).into_owned())
            })
        });
        Keys::new(texts)
    }

    /// How a repository of charts is reached by the Applications of a project.
    pub fn access(&self, url: &str, project: &str) -> Access {
        let (secrets, configs) = (self.secrets.state(), self.configs.state());
        let first = said(url, project, &secrets);
        let is_true = |key: &str| first(key).is_some_and(|it| it == "true");
        Access {
            url: url.to_owned(),
            login: first("password").map(|password| (first("username").unwrap_or_default(), password)),
            insecure: is_true("insecure"),
            authorities: host(&with_scheme(url)).and_then(|host| entry(&configs, CERTIFICATES, host)),
            has_certificate: first("tlsClientCertData").is_some(),
            plain_http: is_true("insecureOCIForceHttp"),
        }
    }

    /// The URL of the repository that a Secret gives this name.
    pub fn url_of(&self, name: &str, project: &str) -> Option<String> {
        let secrets = self.secrets.state();
        let mut meant = of_type(&secrets, "repository").filter(|secret| is_for(secret, project));
        meant.find(|secret| text(secret, "name").is_some_and(|own| own == name)).and_then(|it| text(it, "url"))
    }

    /// What pushes of a repository are signed with, as the Secrets of its URL say; every one of them is good.
    pub fn webhook_secrets(&self, url: &str) -> Vec<String> {
        let secrets = self.secrets.state();
        let of = |kind: &'static str, is_meant: &dyn Fn(&str) -> bool| -> Vec<String> {
            let meant = of_type(&secrets, kind).filter(|it| text(it, "url").is_some_and(|url| is_meant(&url)));
            meant.filter_map(|secret| text(secret, WEBHOOK_SECRET)).collect()
        };
        let own = of("repository", &|known| is_one_repository(known, url));
        if own.is_empty() { of("repo-creds", &|prefix| begins(url, prefix)) } else { own }
    }
}

impl Repository {
    /// The one of a store.
    pub fn of(store: Arc<Store>, metrics: Applications) -> Repository {
        Repository {
            store,
            names: tokio::sync::Mutex::default(),
            fetches: tokio::sync::Mutex::default(),
            places: Arc::new(Semaphore::new(HANGING)),
            metrics,
        }
    }

    /// The commit that a revision stands for, as it was at this time or later.
    ///
    /// A range of versions stands for the highest tag in it; of tags that begin with the prefix, the rest is the version.
    pub async fn resolve(&self, revision: &str, tag_prefix: &str, since: Instant) -> Result<ObjectId, String> {
        if let Some(commit) = whole(revision) {
            return Ok(commit);
        }
        let names = self.names(since).await?;
        resolve(revision, tag_prefix, &names).map_err(|why| format!("{}: {why}", self.store.shown()))
    }

    async fn names(&self, since: Instant) -> Result<Vec<Named>, String> {
        let mut kept = self.names.lock().await;
        if let Some(listed) = kept.as_ref().filter(|listed| listed.at >= since) {
            return listed.names.clone();
        }
        let (asked, store) = (Instant::now(), Arc::clone(&self.store));
        let names = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                within(LISTING, "a list of its branches and tags", move |_| {
                    let _place = place;
                    store.names()
                })
                .await
            }
            Err(_) => Err(format!("{}: {HANGING} earlier questions are not answered yet", self.store.shown())),
        };
        self.metrics.asked_git(&self.store.shown(), "ls-remote", asked.elapsed());
        *kept = Some(Listed { at: asked, names: names.clone() });
        names
    }

    /// Whether a commit is here.
    pub async fn has(&self, commit: &str) -> bool {
        let (store, commit) = (Arc::clone(&self.store), whole(commit));
        let Some(commit) = commit else { return false };
        within(LISTING, "a look at the copy", move |_| Ok(store.has(commit))).await.unwrap_or(false)
    }

    /// Makes sure that a commit is here. It is noted under a name that stands for it, where there is one.
    pub async fn fetch(&self, commit: ObjectId) -> Result<(), String> {
        let is_here = || {
            let store = Arc::clone(&self.store);
            within(LISTING, "a look at the copy", move |_| Ok(store.has(commit)))
        };
        if is_here().await? {
            return Ok(());
        }
        let _one_at_a_time = self.fetches.lock().await;
        // Somebody else may have fetched it meanwhile.
        if is_here().await? {
            return Ok(());
        }
        let known = self.names.lock().await.as_ref().and_then(|listed| listed.names.clone().ok()).unwrap_or_default();
        let by_name = known.iter().find(|named| named.commit == commit && named.name != "HEAD");
        let name = by_name.map_or_else(|| commit.to_string(), |named| named.name.clone());
        let object = by_name.map_or(commit, |named| named.object);
        let (asked, store) = (Instant::now(), Arc::clone(&self.store));
        let came = within(FETCHING, "a fetch", move |stop| store.fetch(commit, object, &name, stop)).await;
        self.metrics.asked_git(&self.store.shown(), "fetch", asked.elapsed());
        came
    }

    /// Makes sure that a commit is here of which nothing else is known: its name is asked for, as not every server gives out a commit
    /// by its hash alone.
    pub async fn fetch_unnamed(&self, commit: ObjectId) -> Result<(), String> {
        if !self.has(&commit.to_string()).await {
            // Where they cannot be listed, the fetch says why.
            let _ = self.names(Instant::now()).await;
        }
        self.fetch(commit).await
    }

    /// The copy.
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }
}

/// Runs what reads a copy where that is allowed. It is told to stop when nobody waits for it any more.
pub async fn read<T: Send + 'static>(
    work: impl FnOnce(&Arc<AtomicBool>) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    within(LISTING, "a look at the copy", work).await
}

/// Runs what blocks where that is allowed, and gives up on it after a while: it is told to stop, and goes on unheard until it does.
async fn within<T: Send + 'static>(
    limit: Duration,
    what: &str,
    work: impl FnOnce(&Arc<AtomicBool>) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    let working = tokio::task::spawn_blocking(move || work(&heard));
    match tokio::time::timeout(limit, working).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(format!("{what} broke off: {error}")),
        Err(_) => {
            stop.store(true, Ordering::Relaxed);
            Err(format!("{what} took longer than {} s", limit.as_secs()))
        }
    }
}

fn whole(revision: &str) -> Option<ObjectId> {
    (revision.len() == 40).then(|| ObjectId::from_hex(revision.as_bytes()).ok()).flatten()
}

/// The commit that a revision stands for: a branch before a tag of the same name.
fn resolve(revision: &str, tag_prefix: &str, names: &[Named]) -> Result<ObjectId, String> {
    let revision = if revision.is_empty() { "HEAD" } else { revision };
    let candidates = [revision.to_owned(), format!("refs/heads/{revision}"), format!("refs/tags/{revision}")];
    let found = candidates.iter().find_map(|name| names.iter().find(|named| named.name == *name));
    if let Some(found) = found {
        return Ok(found.commit);
    }
    if let Some(range) = Range::read(revision) {
        let tags = names.iter().filter_map(|named| {
            let tag = named.name.strip_prefix("refs/tags/")?.strip_prefix(tag_prefix)?;
            Some((Version::read(tag)?, named.commit))
        });
        let highest = tags.filter(|(version, _)| range.has(version)).max_by(|(a, _), (b, _)| a.cmp(b));
        let beginning = if tag_prefix.is_empty() { String::new() } else { format!(" that begins with {tag_prefix:?}") };
        return highest
            .map(|(_, commit)| commit)
            .ok_or_else(|| format!("no tag{beginning} is a version in the range {revision:?}"));
    }
    match names {
        [] => Err("the repository is empty".to_owned()),
        _ => Err(format!(
            "the repository has no branch, tag or commit {revision:?}; a commit has to be written out in full"
        )),
    }
}

/// What the Secrets say of a URL: the one that names it, completed by the one whose URL is the longest beginning of it.
fn said<'a>(url: &str, project: &str, secrets: &'a [Arc<Secret>]) -> impl Fn(&str) -> Option<String> + use<'a> {
    let url = plain(url);
    let meant = |kind| of_type(secrets, kind).filter(|secret| is_for(secret, project));
    let own = meant("repository").find(|secret| text(secret, "url").is_some_and(|known| same(plain(&known), url)));
    let templates = meant("repo-creds").filter_map(|secret| Some((text(secret, "url")?, secret)));
    let matching = templates.filter(|(prefix, _)| begins(url, plain(prefix)));
    let template = matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, secret)| secret);
    move |key| own.and_then(|secret| text(secret, key)).or_else(|| template.and_then(|it| text(it, key)))
}

/// How a repository of Git is reached.
fn credentials(url: &str, project: &str, secrets: &[Arc<Secret>], configs: &[Arc<ConfigMap>]) -> Credentials {
    let first = said(url, project, secrets);
    let password = first("password");
    Credentials {
        login: password.map(|password| (first("username").unwrap_or_else(|| "git".to_owned()), password)),
        bearer: first("bearerToken"),
        ssh_key: first("sshPrivateKey"),
        insecure: ["insecure", "insecureIgnoreHostKey"].iter().any(|key| first(key).is_some_and(|it| it == "true")),
        authorities: host(url).and_then(|host| entry(configs, CERTIFICATES, host)),
        known_hosts: entry(configs, KNOWN_HOSTS, "ssh_known_hosts").filter(|_| is_ssh(url)),
    }
}

/// Whether a Secret is for the Applications of a project: it names it, or none.
fn is_for(secret: &Secret, project: &str) -> bool {
    text(secret, "project").is_none_or(|own| own == project)
}

/// Whether a URL begins with another one, and not just with the same letters: `https://host` is not the beginning of `https://host.evil`.
fn begins(url: &str, prefix: &str) -> bool {
    url.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with(['/', ':']) || rest == ".git")
}

/// The Secrets of a type.
fn of_type<'a>(secrets: &'a [Arc<Secret>], kind: &'static str) -> impl Iterator<Item = &'a Arc<Secret>> {
    secrets.iter().filter(move |secret| {
        secret.metadata.labels.as_ref().is_some_and(|labels| labels.get(SECRET_TYPE).is_some_and(|it| it == kind))
    })
}

/// The host of a URL, without its port.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split('/').next()?;
    authority.rsplit('@').next()?.split(':').next()
}

fn entry(configs: &[Arc<ConfigMap>], name: &str, key: &str) -> Option<String> {
    let config = configs.iter().find(|config| config.metadata.name.as_deref() == Some(name))?;
    config.data.as_ref()?.get(key).cloned()
}

/// The text of a Secret's key, if there is any.
pub fn text(secret: &Secret, key: &str) -> Option<String> {
    let bytes = &secret.data.as_ref()?.get(key)?.0;
    let text = String::from_utf8(bytes.clone()).ok()?;
    Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
}

/// Whether two URLs are one repository, however they end, and in whichever of its two ways SSH is written.
fn same(one: &str, other: &str) -> bool {
    let plain = |url: &str| {
        let url = url.trim_end_matches('/').trim_end_matches(".git").to_lowercase();
        match url.split_once("://") {
            Some(("ssh", rest)) => rest.to_owned(),
            Some(_) => url,
            None => url.replacen(':', "/", 1),
        }
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_repository_is_the_same_however_its_url_is_written() {
        let url = "git@example.com:team/colors.git";
        for other in
            ["git@example.com:team/colors", "ssh://git@example.com/team/colors.git", "git@Example.com:team/colors/"]
        {
            assert!(same(url, other), "{other}");
        }
        for other in ["ssh://git@example.com:2222/team/colors.git", "https://example.com/team/colors.git"] {
            assert!(!same(url, other), "{other}");
        }
    }
}
