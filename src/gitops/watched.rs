//! What is made of a watch of objects: what is kept of each, and who hears of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;
use serde_json::Value;
use sluice_core::gitops::tracking::TRACKING_ID;
use tokio::sync::mpsc;

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
