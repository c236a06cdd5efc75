//! Charts of Helm repositories and registries: which version a revision stands for, and its files, downloaded once.
//!
//! A chart that has come is a commit of a bare repository here, and is read as if Git had it: what renders knows of no difference.

mod access;
mod archive;
mod choice;
mod index;
mod indexed;
mod places;
mod registry;
mod shared;
mod store;
mod token;
mod web;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

pub use self::access::{Access, plain, with_scheme};
use self::choice::is_version;
use self::indexed::Indexed;
use self::places::Places;
use self::registry::Registry;
use self::shared::Shared;
use self::store::Kept;
use self::web::{Failed, Web};
use super::digest::mark;
use super::git::{Credentials, Store, shown};
use super::repository::Repository;
use crate::metrics::Applications;

/// Bytes that an archive may have.
const ARCHIVE: u64 = 50 << 20;
/// How long a look at what there is may take.
const LOOK: Duration = Duration::from_mins(1);
/// How long a download may take.
const DOWNLOAD: Duration = Duration::from_mins(5);
/// How the names of folders begin that have what has come.
const COPIES: &str = "charts-";
/// How long a repository is kept that nobody reads.
const UNUSED: Duration = Duration::from_hours(2);

/// All repositories of charts.
pub struct Charts {
    folder: PathBuf,
    known: Mutex<Known>,
    places: Arc<Places>,
    metrics: Applications,
    begun: Instant,
}

/// What is known of repositories.
#[derive(Default)]
struct Known {
    /// By a mark of how they are reached; and when they were of use last.
    repositories: HashMap<String, (Arc<ChartRepository>, Instant)>,
    /// By the names of their folders: another login may see other things.
    copies: HashMap<String, Copies>,
}

/// What has come of a repository.
#[derive(Clone)]
struct Copies {
    kept: Kept,
    commits: Arc<Repository>,
}

/// A repository of charts, as it is reached with a certain login.
pub struct ChartRepository {
    /// As messages name it.
    name: String,
    server: Server,
    copies: Copies,
    /// What came of downloads.
    came: Shared<Result<ObjectId, Failed>>,
    places: Arc<Places>,
}

/// Who has charts.
enum Server {
    Indexed(Indexed),
    Registry(Registry),
}

/// A version of a chart, and where its archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    version: String,
    url: Url,
    /// The SHA-256 of the archive, where it is known.
    digest: Option<String>,
}

/// A chart that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Its version.
    pub version: String,
    /// Its files.
    pub commit: ObjectId,
}

impl Charts {
    /// Keeps what comes in a folder.
    pub fn new(folder: &Path, metrics: Applications) -> Charts {
        let (known, places) = (Mutex::default(), Arc::default());
        Charts { folder: folder.to_owned(), known, places, metrics, begun: Instant::now() }
    }

    /// The repository that is reached so. Where `helm.passCredentials` says so, the login goes wherever its index leads.
    ///
    /// # Errors
    /// Why it cannot be reached like that.
    pub fn at(&self, access: &Access, pass_credentials: bool) -> Result<Arc<ChartRepository>, String> {
        let mark = mark(&format!("{access:?} {pass_credentials}"));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((repository, used)) = known.repositories.get_mut(&mark) {
            *used = Instant::now();
            return Ok(Arc::clone(repository));
        }
        known.repositories.retain(|_, (it, used)| used.elapsed() < UNUSED || Arc::strong_count(it) > 1);
        self.tidy(&mut known);
        let name = shown(&with_scheme(&access.url));
        let mut access = access.clone();
        let address = access.address().map_err(|why| format!("{name}: {why}"))?;
        let web = Web::new(&access).map_err(|why| format!("{name}: {why}"))?;
        let copies = self.copies(&mut known, &name, &access);
        let server = match address {
            access::Address::Indexed(url) => Server::Indexed(Indexed::new(web, url, &access, pass_credentials)),
            access::Address::Registry(url, path) => Server::Registry(Registry::new(web, url, path, &access)),
        };
        let (came, places) = (Shared::default(), Arc::clone(&self.places));
        let repository = Arc::new(ChartRepository { name, server, copies, came, places });
        known.repositories.insert(mark, (Arc::clone(&repository), Instant::now()));
        Ok(repository)
    }

