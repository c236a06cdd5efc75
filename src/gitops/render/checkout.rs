//! A commit of a repository, to read from; or a chart that has come, which is one, too. Nothing is checked out for that.

use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use serde_json::Value;
use sluice_core::api::ApplicationSource;
use tokio::time::Instant;

use super::super::Gitops;
use super::super::charts::{Chart, ChartRepository};
use super::super::repository::{Repository, read};
use super::super::tree::{File, Gitlink, Lack, Look, MODULES, Reading, Tree};
use super::LIMIT;

/// The repository of a source's chart, as the Application itself says: what files say over it does not send logins anywhere.
fn charts(cx: &Gitops, source: &ApplicationSource, project: &str) -> Result<Arc<ChartRepository>, String> {
    let pass_credentials = source.helm.as_ref().is_some_and(|helm| helm.pass_credentials);
    cx.charts.at(&cx.repositories.access(&source.repo_url, project), pass_credentials)
}

/// A commit.
pub struct Checkout<'a> {
    /// Which of its Application's sources it is of; none where a source needs it.
    pub index: Option<usize>,
    pub commit: ObjectId,
    /// As it is told: the commit, or the version of a chart.
    pub revision: String,
    cx: &'a Gitops,
    /// The project that says how submodules are reached.
    project: &'a str,
    /// It is kept as long as this is read.
    _repository: Arc<Repository>,
    /// Its files, with the submodules that have been read so far.
    tree: Mutex<Arc<Tree>>,
}

impl<'a> Checkout<'a> {
    /// The commit that a revision of a source stands for at this time or later, fetched.
    pub async fn of(
        cx: &'a Gitops,
        (index, source): (usize, &ApplicationSource),
        revision: &str,
        project: &'a str,
        since: Instant,
    ) -> Result<Checkout<'a>, String> {
        if !source.chart.is_empty() {
            let charts = charts(cx, source, project)?;
            let chart = charts.chart(&source.chart, revision, since).await?;
            return Ok(Checkout { index: Some(index), ..Checkout::of_chart((cx, project), &charts, chart).await? });
        }
        let repository = cx.repositories.at(&source.repo_url, project);
        let commit = repository.resolve(revision, &source.tag_prefix, since).await?;
        repository.fetch(commit).await?;
        let checkout = Checkout::in_place((cx, project), repository, commit, commit.to_string()).await?;
        Ok(Checkout { index: Some(index), ..checkout })
    }

    /// A chart.
    pub async fn of_chart(
        reached: (&'a Gitops, &'a str),
        charts: &ChartRepository,
        chart: Chart,
    ) -> Result<Checkout<'a>, String> {
        Checkout::in_place(reached, charts.commits(), chart.commit, chart.version).await
    }

    async fn in_place(
        (cx, project): (&'a Gitops, &'a str),
        repository: Arc<Repository>,
        commit: ObjectId,
        revision: String,
    ) -> Result<Checkout<'a>, String> {
        let store = repository.store();
        let tree = Mutex::new(Arc::new(read(move |_| Tree::new(store, commit)).await?));
        Ok(Checkout { index: None, commit, revision, cx, project, _repository: repository, tree })
    }

    /// Whether what a source had in a revision is here.
    pub async fn is_here(cx: &Gitops, source: &ApplicationSource, revision: &str, project: &str) -> bool {
        if source.chart.is_empty() {
            return cx.repositories.at(&source.repo_url, project).has(revision).await;
        }
        let Ok(charts) = charts(cx, source, project) else { return false };
        charts.kept(&source.chart, revision).await.is_some()
    }

    /// What is at a path, and what it depends on.
    pub async fn look(&self, path: &str, recurse: bool) -> Result<Look, String> {
        let path = path.to_owned();
        self.read(move |tree| tree.look(&path, recurse)).await
    }

    /// The names in a folder that may be files.
    pub async fn names(&self, folder: &str) -> Result<Vec<String>, String> {
        let folder = folder.to_owned();
        self.read(move |tree| tree.names(&folder)).await
    }

    /// The files of a folder or the file itself, which may have so many bytes together.
    pub async fn files(
        &self,
        path: &str,
        recurse: bool,
        limit: u64,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<File>, String> {
        let path = path.to_owned();
        self.read(move |tree| tree.files(&path, &Reading { recurse, wanted: &wanted, limit })).await
    }

    /// A file of one document, if it is there.
    pub async fn yaml(&self, path: &str) -> Result<Option<Value>, String> {
        let named = path.to_owned();
        let Some(content) = self.read(move |tree| tree.file(&named, LIMIT)).await? else { return Ok(None) };
        let text = String::from_utf8(content).map_err(|_| format!("{path}: it is not UTF-8"))?;
        super::yaml(&text).map(Some).map_err(|why| format!("{path}: {why}"))
    }

    /// Reads its files. Submodules that are missed are put in their places, one after the other.
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Tree) -> Result<T, Lack> + Send + Sync + 'static,
    ) -> Result<T, String> {
        let work = Arc::new(work);
        for _ in 0..=MODULES {
            let (tree, work) = (self.tree(), Arc::clone(&work));
            let done = read(move |stop| match work(&tree.until(stop)) {
                Ok(done) => Ok(Ok(done)),
                Err(Lack::Module(link)) => Ok(Err(link)),
                Err(Lack::Wrong(why)) => Err(why),
            });
            match done.await? {
                Ok(done) => return Ok(done),
                Err(link) => {
                    let why = |why: String| format!("the submodule {}: {why}", link.path);
                    self.put(&link).await.map_err(why)?;
                }
            }
        }
        Err(format!("there are more than {MODULES} submodules"))
    }

    /// Puts a submodule into its place.
    async fn put(&self, link: &Gitlink) -> Result<(), String> {
        let (tree, asked) = (self.tree(), link.clone());
        let url = read(move |_| tree.url(&asked)).await?;
        let repository = self.cx.repositories.at(&url, self.project);
        repository.fetch_unnamed(link.commit).await?;
        let (tree, asked, store) = (self.tree(), link.clone(), repository.store());
        let with = read(move |_| tree.with(&asked, store)).await?;
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(with);
        Ok(())
    }

    fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
