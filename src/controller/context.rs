//! What every reconcile shares: the clients, the caches, and the little that the controller remembers between two plans.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, RolloutStatus};
use sluice_core::effect::EffectKey;
use sluice_core::planted::{self, Bug};
use sluice_core::snapshot::Refusal;
use sluice_core::traffic::RouteWrite;
use tokio::sync::{Notify, mpsc, watch};

use super::analysis::Measurer;
use super::balancers::Balancers;
use super::caches::Filled;
use super::children::{Index, IndexedPod, IndexedService};
use super::endpoints::Endpoints;
use super::names::{Named, Names};
use super::objects::Objects;
use super::owned::Owned;
use super::plugins::Plugins;
use super::tell::Telling;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// What the guard does about a plan that breaks an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GuardMode {
    /// Withhold what breaks it.
    Enforce,
    /// Only say so: the way out when the guard itself is wrong.
    Report,
}

/// Shared by all reconciles.
pub struct Context {
    /// For writes: its built-in retry is off, because a repeated write needs a new plan.
    pub writes: Client,
    /// The time.
    pub clock: Clock,
    /// ReplicaSets by owner.
    pub replica_sets: RwLock<Index<ReplicaSet>>,
    /// Pods by ReplicaSet.
    pub pods: RwLock<Index<IndexedPod>>,
    /// Services by the Rollout that manages them.
    pub services: Arc<RwLock<Index<IndexedService>>>,
    /// What only some Rollouts name: workloads, and what traffic routers read.
    pub objects: Objects,
    /// The endpoints of Services.
    pub endpoints: Endpoints,
    /// Programs that carry weights and do steps.
    pub plugins: Plugins,
    /// Analysis runs.
    pub runs: Owned<AnalysisRun>,
    /// What takes their measurements.
    pub measurer: Measurer,
    /// Experiments.
    pub experiments: Owned<Experiment>,
    /// What AWS says of load balancers.
    pub balancers: Balancers,
    /// Which Rollouts name which objects.
    pub names: RwLock<Names>,
    /// Whether the caches have their first lists.
    pub filled: Filled,
    /// What is remembered of each rollout, by uid.
    pub memory: Mutex<HashMap<String, Memory>>,
    /// Rollouts with traffic routers that were deleted.
    pub deleted: mpsc::UnboundedSender<Rollout>,
    /// Rings when a Service may be left without its Rollout.
    pub leftovers: Notify,
    /// Where events go.
    pub telling: mpsc::UnboundedSender<Telling>,
    /// The metrics.
    pub metrics: Metrics,
    /// What to do about violations.
    pub guard: GuardMode,
    /// Whether this replica may write now.
    pub leading: watch::Receiver<bool>,
    /// `--instance-id`: only Rollouts with this label are acted on; without it, only those without the label.
    pub instance_id: String,
    /// Look at every rollout at least this often, although nothing happened.
    pub resync: std::time::Duration,
}

/// A write that conflicts so often in a row is no accident.
const CONFLICTS: u32 = 5;

/// What is said of a write that has to be made again at once.
const DOES_NOT_STAY: &str = "the last change was taken back, or a part of it was dropped: look for a GitOps tool that reverts it, for an \
                             admission webhook, and for CRDs that are too old for a field";

/// What is remembered of one rollout between two plans. Losing it costs nothing but a repeated request.
#[derive(Debug, Default)]
pub struct Memory {
    /// The version of the last write to the Rollout.
    pub awaited: Option<u64>,
    /// Writes that were refused, and how often in a row.
    refusals: Vec<(Refusal, u32)>,
    /// Writes that conflicted, and how often in a row.
    conflicts: Vec<(EffectKey, u32)>,
    /// What was written last to the objects of traffic routers.
    routed: Vec<(EffectKey, RouteWrite)>,
    /// A status that may wait, as the last plan had it, and when it was first and last seen to change.
    pub quiet: Option<Quiet>,
    /// The installed CRD drops `status.waitingOn`.
    pub drops_waiting_on: bool,
}

/// A changed status that waits for a quiet second.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// What it reads.
    pub status: RolloutStatus,
    /// When it first differed from the stored one.
    pub first: Timestamp,
    /// When it last changed.
    pub last: Timestamp,
}