    /// What has come from a URL for whoever reaches it so: others may see other things.
    fn copies(&self, known: &mut Known, url: &str, access: &Access) -> Copies {
        let folder = format!("{COPIES}{}", mark(&format!("{access:?}")));
        let made = known.copies.entry(folder.clone()).or_insert_with(|| {
            let at = self.folder.join(folder);
            let store = Arc::new(Store::new(url, &at, Credentials::default()));
            let commits = Arc::new(Repository::of(Arc::clone(&store), self.metrics.clone()));
            Copies { kept: Kept::new(store, &at), commits }
        });
        made.clone()
    }

    /// Takes away what nobody reads.
    fn tidy(&self, known: &mut Known) {
        known.copies.retain(|folder, copies| {
            let is_kept = Arc::strong_count(&copies.commits) > 1;
            if !is_kept {
                self.remove(folder);
            }
            is_kept
        });
        // Those of an earlier process, too, such as of a login that has become another one.
        if self.begun.elapsed() < UNUSED {
            return;
        }
        let all = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let all = all.filter_map(|folder| folder.file_name().into_string().ok());
        for folder in all.filter(|name| name.starts_with(COPIES) && !known.copies.contains_key(name)) {
            self.remove(&folder);
        }
    }

    fn remove(&self, folder: &str) {
        let (at, gone) = (self.folder.join(folder), self.folder.join(format!("{folder}.gone")));
        // One that cannot be removed takes up room, and nothing else.
        if std::fs::rename(at, &gone).is_ok() {
            tokio::task::spawn_blocking(move || std::fs::remove_dir_all(gone));
        }
    }
}

impl ChartRepository {
    /// Where the charts are that have come.
    pub fn commits(&self) -> Arc<Repository> {
        Arc::clone(&self.copies.commits)
    }

    /// The chart that a revision stands for at this time or later, downloaded. Where the server is away, one version that is here is as
    /// good as it was.
    ///
    /// # Errors
    /// Why there is no such chart.
    pub async fn chart(&self, name: &str, revision: &str, since: Instant) -> Result<Chart, String> {
        let found = match &self.server {
            Server::Indexed(server) => server.find(name, revision, since).await,
            Server::Registry(server) => server.find(name, revision, since).await,
        };
        let failed = |failed: Failed| format!("{}: chart {name}: {}", self.name, failed.why);
        let found = match found {
            Ok(found) => found,
            Err(why) if why.is_away => {
                let kept = self.kept(name, revision).await;
                return kept.ok_or_else(|| failed(why));
            }
            Err(why) => return Err(failed(why)),
        };
        let (kept, chart, at) = (self.copies.kept.clone(), name.to_owned(), found.clone());
        let here = blocking(move || {
            let commit = kept.found(&chart, &at)?;
            kept.note(&chart, &at, commit);
            Some(commit)
        });
        if let Some(commit) = here.await.map_err(failed)? {
            return Ok(Chart { version: found.version, commit });
        }
        let what = format!("{name} {} {} {:?}", found.version, found.url, found.digest);
        let came = self.came.get(&what, since, |_| self.download(name, &found)).await;
        let commit = came.map_err(|why| failed(Failed::said(format!("{}: {}", found.version, why.why))))?;
        Ok(Chart { version: found.version, commit })
    }

    /// One version of a chart, if it is here.
    pub async fn kept(&self, name: &str, version: &str) -> Option<Chart> {
        if !is_version(version) {
            return None;
        }
        let (kept, name, version) = (self.copies.kept.clone(), name.to_owned(), version.to_owned());
        let here = blocking(move || kept.version(&name, &version).map(|commit| Chart { version, commit }));
        here.await.ok().flatten()
    }

