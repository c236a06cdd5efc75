//! Objects that are kept up to date by a watch.

use std::fmt::Debug;
use std::hash::Hash;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Error, Resource};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Says that something changed, or that the watch cannot go on.
pub type Changes = Pin<Box<dyn Stream<Item = Result<(), Problem>> + Send>>;

/// Follows the objects that `config` selects. The store is filled once the first change has been reported.
pub fn follow<K>(api: Api<K>, config: watcher::Config) -> (Store<K>, Changes)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    let (store, writer) = reflector::store();
    let what = format!("watch {}", K::plural(&K::DynamicType::default()));
    let events = watcher(api, config).default_backoff().reflect(writer);
    let changes = events.filter_map(move |event| {
        let outcome = match event {
            // A list in progress is no state of the cluster; its end is.
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => None,
            Ok(_) => Some(Ok(())),
            Err(error) => lasting(&error).map(|cause| Err(Problem::of_call(cause, &what))),
        };
        std::future::ready(outcome)
    });
    (store, Box::pin(changes))
}

/// The cause of an error that will not go away by trying again: a refused permission or an unknown resource.
fn lasting(error: &watcher::Error) -> Option<&Error> {
    let (watcher::Error::InitialListFailed(cause)
    | watcher::Error::WatchStartFailed(cause)
    | watcher::Error::WatchFailed(cause)) = error
    else {
        return None;
    };
    matches!(cause, Error::Api(status) if [401, 403, 404].contains(&status.code)).then_some(cause)
}
