//! What is followed, and the pictures that come of it: all rollouts, and one with what belongs to it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Config;
use kube::{Api, Resource};
use sluice::steer::members;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::info::age::age;
use sluice_core::info::analysis_run::is_owned;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::text;
use sluice_core::revision::owns;
use tokio::task::{JoinError, JoinSet};

use super::feed::{Wire, follow, is_listed};
use super::state::{Key, Picture, Row, Told, Trouble};
use crate::client::Session;

/// So many events are shown; the API server keeps them for an hour.
const MOST_EVENTS: usize = 50;
/// The longest message of an event that is shown, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// All rollouts of a namespace, or of all.
pub struct Overview {
    rollouts: Store<Rollout>,
    replica_sets: Store<ReplicaSet>,
}

impl Overview {
    /// Follows them until the tasks are stopped.
    pub fn follow(tasks: &mut JoinSet<()>, wire: &Wire, session: &Session, is_everywhere: bool) -> Overview {
        let (rollouts, replica_sets) = if is_everywhere {
            (Api::all(session.client.clone()), Api::all(session.client.clone()))
        } else {
            (session.rollouts(), session.api())
        };
        let members = Config::default().labels(labels::POD_TEMPLATE_HASH);
        // Of old revisions there are many more than rollouts, and their pod templates are most of what they are.
        let shrink = |rs: &mut ReplicaSet| rs.spec.template = serde_json::Value::Null;
        Overview {
            rollouts: follow(tasks, wire, rollouts, Config::default(), |_| {}),
            replica_sets: follow(tasks, wire, replica_sets, members, shrink),
        }
    }

    /// The rollouts as they are; `None` before they are listed.
    pub fn rows(&self) -> Option<Vec<Row>> {
        if !is_listed(&self.rollouts) {
            return None;
        }
        let replica_sets = is_listed(&self.replica_sets).then(|| self.replica_sets.state());
        let mut of_owner: HashMap<&str, Vec<&ReplicaSet>> = HashMap::new();
        for rs in replica_sets.iter().flatten() {
            of_owner.entry(rs.controller_uid().unwrap_or_default()).or_default().push(rs);
        }
        let row = |rollout: Arc<Rollout>| {
            let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
            let owned = of_owner.get(uid).map(Vec::as_slice).unwrap_or_default();
            let owned: Vec<&ReplicaSet> = owned.iter().copied().filter(|rs| owns(&rollout, rs)).collect();
            Row::of(Arc::clone(&rollout), replica_sets.is_some().then_some(owned.as_slice()))
        };
        Some(self.rollouts.state().into_iter().map(row).collect())
    }

    /// One rollout.
    pub fn rollout(&self, key: &Key) -> Option<Arc<Rollout>> {
        self.rollouts.get(&ObjectRef::new(&key.name).within(&key.namespace))
    }
}

/// What belongs to one rollout. Nothing is followed any more once it is dropped.
pub struct Closely {
    /// The rollout.
    pub key: Key,
    replica_sets: Store<ReplicaSet>,
    pods: Store<Pod>,
    runs: Store<AnalysisRun>,
    experiments: Store<Experiment>,
    events: Store<Event>,
    tasks: JoinSet<()>,
}

impl Closely {
    /// Follows what belongs to `rollout`.
    pub fn follow(wire: &Wire, session: &Session, rollout: &Rollout) -> Closely {
        let mut tasks = JoinSet::new();
        let key = Key::of(rollout);
        let of_rollout = format!("involvedObject.kind=Rollout,involvedObject.name={}", key.name);
        let members = Config::default().labels(&members(rollout));
        let all = Config::default();
        Closely {
            key,
            replica_sets: follow(&mut tasks, wire, session.api(), members.clone(), |_| {}),
            pods: follow(&mut tasks, wire, session.api(), members, |_| {}),
            runs: follow(&mut tasks, wire, session.api(), all.clone(), |_| {}),
            experiments: follow(&mut tasks, wire, session.api(), all, |_| {}),
            events: follow(&mut tasks, wire, session.api(), Config::default().fields(&of_rollout), |_| {}),
            tasks,
        }
    }

    /// How one of the tasks ended, which none does by itself.
    pub fn ended(&mut self) -> Option<Result<(), JoinError>> {
        self.tasks.try_join_next()
    }

    /// The kinds that are followed here alone.
    pub fn kinds() -> [String; 4] {
        [
            Pod::plural(&()).into_owned(),
            AnalysisRun::plural(&()).into_owned(),
            Experiment::plural(&()).into_owned(),
            Event::plural(&()).into_owned(),
        ]
    }

    /// The rollout with what belongs to it; `None` before everything is listed that can be.
    pub fn picture(&self, rollout: &Rollout, troubles: &BTreeMap<String, Trouble>, now: Timestamp) -> Option<Picture> {
        let is_lost = |kind: &str| troubles.contains_key(kind);
        let settled = [
            is_listed(&self.replica_sets) || is_lost("replicasets"),
            is_listed(&self.pods) || is_lost("pods"),
            is_listed(&self.runs) || is_lost("analysisruns"),
            is_listed(&self.experiments) || is_lost("experiments"),
            is_listed(&self.events) || is_lost("events"),
        ];
        if settled.contains(&false) {
            return None;
        }
        let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
        let experiments = owned(&self.experiments, &[uid]);
        let of_experiments = experiments.iter().filter_map(|experiment| experiment.metadata.uid.as_deref());
        let owners: Vec<&str> = std::iter::once(uid).chain(of_experiments).collect();
        let family = Family {
            replica_sets: all(&self.replica_sets),
            pods: all(&self.pods),
            runs: Some(owned(&self.runs, &owners)),
            experiments: Some(experiments.clone()),
            rollout: rollout.clone(),
        };
        Some(Picture { info: RolloutInfo::of(&family, now), events: told(&self.events, uid, now) })
    }
}

fn all<K>(store: &Store<K>) -> Vec<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
    store.state().iter().map(|object| K::clone(object)).collect()
}

/// Those that belong to one of the owners.
fn owned<K>(store: &Store<K>, owners: &[&str]) -> Vec<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
    let is_ours = |object: &K| owners.iter().any(|owner| is_owned(object.meta(), owner));
    store.state().iter().filter(|object| is_ours(object)).map(|object| K::clone(object)).collect()
}

/// The events of the object with this uid, the newest first.
fn told(events: &Store<Event>, uid: &str, now: Timestamp) -> Vec<Told> {
    let when = |event: &Event| {
        let seen = event.event_time.as_ref().map(|time| time.0);
        let seen = event.last_timestamp.as_ref().map(|time| time.0).or(seen);
        seen.or(event.metadata.creation_timestamp.as_ref().map(|time| time.0))
    };
    let mut events = events.state();
    events.retain(|event| event.involved_object.uid.as_deref() == Some(uid));
    events.sort_by(|a, b| when(b).cmp(&when(a)).then_with(|| a.metadata.name.cmp(&b.metadata.name)));
    let told = events.iter().take(MOST_EVENTS).map(|event| Told {
        age: age(when(event), now),
        is_warning: event.type_.as_deref() == Some("Warning"),
        reason: text::line(event.reason.as_deref().unwrap_or_default(), LONGEST_MESSAGE),
        message: text::line(event.message.as_deref().unwrap_or_default(), LONGEST_MESSAGE),
        count: event.count.unwrap_or(1),
    });
    told.collect()
}