    async fn download(&self, name: &str, found: &Found) -> Result<ObjectId, Failed> {
        let _place = self.places.of(&found.url).await?;
        let answer = match &self.server {
            Server::Indexed(server) => server.download(found).await?,
            Server::Registry(server) => server.download(found).await?,
        };
        let _unpacking = self.places.to_unpack().await?;
        let (kept, name, found) = (self.copies.kept.clone(), name.to_owned(), found.clone());
        blocking(move || kept.keep(&name, &found, &answer.body()?).map_err(Failed::said)).await?
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failed> {
    let working = tokio::task::spawn_blocking(work).await;
    working.map_err(|error| Failed::said(format!("it broke off: {error}")))
}

/// What to do where a server does not give out what it is asked for.
fn refused(status: StatusCode, has_login: bool) -> String {
    let what = match (status, has_login) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, true) => {
            "it does not let in whoever the Secret of this URL names; see its username and password"
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, false) => {
            "it asks who is there; a Secret with this URL, a username and a password, and the label \
             argocd.argoproj.io/secret-type: repository (or repo-creds) says that"
        }
        (StatusCode::NOT_FOUND, _) => "see what repoURL should be",
        _ => return String::new(),
    };
    format!("; {what}")
}

#[cfg(test)]
mod tests {
    use tar::EntryType::Regular;

    use super::*;
    use crate::metrics::Metrics;

    /// A server at which nobody answers.
    const AWAY: &str = "http://127.0.0.1:9/charts";

    fn charts(folder: &Path) -> Charts {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Charts::new(folder, Metrics::new().applications(kube::runtime::reflector::store().0))
    }

    fn access(user: &str, password: &str) -> Access {
        let login = Some((user.to_owned(), password.to_owned()));
        Access { url: AWAY.to_owned(), login, ..Access::default() }
    }

    #[tokio::test]
    async fn where_the_server_is_away_one_version_that_is_here_is_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = archive::tests::packed(&[("web/Chart.yaml", Regular, b"name: web")]);
        let repository = charts(folder.path()).at(&access("robot", "old"), false).expect("a repository");
        let url = Url::parse(AWAY).expect("a URL");
        let found = Found { version: "1.0.0".to_owned(), url, digest: None };
        let commit = repository.copies.kept.keep("web", &found, &archive).expect("it is kept");
        // Another process.
        let repository = charts(folder.path()).at(&access("robot", "old"), false).expect("a repository");
        let chart = repository.chart("web", "1.0.0", Instant::now()).await;
        assert_eq!(chart, Ok(Chart { version: "1.0.0".to_owned(), commit }));
        for (name, revision) in [("web", "1.*"), ("web", "1.0.1"), ("api", "1.0.0")] {
            let why = repository.chart(name, revision, Instant::now()).await.expect_err("nobody knows");
            assert!(why.starts_with(&format!("{AWAY}: chart {name}: {AWAY}/index.yaml")), "{why}");
        }
        for (user, password) in [("somebody", "old"), ("robot", "new")] {
            let other = charts(folder.path()).at(&access(user, password), false).expect("a repository");
            assert!(other.chart("web", "1.0.0", Instant::now()).await.is_err(), "another login may not see it");
        }
    }

    #[tokio::test]
    async fn what_is_the_same_is_shared() {
        let folder = tempfile::tempdir().expect("a folder");
        let charts = charts(folder.path());
        let at = |password: &str, pass| charts.at(&access("robot", password), pass).expect("a repository");
        assert!(Arc::ptr_eq(&at("a", false), &at("a", false)));
        assert!(!Arc::ptr_eq(&at("a", false), &at("a", true)));
        assert!(Arc::ptr_eq(&at("a", false).commits(), &at("a", true).commits()));
        assert!(!Arc::ptr_eq(&at("a", false).commits(), &at("b", false).commits()));
    }

    #[tokio::test(start_paused = true)]
    async fn copies_that_nobody_uses_are_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let (earlier, other) = (folder.path().join("charts-earlier"), folder.path().join("other"));
        let charts = charts(folder.path());
        for folder in [&earlier, &other] {
            std::fs::create_dir(folder).expect("a folder");
        }
        charts.at(&access("robot", "a"), false).expect("a repository");
        assert!(earlier.exists(), "it may be of use yet");
        tokio::time::advance(UNUSED).await;
        charts.at(&access("robot", "b"), false).expect("a repository");
        assert!(!earlier.exists() && other.exists());
    }
}