impl Memory {
    /// Refusals as observations.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.refusals.iter().map(|(refusal, _)| refusal.clone()).collect()
    }

    /// Remembers a refused write, and holds it back for longer each time: one second, two, and so on up to half a minute.
    pub fn refuse(&mut self, key: EffectKey, error: String, name_taken: bool, now: Timestamp) {
        let times = self.refusals.iter().find(|(refusal, _)| refusal.key == key).map_or(0, |(_, times)| *times);
        let given_up = planted::is(Bug::GivesUpAfterAnError);
        let seconds = if given_up { 1_000_000 } else { (1_i64 << times.min(5)).min(30) };
        let retry_at = sluice_core::time::after(now, SignedDuration::from_secs(seconds));
        self.hold_back_no_more(&key);
        self.refusals.push((Refusal { key, error, name_taken, retry_at, only: None }, times + 1));
    }

    /// Notes a write to an object of a traffic router. One that has to be made again, word for word, did not stay: somebody takes it
    /// back, or the API drops a part of it. It is made again, but less and less often.
    pub fn route(&mut self, key: EffectKey, write: &RouteWrite, now: Timestamp) {
        let last = self.routed.iter_mut().find(|(known, _)| *known == key);
        match last {
            Some((_, last)) if last == write => {
                self.refuse(key.clone(), DOES_NOT_STAY.to_owned(), false, now);
                if let Some((refusal, _)) = self.refusals.iter_mut().find(|(refusal, _)| refusal.key == key) {
                    refusal.only = Some(Box::new(write.clone()));
                }
            }
            Some((_, last)) => {
                last.clone_from(write);
                self.accept(&key);
            }
            None => {
                self.accept(&key);
                self.routed.push((key, write.clone()));
            }
        }
    }

    /// Notes a write that conflicted: the next plan is made on what is there by then. One that does so again and again is refused.
    pub fn conflict(&mut self, key: EffectKey, error: String, now: Timestamp) {
        let times = 1 + self.conflicts.iter().find(|(known, _)| *known == key).map_or(0, |(_, times)| *times);
        self.conflicts.retain(|(known, _)| *known != key);
        self.conflicts.push((key.clone(), times));
        if times >= CONFLICTS {
            self.refuse(key, error, false, now);
        }
    }

    /// Forgets a refusal, because the write succeeded.
    pub fn accept(&mut self, key: &EffectKey) {
        self.conflicts.retain(|(known, _)| known != key);
        self.hold_back_no_more(key);
    }

    fn hold_back_no_more(&mut self, key: &EffectKey) {
        self.refusals.retain(|(refusal, _)| refusal.key != *key);
    }
}

impl Context {
    /// The memory of one rollout.
    pub fn with_memory<R>(&self, uid: &str, with: impl FnOnce(&mut Memory) -> R) -> R {
        let mut memory: MutexGuard<'_, _> = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        with(memory.entry(uid.to_owned()).or_default())
    }

    /// Forgets a rollout that is gone, and its series.
    pub fn forget(&self, rollout: &Rollout) {
        let metadata = &rollout.metadata;
        let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
        self.metrics.forget(namespace.unwrap_or_default(), name.unwrap_or_default());
        let key = (namespace.unwrap_or_default().to_owned(), name.unwrap_or_default().to_owned());
        self.balancers.forget(&key, |kind, key| !self.names().who_names(Named::Object(kind), key).is_empty());
        self.plugins.forget_steps(metadata.uid.as_deref().unwrap_or_default());
        self.forget_memory(metadata.uid.as_deref().unwrap_or_default());
    }

    /// Forgets what is remembered of an object that is gone.
    pub fn forget_memory(&self, uid: &str) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Has somebody see whether a Service is left without its Rollout.
    pub fn look_for_leftovers(&self) {
        self.leftovers.notify_one();
    }

    /// The ReplicaSets, to read.
    pub fn replica_sets(&self) -> RwLockReadGuard<'_, Index<ReplicaSet>> {
        self.replica_sets.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ReplicaSets, to write.
    pub fn replica_sets_mut(&self) -> RwLockWriteGuard<'_, Index<ReplicaSet>> {
        self.replica_sets.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pods, to read.
    pub fn pods(&self) -> RwLockReadGuard<'_, Index<IndexedPod>> {
        self.pods.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pods, to write.
    pub fn pods_mut(&self) -> RwLockWriteGuard<'_, Index<IndexedPod>> {
        self.pods.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Services, to read.
    pub fn services(&self) -> RwLockReadGuard<'_, Index<IndexedService>> {
        self.services.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Services, to write.
    pub fn services_mut(&self) -> RwLockWriteGuard<'_, Index<IndexedService>> {
        self.services.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who names which object, to read.
    pub fn names(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who names which object, to write.
    pub fn names_mut(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }
}
