//! What is watched for the pages: rollouts and what belongs to them. Whatever changes rings.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::core::ObjectMeta;
use kube::{Client, Resource};
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::info::family::Family;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::applications::watched::{self, Known};
use super::kept::{Kept, Scope, Sight, Watchable};
use super::trim;
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
        let (rollouts, of_rollouts) = Kept::keep(&scope, "", trim::any);
        let (applications, of_applications) = Kept::keep(&scope, "", watched::trim);
        let (replica_sets, of_replica_sets) = Kept::keep(&scope, labels::POD_TEMPLATE_HASH, trim::replica_set);
        let (pods, of_pods) = Kept::keep(&scope, labels::POD_TEMPLATE_HASH, trim::pod);
        let (runs, of_runs) = Kept::keep(&scope, "", trim::any);
        let (experiments, of_experiments) = Kept::keep(&scope, "", trim::any);
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
            self.notice(&self.rollouts),
            self.notice(&self.replica_sets),
            self.notice(&self.pods),
            self.notice(&self.runs),
            self.notice(&self.experiments),
            applications,
        ];
        all.into_iter().flatten().collect()
    }

    /// That there is no first list yet is worth a word once nobody waits for it any more.
    fn notice<K: Watchable>(&self, kept: &Kept<K>) -> Option<String> {
        let is_early = kept.sight() == Sight::Asked && Instant::now() < self.patience;
        kept.notice().filter(|_| !is_early)
    }

    /// A rollout, and what belongs to it: of a namespace with many rollouts no more is copied than is shown.
    pub fn family(&self, namespace: &str, name: &str) -> Option<Family> {
        let rollout = self.rollouts.one(namespace, name)?;
        let mut owners = uids([&rollout.metadata]);
        let experiments = self.experiments.are_seen().then(|| owned(&self.experiments, namespace, &owners));
        owners.extend(uids(experiments.iter().flatten().map(|experiment| &experiment.metadata)));
        let runs = self.runs.are_seen().then(|| owned(&self.runs, namespace, &owners));
        let replica_sets = owned(&self.replica_sets, namespace, &owners);
        let pods = owned(&self.pods, namespace, &uids(replica_sets.iter().map(|rs| &rs.metadata)));
        Some(Family { rollout: Rollout::clone(&rollout), replica_sets, pods, runs, experiments })
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

/// The namespaces of objects, each once, in order.
pub fn namespaces<K: Resource>(objects: &[Arc<K>]) -> Vec<String> {
    let found: BTreeSet<&String> = objects.iter().filter_map(|object| object.meta().namespace.as_ref()).collect();
    found.into_iter().cloned().collect()
}

/// The uids of some objects.
fn uids<'a>(objects: impl IntoIterator<Item = &'a ObjectMeta>) -> BTreeSet<String> {
    objects.into_iter().filter_map(|metadata| metadata.uid.clone()).collect()
}

