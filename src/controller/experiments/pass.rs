//! One pass over one experiment: observe, plan, execute, one status write.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::{ObjectRef, Store};
use sluice_core::api::Experiment;
use sluice_core::experiment::{ExperimentSnapshot, plan};
use sluice_core::snapshot::{Analyses, Service};

use super::super::analysis;
use super::super::children::{Key, Owner};
use super::super::context::Context;
use super::super::execute::{Outcome, Place, execute};
use super::super::flat::{self, CACHE_LAG, Written};
use super::super::object::Observed;
use super::super::owned::Found;

/// Time until pods that may still get requests are looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// Makes a pass, and returns after which time to make another although nothing happened.
pub async fn pass(key: Key, cx: Arc<Context>, rollouts: Store<Observed>) -> Option<Duration> {
    if !*cx.leading.borrow() || !cx.filled.is_filled() {
        return None;
    }
    let experiment = match cx.experiments.find(&key) {
        Found::Object(experiment) if flat::is_mine(&cx.instance_id, &experiment.metadata) => experiment,
        Found::Object(_) | Found::Gone | Found::Unknown => return None,
        Found::Stale => return Some(CACHE_LAG),
    };
    let Some(snapshot) = observe(&cx, &experiment, &rollouts) else { return Some(CACHE_LAG) };
    let uid = experiment.metadata.uid.clone().unwrap_or_default();
    let plan = plan(&snapshot);
    let place = Place { namespace: &key.0, uid: &uid };
    for planned in &plan.effects {
        let effect = planned.effect.key();
        match execute(&cx, place, &planned.effect).await {
            Outcome::Done => {
                tracing::info!(namespace = key.0, experiment = key.1, effect = %effect, "done");
                cx.with_memory(&uid, |memory| memory.accept(&effect));
                flat::tell(&cx, "Experiment", &experiment.metadata, planned.notes.clone());
            }
            Outcome::Conflict(reason) => {
                tracing::debug!(namespace = key.0, experiment = key.1, effect = %effect, reason, "conflict");
                cx.with_memory(&uid, |memory| memory.conflict(effect, reason, cx.clock.now()));
                return Some(CACHE_LAG);
            }
            Outcome::Refused { error, name_taken } => {
                tracing::warn!(namespace = key.0, experiment = key.1, effect = %effect, error, "refused");
                cx.with_memory(&uid, |memory| memory.refuse(effect, error, name_taken, cx.clock.now()));
                // The next plan takes the refusal into account.
                return Some(Duration::ZERO);
            }
        }
    }
    let before = experiment.status.clone().unwrap_or_default();
    match flat::write_status::<Experiment, _>(&cx, &key, &experiment.metadata, &before, &plan.status).await {
        Written::Nothing => {}
        Written::Version(version) => {
            cx.experiments.await_version(key, version);
            flat::tell(&cx, "Experiment", &experiment.metadata, plan.notes.clone());
        }
        Written::Later(stored, wait) => {
            cx.experiments.await_newer(key, stored);
            return Some(wait);
        }
    }
    let wake = plan.wake_at.map(|wake| Duration::try_from(wake.duration_since(snapshot.now)).unwrap_or(Duration::ZERO));
    let waits_for_routers = snapshot.is_routed.then_some(AGAIN);
    wake.into_iter().chain(waits_for_routers).min().map(|wait| wait.min(cx.resync))
}

/// The snapshot of an experiment, or `None` while the caches are older than an own write.
fn observe(cx: &Context, experiment: &Experiment, rollouts: &Store<Observed>) -> Option<ExperimentSnapshot> {
    let metadata = &experiment.metadata;
    let (namespace, name, uid) = (metadata.namespace.as_deref()?, metadata.name.as_deref()?, metadata.uid.as_deref()?);
    let may_be_child = |candidate: &str| candidate.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    let index = cx.replica_sets();
    if index.is_stale(namespace, may_be_child) {
        return None;
    }
    let replica_sets = index.of(&Owner::Uid(uid.to_owned())).iter().map(|rs| (**rs).clone()).collect();
    drop(index);
    let runs = if experiment.spec.analyses.is_empty() { Some(Vec::new()) } else { cx.runs.of(namespace, uid, name) };
    let named = experiment.spec.analyses.iter();
    let named = named.map(|analysis| (analysis.cluster_scope, analysis.template_name.clone())).collect();
    Some(ExperimentSnapshot {
        now: cx.clock.now(),
        experiment: experiment.clone(),
        replica_sets,
        services: services(cx, experiment, namespace)?,
        analyses: Analyses { runs: runs?, templates: analysis::gather(cx, namespace, named)? },
        refusals: cx.with_memory(uid, |memory| memory.refusals()),
        is_routed: is_routed(experiment, rollouts),
    })
}

/// The Services of the names that its templates ask for.
fn services(cx: &Context, experiment: &Experiment, namespace: &str) -> Option<Vec<Service>> {
    let own = experiment.metadata.name.as_deref().unwrap_or_default();
    let name = |template: &sluice_core::api::TemplateSpec| {
        let asked = template.service.as_ref()?.name.clone().filter(|name| !name.is_empty());
        Some(asked.unwrap_or_else(|| format!("{own}-{}", template.name)))
    };
    let names: Vec<String> = experiment.spec.templates.iter().filter_map(name).collect();
    let index = cx.services();
    if index.is_stale(namespace, |candidate| names.iter().any(|name| name == candidate)) {
        return None;
    }
    let found = names.into_iter().filter_map(|name| index.get(&(namespace.to_owned(), name)).map(Arc::clone));
    Some(found.map(|indexed| indexed.service.clone()).collect())
}

/// Whether the routers of its Rollout may still send requests to its pods, by what that says.
fn is_routed(experiment: &Experiment, rollouts: &Store<Observed>) -> bool {
    let Some((namespace, name)) = flat::controller_of(&experiment.metadata, "Rollout") else { return false };
    let Some(observed) = rollouts.get(&ObjectRef::new(&name).within(&namespace)) else { return false };
    let Some(weights) = observed.rollout.status().canary.as_ref().and_then(|canary| canary.weights.as_ref()) else {
        return false;
    };
    let statuses = experiment.status.as_ref().map_or(&[][..], |status| &status.template_statuses);
    statuses
        .iter()
        .any(|status| weights.additional.iter().any(|share| share.pod_template_hash == status.pod_template_hash))
}
