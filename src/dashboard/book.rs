//! What is watched for the pages: rollouts and what belongs to them. Whatever changes rings.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Resource, ResourceExt as _};
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::info::family::Family;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::applications::watched::{self, Known};
use super::kept::{Kept, Scope, Watchable};
use crate::clock::Clock;

/// How long pages wait for the first lists, from the start on.
const FIRST: Duration = Duration::from_secs(10);

/// What does the watching, until it is dropped.
pub type Watching = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that is shown.
#[derive(Clone)]
pub struct Book {
    /// The rollouts.
    pub rollouts: Kept<Rollout>,
    /// The Applications, where the cluster has that kind.
    pub applications: Kept<Known>,
    replica_sets: Kept<ReplicaSet>,
    pods: Kept<Pod>,
    runs: Kept<AnalysisRun>,
    experiments: Kept<Experiment>,
    /// Counts changes.
    rung: watch::Receiver<u64>,
    /// Until when pages wait for first lists.
    patience: Instant,
}

impl Book {
    /// Watches a namespace, or the whole cluster, as the owner of `client` may.
    pub fn open(client: Client, namespace: Option<String>, clock: Clock) -> (Book, Watching) {
        let (bell, heard) = watch::channel(0);
        let scope = Scope { client, namespace, bell: Arc::new(bell), clock };
        let (rollouts, of_rollouts) = Kept::keep(&scope, "", trimmed);
        let (applications, of_applications) = Kept::keep(&scope, "", watched::trim);
        let (replica_sets, of_replica_sets) = Kept::keep(&scope, labels::POD_TEMPLATE_HASH, trimmed);
        let (pods, of_pods) = Kept::keep(&scope, labels::POD_TEMPLATE_HASH, trimmed);
        let (runs, of_runs) = Kept::keep(&scope, "", trimmed);
        let (experiments, of_experiments) = Kept::keep(&scope, "", trimmed);
        let all = [of_rollouts, of_applications, of_replica_sets, of_pods, of_runs, of_experiments];
        let patience = Instant::now() + FIRST;
        let book = Book { rollouts, applications, replica_sets, pods, runs, experiments, rung: heard, patience };
        let watching = join_all(all);
        (book, Box::pin(async move { drop(watching.await) }))
    }

    /// Rings whenever something has changed.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.rung.clone()
    }

    /// Waits for the first lists of what pages of rollouts show, though not for ever: what is there is better than nothing.
    pub async fn is_open(&self) {
        let all = async {
            self.rollouts.is_open().await;
            self.replica_sets.is_open().await;
            self.pods.is_open().await;
            self.runs.is_open().await;
            self.experiments.is_open().await;
        };
        let _ = timeout_at(self.patience, all).await;
    }

    /// The same for Applications.
    pub async fn has_applications(&self) {
        let _ = timeout_at(self.patience, self.applications.is_open()).await;
    }

    /// What people have to know of the watches, to judge what they see. Where there are no Applications their own page says why.
    pub fn notices(&self) -> Vec<String> {
        let applications = Some(&self.applications).filter(|kept| kept.are_seen()).and_then(Kept::notice);
        let all = [
            self.rollouts.notice(),
            self.replica_sets.notice(),
            self.pods.notice(),
            self.runs.notice(),
            self.experiments.notice(),
            applications,
        ];
        all.into_iter().flatten().collect()
    }

    /// A rollout, and what belongs to its namespace.
    pub fn family(&self, namespace: &str, name: &str) -> Option<Family> {
        let rollout = self.rollouts.one(namespace, name)?;
        Some(Family {
            rollout: Rollout::clone(&rollout),
            replica_sets: within(&self.replica_sets, namespace),
            pods: within(&self.pods, namespace),
            runs: self.runs.are_seen().then(|| within(&self.runs, namespace)),
            experiments: self.experiments.are_seen().then(|| within(&self.experiments, namespace)),
        })
    }

    /// The `ReplicaSets` of a namespace.
    pub fn replica_sets(&self, namespace: &str) -> Vec<ReplicaSet> {
        within(&self.replica_sets, namespace)
    }

    /// The pods of a namespace.
    pub fn pods(&self, namespace: &str) -> Vec<Pod> {
        within(&self.pods, namespace)
    }
}

/// Without what no page shows.
fn trimmed<K: Resource>(object: &mut K) {
    object.managed_fields_mut().clear();
}

/// The namespaces of objects, each once, in order.
pub fn namespaces<K: Resource>(objects: &[Arc<K>]) -> Vec<String> {
    let found: BTreeSet<&String> = objects.iter().filter_map(|object| object.meta().namespace.as_ref()).collect();
    found.into_iter().cloned().collect()
}

/// The objects of a namespace.
fn within<K: Watchable>(kept: &Kept<K>, namespace: &str) -> Vec<K> {
    let all = kept.all();
    let here = all.iter().filter(|object| object.meta().namespace.as_deref() == Some(namespace));
    here.map(|object| K::clone(object)).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::sync::atomic::{AtomicU16, Ordering};

    use axum::http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;
    use tower::service_fn;

    use super::*;
    use crate::dashboard::kept::Sight;

    /// An API server that answers each request as `code` says for its path; watches that it accepts never say anything.
    fn server(code: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Client {
        let code = Arc::new(code);
        let service = service_fn(move |request: Request<Body>| {
            let code = Arc::clone(&code);
            async move {
                let status = code(request.uri().path());
                let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
                let said = match status {
                    200 if is_watch => pending().await,
                    200 => json!({"metadata": {"resourceVersion": "1"}, "items": []}),
                    status => {
                        json!({"kind": "Status", "status": "Failure", "code": status, "reason": "", "message": ""})
                    }
                };
                let answer = Response::builder().status(status).body(Body::from(said.to_string().into_bytes()));
                Ok::<_, Infallible>(answer.expect("an answer"))
            }
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_cannot_be_watched_keeps_nobody_waiting() {
        let client = server(|path| match path {
            "/api/v1/pods" => 403,
            "/apis/argoproj.io/v1alpha1/experiments" => 404,
            _ => 200,
        });
        let (book, watching) = Book::open(client, None, Clock::System);
        tokio::spawn(watching);
        let start = Instant::now();
        book.is_open().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!((book.pods.sight(), book.experiments.sight()), (Sight::Refused, Sight::Missing));
        assert_eq!(book.notices(), ["This dashboard may not watch pods: none are shown."]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_that_a_watch_fails_and_that_it_works_again() {
        let status = Arc::new(AtomicU16::new(500));
        let says = Arc::clone(&status);
        let client = server(move |_| says.load(Ordering::SeqCst));
        let (book, watching) = Book::open(client, None, Clock::System);
        tokio::spawn(watching);
        book.is_open().await;
        assert!(book.rollouts.notice().is_some_and(|notice| notice.contains("has not listed rollouts since")));
        status.store(200, Ordering::SeqCst);
        let mut bell = book.bell();
        while !book.notices().is_empty() {
            bell.changed().await.expect("it is watched");
        }
        assert_eq!(book.rollouts.sight(), Sight::There);
    }
}
