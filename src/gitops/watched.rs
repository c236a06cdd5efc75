//! What is made of a watch of objects: what is kept of each, and who hears of it.

use std::hash::Hash;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::runtime::reflector::{Lookup, Store};
use kube::runtime::watcher::Event;
use serde_json::Value;
use sluice_core::gitops::tracking::TRACKING_ID;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Touched, migrate};

/// Tells whose objects have changed, once the cache has them.
pub struct Concerned {
    touched: mpsc::UnboundedSender<Touched>,
    objects: Store<DynamicObject>,
    waiting: Vec<String>,
}

impl Concerned {
    /// Nobody has been told anything yet.
    pub fn new(touched: mpsc::UnboundedSender<Touched>, objects: Store<DynamicObject>) -> Concerned {
        Concerned { touched, objects, waiting: Vec::new() }
    }

    /// Takes in what has happened.
    pub fn hear(&mut self, event: &Event<DynamicObject>) {
        let owner = |object: &DynamicObject| object.annotations().get(TRACKING_ID).cloned();
        let now: Vec<String> = match event {
            Event::Apply(object) | Event::Delete(object) => owner(object).into_iter().collect(),
            // Some may have gone unseen.
            Event::Init => {
                self.waiting = self.objects.state().iter().filter_map(|object| owner(object)).collect();
                return;
            }
            Event::InitApply(object) => return self.waiting.extend(owner(object)),
            Event::InitDone => std::mem::take(&mut self.waiting),
        };
        for owner in now {
            // Nobody listens any more at the end.
            let _ = self.touched.send(Touched::Object(owner));
        }
    }
}

/// How often those who wait for a cache ask whether it has been filled.
const ASK: Duration = Duration::from_millis(50);

/// How long the first list of a kind may take.
pub const FIRST: Duration = Duration::from_secs(30);

/// Waits until a cache has been filled; whether it has been in time. kube's own wait wakes one of those who wait at the same time,
/// so that each has to ask again.
pub async fn is_filled<K>(store: &Store<K>) -> bool
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone + Send + Sync,
{
    let end = Instant::now() + FIRST;
    loop {
        match tokio::time::timeout(ASK, store.wait_until_ready()).await {
            Ok(ready) => return ready.is_ok(),
            Err(_) if Instant::now() < end => {}
            Err(_) => return false,
        }
    }
}

/// Ends a watch with its kind.
pub struct Watching(pub tokio::task::JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Of objects that are nobody's, their metadata is enough, unless all of them are of interest.
pub fn slim(object: &mut DynamicObject, is_whole: bool) {
    // Who owns fields is of interest only where somebody has applied by the client.
    object.metadata.managed_fields.take_if(|entries| {
        let of_client = |entry: &ManagedFieldsEntry| {
            let [manager, operation, part] =
                [&entry.manager, &entry.operation, &entry.subresource].map(Option::as_deref);
            migrate::is_of_client(manager, operation, part)
        };
        !entries.iter().any(of_client)
    });
    if !object.annotations().contains_key(TRACKING_ID) && !is_whole {
        object.data = Value::Null;
        object.metadata.annotations = None;
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::reflector;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_a_cache_hear_of_it_at_once() {
        let (store, mut writer) = reflector::store::<ConfigMap>();
        let waiting = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { is_filled(&store).await })
        });
        let waiting: Vec<_> = waiting.collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitDone);
        let begun = Instant::now();
        let filled = join_all(waiting).await;
        assert!(filled.into_iter().all(|it| it.expect("an answer")));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

        let (never, _writer) = reflector::store::<ConfigMap>();
        assert!(!is_filled(&never).await);
    }
}
