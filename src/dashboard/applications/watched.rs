//! Applications, watched where the cluster has the kind. Where it has not, nothing waits for it and the log stays quiet.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::{Api, ObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Error, Resource};
use serde::{Deserialize, Deserializer};
use sluice_core::api::Application;
use sluice_core::info::application::stored::Stored;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::dashboard::book::{FIRST, Watching, namespaces};

/// How long until the cluster is asked again for a kind that it did not have.
const AGAIN: Duration = Duration::from_secs(30);

/// An Application as far as it can be read: one that makes no sense does not hide the others.
#[derive(Clone, Debug)]
pub struct Known {
    /// Name, namespace and what else every object has.
    pub metadata: ObjectMeta,
    /// What it says, or why it cannot be read.
    pub said: Result<Application, String>,
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Known, D::Error> {
        let stored = Stored::deserialize(from)?;
        let said = stored.read();
        Ok(Known { metadata: stored.metadata, said })
    }
}

impl Resource for Known {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Application::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Application::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Application::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Application::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Whether Applications are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Nobody has answered yet.
    Asked,
    /// The kind is not there, or may not be watched.
    None,
    /// They are.
    All,
}

/// The Applications that are watched.
#[derive(Clone)]
pub struct Applications {
    store: Store<Known>,
    sight: watch::Receiver<Sight>,
}

impl Applications {
    /// Watches them as the owner of `client` may, and rings the bell at every change.
    pub fn keep(client: Client, namespace: Option<&str>, bell: Arc<watch::Sender<u64>>) -> (Applications, Watching) {
        let api: Api<Known> = match namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        let (store, writer) = reflector::store();
        let (sight, is_seen) = watch::channel(Sight::Asked);
        let events = watcher(api, watcher::Config::default()).default_backoff().modify(|object: &mut Known| {
            object.metadata.managed_fields = None;
            if let Ok(application) = &mut object.said {
                application.metadata.managed_fields = None;
            }
        });
        let events = events.reflect(writer);
        let watching = async move {
            while !is_there(&client).await {
                sight.send_replace(Sight::None);
                sleep(AGAIN).await;
            }
            follow(events, &sight, &bell).await;
        };
        (Applications { store, sight: is_seen }, Box::pin(watching))
    }

    /// Waits for the first list, though not for ever.
    pub async fn is_open(&self) {
        let mut sight = self.sight.clone();
        let _ = tokio::time::timeout(FIRST, sight.wait_for(|sight| *sight != Sight::Asked)).await;
    }

    /// Whether the cluster has them, and they may be watched.
    pub fn are_seen(&self) -> bool {
        *self.sight.borrow() == Sight::All
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Known>> {
        self.store.state()
    }

    /// One of them.
    pub fn one(&self, namespace: &str, name: &str) -> Option<Arc<Known>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The namespaces that have some.
    pub fn namespaces(&self) -> Vec<String> {
        namespaces(&self.store.state())
    }
}

/// Whether the cluster has the kind. Everybody who is known may ask that.
async fn is_there(client: &Client) -> bool {
    let version = Application::api_version(&());
    let kinds = client.list_api_group_resources(&version).await;
    kinds.is_ok_and(|kinds| kinds.resources.iter().any(|kind| kind.name == Application::plural(&())))
}

async fn follow(
    events: impl Stream<Item = Result<watcher::Event<Known>, watcher::Error>> + Send,
    sight: &watch::Sender<Sight>,
    bell: &watch::Sender<u64>,
) {
    let mut is_told = false;
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Ok(event) => {
                if matches!(event, watcher::Event::InitDone) {
                    sight.send_replace(Sight::All);
                    is_told = false;
                }
                bell.send_modify(|rung| *rung = rung.wrapping_add(1));
            }
            Err(error) => {
                sight.send_if_modified(|sight| {
                    let lost = *sight == Sight::Asked || is_gone(&error);
                    lost && std::mem::replace(sight, Sight::None) != Sight::None
                });
                // It is tried again and again; once is enough to know.
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!("the dashboard cannot watch applications: {error}");
                }
            }
        }
    }
}

/// Whether the kind was taken away, or the right to watch it.
fn is_gone(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(Error::Api(status)) | watcher::Error::WatchStartFailed(Error::Api(status))) =
        error
    else {
        return false;
    };
    matches!(status.code, 403 | 404)
}
