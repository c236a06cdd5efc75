//! The workloads that Rollouts take their template from. A kind of them is watched from the moment in which the first Rollout that is
//! acted on needs one, so that a cluster without `workloadRef` pays nothing for it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::TryStreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::reflector::Store;
use kube::runtime::watcher;
use kube::runtime::{WatchStreamExt as _, watcher as watch_objects};
use serde_json::Value;
use sluice_core::api::Rollout;
use sluice_core::effect::Target;
use sluice_core::sight::Sight;
use sluice_core::workload::{Workload, WorkloadKind};
use tokio::sync::watch;

use super::caches::{Scope, Touch, keep, map_event, touch_each};
use super::children::{Child, Index, Key, Owner, version_number};
use super::context::Context;
use super::names::Named;
use super::object::Observed;

/// The caches, one a kind.
#[derive(Debug, Default)]
pub struct Workloads {
    deployments: Cache,
    replica_sets: Cache,
    pod_templates: Cache,
}

/// The workloads of one kind.
#[derive(Debug, Default)]
struct Cache {
    index: RwLock<Index<IndexedWorkload>>,
    state: RwLock<State>,
    /// Whether somebody needs it.
    wanted: watch::Sender<bool>,
}

/// How far a cache is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Its first list is not there yet.
    #[default]
    Empty,
    /// That is what the API server says to it, in these words.
    Refused(String),
    /// It has been there.
    Listed,
}

/// A workload with the namespace it is indexed under.
#[derive(Clone, Debug)]
struct IndexedWorkload {
    namespace: String,
    target: Target,
    generation: i64,
    /// As text: most are not referred to, and a parsed template is several times as large.
    template: Box<str>,
    selector: Option<LabelSelector>,
    replicas: i32,
}

impl Child for IndexedWorkload {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.target.name.clone())
    }

    fn owner(&self) -> Owner {
        Owner::Orphans(self.namespace.clone())
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(Some(&self.target.resource_version))
    }
}

impl IndexedWorkload {
    fn of(kind: WorkloadKind, mut object: DynamicObject) -> IndexedWorkload {
        let spec = &object.data["spec"];
        let selector = serde_json::from_value(spec["selector"].clone()).ok();
        let replicas = spec["replicas"].as_i64().and_then(|replicas| i32::try_from(replicas).ok());
        let template = object.data.pointer_mut(kind.template_path()).map(Value::take).unwrap_or_default();
        IndexedWorkload {
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            target: Target::of(&object.metadata),
            generation: object.metadata.generation.unwrap_or(0),
            template: template.to_string().into(),
            selector,
            replicas: replicas.unwrap_or(0),
        }
    }

    fn read(&self, kind: WorkloadKind) -> Workload {
        Workload {
            kind,
            target: self.target.clone(),
            generation: self.generation,
            template: serde_json::from_str(&self.template).unwrap_or_default(),
            selector: self.selector.clone(),
            replicas: self.replicas,
        }
    }
}

impl Cache {
    fn read(&self) -> RwLockReadGuard<'_, Index<IndexedWorkload>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index<IndexedWorkload>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says whether that is news. What was listed once stays known.
    fn enter(&self, state: State) -> bool {
        let mut now = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let news = *now != State::Listed && *now != state;
        if news {
            *now = state;
        }
        news
    }
}

impl Workloads {
    fn of(&self, kind: WorkloadKind) -> &Cache {
        match kind {
            WorkloadKind::Deployment => &self.deployments,
            WorkloadKind::ReplicaSet => &self.replica_sets,
            WorkloadKind::PodTemplate => &self.pod_templates,
        }
    }

    /// What is known of the workload that a Rollout refers to; `None` while its cache is empty, or older than an own write.
    pub fn sight(&self, rollout: &Rollout) -> Option<Sight<Box<Workload>>> {
        let Some((kind, key)) = named(rollout) else { return Some(Sight::Missing) };
        let cache = self.of(kind);
        cache.wanted.send_if_modified(|wanted| !std::mem::replace(wanted, true));
        match cache.state() {
            State::Empty => None,
            State::Refused(why) => Some(Sight::Unreadable(why)),
            State::Listed => {
                let index = cache.read();
                if index.is_stale(&key.0, |name| name == key.1) {
                    return None;
                }
                let found = index.get(&key).map(|workload| Sight::Found(Box::new(workload.read(kind))));
                Some(found.unwrap_or_default())
            }
        }
    }