/// The objects of a namespace whose controller is one of `owners`.
fn owned<K: Watchable>(kept: &Kept<K>, namespace: &str, owners: &BTreeSet<String>) -> Vec<K> {
    let is_own = |object: &&Arc<K>| {
        let metadata = object.meta();
        let mut refs = metadata.owner_references.iter().flatten();
        metadata.namespace.as_deref() == Some(namespace)
            && refs.any(|owner| owner.controller == Some(true) && owners.contains(&owner.uid))
    };
    kept.all().iter().filter(is_own).map(|object| K::clone(object)).collect()
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
    use std::sync::Mutex;

    use axum::body::{Body as Frames, Bytes};
    use axum::http::{Request, Response};
    use futures::stream;
    use jiff::Timestamp;
    use kube::client::Body;
    use serde_json::json;
    use tokio::time::sleep;
    use tower::service_fn;

    use super::*;

    const PODS: &str = "/api/v1/pods";

    /// What an API server does with a request.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Does {
        /// Answers with this code; a watch that it accepts says nothing.
        Answer(u16),
        /// Answers, and ends the answer before it has said anything.
        Cut,
        /// Says where the watch is, and ends it.
        Mark,
        /// Says nothing, not even that it has heard.
        Nothing,
        /// Begins an answer, and does not go on.
        Stop,
    }

    /// What the API server does with lists and watches of pods, and how many there were.
    #[derive(Clone)]
    struct Pods(Arc<Mutex<[(Does, usize); 2]>>);

    impl Pods {
        fn new(list: Does, watch: Does) -> Pods {
            Pods(Arc::new(Mutex::new([(list, 0), (watch, 0)])))
        }

        fn does(&self, is_watch: bool) -> Does {
            let mut all = self.0.lock().expect("it is not poisoned");
            let (does, count) = &mut all[usize::from(is_watch)];
            *count += 1;
            *does
        }

        fn now_do(&self, is_watch: bool, does: Does) {
            self.0.lock().expect("it is not poisoned")[usize::from(is_watch)].0 = does;
        }

        fn lists(&self) -> usize {
            self.0.lock().expect("it is not poisoned")[0].1
        }

        fn watches(&self) -> usize {
            self.0.lock().expect("it is not poisoned")[1].1
        }
    }

    /// An API server that does as `does` says for a path and for whether it is watched.
    fn server(does: impl Fn(&str, bool) -> Does + Send + Sync + 'static) -> Client {
        let does = Arc::new(does);
        let service = service_fn(move |request: Request<Body>| {
            let does = Arc::clone(&does);
            async move {
                let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
                let hanging = || Frames::from_stream(stream::pending::<Result<Bytes, Infallible>>());
                let (status, said) = match does(request.uri().path(), is_watch) {
                    Does::Nothing => pending().await,
                    Does::Stop => (200, hanging()),
                    Does::Cut => (200, Frames::empty()),
                    Does::Mark => {
                        let object = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "2"}});
                        (200, Frames::from(json!({"type": "BOOKMARK", "object": object}).to_string() + "\n"))
                    }
                    Does::Answer(200) if is_watch => (200, hanging()),
                    Does::Answer(200) => {
                        let pod = json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "1"}});
                        let items = if request.uri().path() == PODS { vec![pod] } else { Vec::new() };
                        let list = json!({"metadata": {"resourceVersion": "1"}, "items": items});
                        (200, Frames::from(list.to_string()))
                    }
                    Does::Answer(code) => {
                        let why =
                            json!({"kind": "Status", "status": "Failure", "code": code, "reason": "", "message": ""});
                        (code, Frames::from(why.to_string()))
                    }
                };
                Ok::<_, Infallible>(Response::builder().status(status).body(said).expect("an answer"))
            }
        });
        Client::new(service, "default")
    }

    /// A book of a cluster where all goes well, but for pods.
    fn book(pods: &Pods) -> Book {
        let pods = pods.clone();
        let client = server(move |path, is_watch| if path == PODS { pods.does(is_watch) } else { Does::Answer(200) });
        let (book, watching) = Book::open(client, None, Clock::starting_at(Timestamp::UNIX_EPOCH));
        tokio::spawn(watching);
        book
    }

    fn in_seconds(seconds: u64) -> tokio::time::Sleep {
        sleep(Duration::from_secs(seconds))
    }

    const WELL: Does = Does::Answer(200);

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_cannot_be_watched_keeps_nobody_waiting() {
        let client = server(|path, _| match path {
            PODS => Does::Answer(403),
            "/apis/argoproj.io/v1alpha1/experiments" => Does::Answer(404),
            _ => WELL,
        });
        let (book, watching) = Book::open(client, None, Clock::System);
        tokio::spawn(watching);
        let start = Instant::now();
        book.is_open().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!((book.pods.sight(), book.experiments.sight()), (Sight::Refused, Sight::Missing));
        assert_eq!(book.notices(), ["This dashboard may not list pods: none are shown."]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_that_a_list_fails_and_that_it_works_again() {
        let pods = Pods::new(Does::Answer(500), WELL);
        let book = book(&pods);
        book.is_open().await;
        assert_eq!(
            book.notices(),
            ["The API server has not listed pods since 1970-01-01T00:00:00Z; it is asked again."]
        );
        pods.now_do(false, WELL);
        let mut bell = book.bell();
        while !book.notices().is_empty() {
            bell.changed().await.expect("it is watched");
        }
        assert_eq!((book.pods.sight(), book.pods("shop").len()), (Sight::There, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_listed_but_not_watched_is_listed_now_and_then() {
        let pods = Pods::new(WELL, Does::Answer(403));
        let book = book(&pods);
        in_seconds(1).await;
        for _ in 0..600 {
            assert_eq!((book.pods.sight(), book.pods("shop").len()), (Sight::Listed, 1));
            in_seconds(1).await;
        }
        assert!(book.notices()[0].starts_with("This dashboard may list pods, but not watch them"));
        assert!((20..30).contains(&pods.lists()), "{}", pods.lists());
        pods.now_do(true, WELL);
        in_seconds(70).await;
        assert_eq!(book.pods.sight(), Sight::There);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_fails_or_is_cut_goes_on_later_where_it_was() {
        for fails in [Does::Answer(500), Does::Answer(401), Does::Cut, Does::Mark, Does::Nothing] {
            let pods = Pods::new(WELL, WELL);
            let book = book(&pods);
            in_seconds(30).await;
            // As an API server that is gone does, whose connections nobody ends.
            pods.now_do(true, fails);
            in_seconds(170).await;
            let notices = book.notices();
            let old = "The API server has said nothing of pods since 1970-01-01T00:0";
            assert!(notices.len() == 1 && notices[0].starts_with(old), "{notices:?}");
            assert_eq!((pods.lists(), book.pods("shop").len()), (1, 1));
            let before = pods.watches();
            in_seconds(600).await;
            assert!(pods.watches() - before <= 600 / 20, "{}", pods.watches());
            assert_eq!(book.notices(), notices);

            pods.now_do(true, WELL);
            in_seconds(90).await;
            assert_eq!(book.notices(), [""; 0]);
            assert_eq!(pods.lists(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_cannot_go_on_begins_anew_though_not_each_second() {
        let pods = Pods::new(WELL, Does::Answer(410));
        let book = book(&pods);
        in_seconds(600).await;
        assert!((20..30).contains(&pods.lists()), "{}", pods.lists());
        assert_eq!((book.notices().len(), book.pods("shop").len()), (1, 1));
        pods.now_do(true, WELL);
        in_seconds(90).await;
        assert_eq!(book.notices(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_that_nothing_is_known_where_a_list_never_ends() {
        for stops in [Does::Nothing, Does::Stop] {
            let pods = Pods::new(stops, WELL);
            let book = book(&pods);
            assert_eq!(book.notices(), [""; 0]);
            book.is_open().await;
            assert_eq!(book.notices(), ["The API server has not listed pods yet."]);
            in_seconds(120).await;
            assert!(book.notices()[0].starts_with("The API server has not listed pods since"), "{:?}", book.notices());
            pods.now_do(false, WELL);
            in_seconds(120).await;
            assert_eq!((book.notices(), book.pods("shop").len()), (Vec::new(), 1));
        }
    }
}
