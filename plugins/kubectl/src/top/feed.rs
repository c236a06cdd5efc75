//! Objects that are kept up to date, come what may: where a watch fails, that is told, and it begins again.
//!
//! A connection that dies without a word is noticed by asking for something small now and then; once it is back, all watches
//! begin again, as theirs may be dead.

use std::fmt::Debug;
use std::hash::Hash;
use std::pin::pin;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use kube::runtime::reflector::{self, Lookup, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Error, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time;

use crate::problem::{Problem, chain};

/// What is told of the connection itself.
pub const CONNECTION: &str = "connection";

/// How long a watch rests after it failed, at first.
const FIRST_REST: Duration = Duration::from_secs(1);
/// How long it rests at most.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How often the connection is tried, and how long an answer may take.
const PULSE: Duration = Duration::from_secs(10);

/// What is told of a kind of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// They are up to date, and may have changed.
    Well(String),
    /// They cannot be followed just now, for this reason.
    Lost(String, String),
}

/// What the followers of objects share.
#[derive(Clone)]
pub struct Wire {
    /// Where news goes.
    pub news: mpsc::Sender<News>,
    /// Counts how often the connection came back.
    pub returns: watch::Receiver<u64>,
}

/// Follows the objects that `config` selects until the task is stopped; `shrink` takes away what is not needed of each.
pub fn follow<K>(
    tasks: &mut JoinSet<()>,
    wire: &Wire,
    api: Api<K>,
    config: watcher::Config,
    shrink: fn(&mut K),
) -> Store<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    let (store, mut writer) = reflector::store();
    let Wire { news, mut returns } = wire.clone();
    tasks.spawn(async move {
        let kind = K::plural(&K::DynamicType::default()).into_owned();
        let mut rest = FIRST_REST;
        loop {
            let mut events = pin!(watcher(api.clone(), config.clone()));
            let failed = loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    Ok(()) = returns.changed() => break None,
                };
                match event {
                    Some(Ok(event)) => {
                        // A list in progress is no state of the cluster; its end is.
                        let is_whole = !matches!(event, Event::Init | Event::InitApply(_));
                        writer.apply_watcher_event(&shrunk(event, shrink));
                        if is_whole {
                            rest = FIRST_REST;
                            let _ = news.send(News::Well(kind.clone())).await;
                        }
                    }
                    // The watcher lists anew by itself.
                    Some(Err(watcher::Error::WatchError(status))) if status.code == 410 => {}
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            let Some(error) = failed else { continue };
            let _ = news.send(News::Lost(kind.clone(), reason(&error, &kind))).await;
            tokio::select! {
                () = time::sleep(rest) => {}
                Ok(()) = returns.changed() => {}
            }
            rest = (rest * 2).min(LONGEST_REST);
        }
    });
    store
}

fn shrunk<K: Resource>(event: Event<K>, shrink: fn(&mut K)) -> Event<K> {
    let smaller = |mut object: K| {
        object.meta_mut().managed_fields = None;
        shrink(&mut object);
        object
    };
    match event {
        Event::Apply(object) => Event::Apply(smaller(object)),
        Event::InitApply(object) => Event::InitApply(smaller(object)),
        Event::Delete(_) | Event::Init | Event::InitDone => event,
    }
}

fn reason(error: &watcher::Error, kind: &str) -> String {
    match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => Problem::of_call(cause, &format!("watch {kind}")).to_string(),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => {
            format!("cannot watch {kind}: {}", chain(error))
        }
    }
}

/// Whether everything has been listed.
pub fn is_listed<K>(store: &Store<K>) -> bool
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    store.wait_until_ready().now_or_never().is_some_and(|ready| ready.is_ok())
}

/// Tries the connection now and then, until the task is stopped, and counts how often it came back.
pub fn feel(tasks: &mut JoinSet<()>, client: Client, news: mpsc::Sender<News>, returns: watch::Sender<u64>) {
    tasks.spawn(async move {
        let mut is_lost = false;
        loop {
            time::sleep(PULSE).await;
            let said = match time::timeout(PULSE, client.apiserver_version()).await {
                // Whatever it answers, it answers.
                Ok(Ok(_) | Err(Error::Api(_))) if !is_lost => continue,
                Ok(Ok(_) | Err(Error::Api(_))) => {
                    returns.send_modify(|count| *count += 1);
                    is_lost = false;
                    News::Well(CONNECTION.to_owned())
                }
                Ok(Err(error)) => {
                    is_lost = true;
                    News::Lost(CONNECTION.to_owned(), format!("cannot reach the API server: {}", chain(&error)))
                }
                Err(_) => {
                    is_lost = true;
                    let why = format!("the API server does not answer within {} s", PULSE.as_secs());
                    News::Lost(CONNECTION.to_owned(), why)
                }
            };
            let _ = news.send(said).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Pod;
    use kube::client::Body;
    use serde_json::json;
    use tower::service_fn;

    use super::*;

    /// An API server with no pods, which may fall silent; it counts how often it was asked for a list.
    #[derive(Clone, Default)]
    struct Server {
        is_silent: Arc<AtomicBool>,
        lists: Arc<AtomicUsize>,
    }

    impl Server {
        fn client(&self) -> Client {
            let server = self.clone();
            let answer = move |request: Request<Body>| server.clone().answer(request);
            Client::new(service_fn(answer), "default")
        }

        async fn answer(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            if is_watch || self.is_silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let text = if request.uri().path() == "/version" {
                let names =
                    ["gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"];
                let mut version = json!({"major": "1", "minor": "34"});
                for name in names {
                    version[name] = json!("");
                }
                version.to_string()
            } else {
                self.lists.fetch_add(1, Ordering::SeqCst);
                json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": []})
                    .to_string()
            };
            Ok(Response::new(Body::from(text.into_bytes())))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_dies_without_a_word_is_noticed_and_watches_begin_again_once_it_is_back() {
        let server = Server::default();
        let (sender, mut news) = mpsc::channel(10);
        let (returned, returns) = watch::channel(0);
        let mut tasks = JoinSet::new();
        feel(&mut tasks, server.client(), sender.clone(), returned);
        let wire = Wire { news: sender, returns };
        let pods = Api::<Pod>::namespaced(server.client(), "default");
        let store = follow(&mut tasks, &wire, pods, watcher::Config::default(), |_| {});
        let well = |kind: &str| Some(News::Well(kind.to_owned()));
        assert_eq!(news.recv().await, well("pods"));
        assert!(is_listed(&store));
        time::sleep(PULSE * 3).await;
        assert!(news.is_empty(), "nothing is said of a connection that is well");

        server.is_silent.store(true, Ordering::SeqCst);
        let lost = "the API server does not answer within 10 s";
        assert_eq!(news.recv().await, Some(News::Lost(CONNECTION.to_owned(), lost.to_owned())));
        assert_eq!(server.lists.load(Ordering::SeqCst), 1);

        server.is_silent.store(false, Ordering::SeqCst);
        let mut heard = [None, None];
        while heard != [well(CONNECTION), well("pods")] {
            match news.recv().await.expect("news") {
                said @ News::Well(_) if said == News::Well(CONNECTION.to_owned()) => heard[0] = Some(said),
                said @ News::Well(_) => heard[1] = Some(said),
                News::Lost(..) => {}
            }
        }
        assert_eq!(server.lists.load(Ordering::SeqCst), 2);
    }
}