    /// Notes that a write to a Deployment returned this version.
    pub fn await_deployment(&self, key: Key, version: Option<u64>) {
        self.deployments.write().await_newer(key, version);
    }
}

/// The workload that a Rollout refers to: its kind, namespace and name.
pub fn named(rollout: &Rollout) -> Option<(WorkloadKind, Key)> {
    let reference = rollout.spec.workload_ref.as_ref()?;
    let namespace = rollout.metadata.namespace.clone().unwrap_or_default();
    Some((WorkloadKind::of(reference)?, (namespace, reference.name.clone()?)))
}

/// Keeps the index of one kind, once somebody needs it, until the task is stopped.
pub async fn watch(kind: WorkloadKind, scope: Scope, context: Arc<Context>, rollouts: Store<Observed>, touch: Touch) {
    let cache = context.workloads.of(kind);
    // The sender is in the context, so waiting cannot fail.
    let _ = cache.wanted.subscribe().wait_for(|wanted| *wanted).await;
    let touch_all = || touch_each(&touch, &rollouts, context.names().who_names_any(Named::Workload(kind)));
    let (group, version) = (kind.group(), kind.api_version().rsplit('/').next().unwrap_or_default());
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind.as_str()));
    let events = watch_objects(scope.dynamic(&resource), watcher::Config::default()).default_backoff();
    let events = events.inspect_err(|error| {
        // Whatever else goes wrong passes, and the list is asked for again.
        if refusal(error).is_some_and(|why| cache.enter(State::Refused(why))) {
            touch_all();
        }
    });
    let listed = || {
        if cache.enter(State::Listed) {
            touch_all();
        }
    };
    keep(events.map_ok(|event| map_event(event, |object| IndexedWorkload::of(kind, object))), listed, |event| {
        let repeated = cache.read().knows(&event);
        let concerned = cache.write().apply(event);
        if !repeated {
            for object in concerned {
                let (namespace, name) = object.key();
                let names = context.names().who_names(Named::Workload(kind), &(namespace.clone(), name));
                touch_each(&touch, &rollouts, names.into_iter().map(|rollout| (namespace.clone(), rollout)));
            }
        }
    })
    .await;
}

/// Why the API server does not let the kind be watched, in its own words.
fn refusal(error: &watcher::Error) -> Option<String> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => {
            [401, 403, 404].contains(&status.code).then(|| status.message.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout(spec: &Value) -> Rollout {
        let metadata = json!({ "name": "web", "namespace": "shop" });
        serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).expect("a Rollout")
    }

    #[test]
    fn only_a_kind_that_is_referred_to_is_watched() {
        let workloads = Workloads::default();
        let wanted = || WorkloadKind::ALL.map(|kind| *workloads.of(kind).wanted.borrow());
        assert_eq!(workloads.sight(&rollout(&json!({}))), Some(Sight::Missing));
        assert_eq!(wanted(), [false; 3]);
        let reference = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
        assert_eq!(workloads.sight(&rollout(&json!({ "workloadRef": reference }))), None, "its list is not there yet");
        assert_eq!(wanted(), [true, false, false]);
    }

    #[test]
    fn a_refusal_is_told_until_the_first_list_and_what_was_listed_stays_known() {
        let workloads = Workloads::default();
        let reference = json!({ "apiVersion": "v1", "kind": "PodTemplate", "name": "web" });
        let web = rollout(&json!({ "workloadRef": reference }));
        let refused = || State::Refused("forbidden".into());
        assert!(workloads.pod_templates.enter(refused()));
        assert!(!workloads.pod_templates.enter(refused()), "it is no news");
        assert_eq!(workloads.sight(&web), Some(Sight::Unreadable("forbidden".into())));
        assert!(workloads.pod_templates.enter(State::Listed));
        assert!(!workloads.pod_templates.enter(refused()));
        assert_eq!(workloads.sight(&web), Some(Sight::Missing));
    }
}
