//! The sizes of the ReplicaSets, and the creation of a revision's first.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use serde_json::Value;

use crate::api::{ReplicaSet, ReplicaSetSpec, labels};
use crate::effect::{Effect, Phase};
use crate::event::Note;
use crate::identity;
use crate::planted::{self, Bug};
use crate::replicas::{BasicCanary, OldReplicaSet, Size, shrink_old};
use crate::selector;
use crate::steps;
use crate::strategy::Strategy;
use crate::traffic::pods;

use super::draft::Draft;
use super::{affinity, delay, metadata, revise, services};

/// The arithmetic's input, as observed and decided so far.
pub(super) fn observed(d: &Draft<'_>) -> BasicCanary {
    BasicCanary {
        limits: d.limits,
        weight: weight(d),
        new: d.revisions.new.map_or(Size::default(), ReplicaSet::size),
        stable: d.revisions.other_stable().map(ReplicaSet::size),
        old_spec: d.revisions.old.iter().map(|rs| rs.wanted()).sum(),
    }
}

/// The share of the new revision, in percent.
fn weight(d: &Draft<'_>) -> i32 {
    if d.status.promote_full || d.is_first() || d.is_complete() {
        100
    } else if d.status.abort {
        0
    } else {
        steps::weight_at(d.steps, d.index(), 100)
    }
}

/// The pods of a first revision that goes through the steps: the share of its weight. Nothing else serves, so it loses none again.
pub(super) fn of_first(d: &Draft<'_>, index: usize) -> i32 {
    let (max, all) = (d.strategy.max_weight(), d.s.replicas());
    let due = if d.status.promote_full { all } else { pods(steps::weight_at(d.steps, index, max), max, all) };
    let kept = d.revisions.new.map_or(0, ReplicaSet::wanted).min(all);
    if d.status.abort { kept } else { due.max(kept) }
}

/// Moves the ReplicaSets one pass towards their sizes. A paused rollout keeps the pods that it has.
pub(super) fn resize(d: &mut Draft<'_>) {
    let halted = d.s.rollout.spec.paused;
    let mut next = observed(d).next();
    if d.is_first_on_trial() {
        next.canary = of_first(d, d.index()).min(next.canary);
    }
    let Some(new) = d.revisions.new else {
        create(d, if halted { 0 } else { next.canary });
        if let Some(stable) = d.revisions.other_stable().filter(|_| !halted) {
            set_size(d, stable, next.stable);
        }
        return;
    };
    if stands_still(d) {
        return;
    }
    // An update that begins takes its steps from the next observation on, so its pods that are there stay until then.
    set_size(d, new, if d.begins { next.canary.max(new.wanted()) } else { next.canary });
    if let Some(stable) = d.revisions.other_stable() {
        // The stable Service keeps a pod until it is moved to others.
        let keeps_one = new.certain() > 0 && is_served(d, stable);
        set_size(d, stable, next.stable.max(i32::from(keeps_one).min(stable.wanted())));
    }
    drain_old(d);
}

/// Whether no size changes now: a person has paused the rollout, or this plan promotes. The last pods of a revision go only once the
/// promotion of another is stored, so that no crash can lose the reason for their going.
pub(super) fn stands_still(d: &mut Draft<'_>) -> bool {
    if d.s.rollout.spec.paused {
        d.wait("UserPause", None, "spec.paused is true: sizes and steps stay as they are until it is unset");
        return true;
    }
    d.replaces_stable()
}

fn drain_old(d: &mut Draft<'_>) {
    // Without a traffic router nothing waits for a delay; what blue-green has left behind goes.
    for rs in d.revisions.all().collect::<Vec<_>>() {
        delay::keep(d, rs);
    }
    let old = d.revisions.old.clone();
    let sizes: Vec<_> = old.iter().map(|rs| OldReplicaSet { size: rs.size(), revision: rs.revision() }).collect();
    let serving = d.revisions.all().map(|rs| rs.size().serving()).sum();
    let heir = services::serving(d).map_or(0, ReplicaSet::certain);
    for (rs, to) in old.iter().zip(shrink_old(d.limits, serving, &sizes)) {
        // Pods that the stable Service still selects are in use, once it has as many others to be moved to.
        let kept = heir > 0 && heir >= rs.size().serving() && is_served(d, rs);
        if rs.wanted() != to && !kept {
            d.resize(rs, to, Note::scaled(rs.name(), rs.revision(), rs.wanted(), to));
            annotate_desired(d, rs);
        }
    }
}

/// Whether the stable Service selects a ReplicaSet.
fn is_served(d: &Draft<'_>, rs: &ReplicaSet) -> bool {
    let Strategy::Canary(canary) = d.strategy else { return false };
    services::is_used(d, &[canary.stable_service.as_deref().unwrap_or_default()], rs)
}

/// Resizes a ReplicaSet that has another size.
pub(super) fn set_size(d: &mut Draft<'_>, rs: &ReplicaSet, to: i32) {
    if rs.wanted() != to {
        d.resize(rs, to, Note::scaled(rs.name(), rs.revision(), rs.wanted(), to));
    }
    if to > 0 || rs.wanted() > 0 {
        annotate_desired(d, rs);
    }
}

/// Writes down what `spec.replicas` was when the size was set.
pub(super) fn annotate_desired(d: &mut Draft<'_>, rs: &ReplicaSet) {
    let desired = d.s.replicas().to_string();
    d.annotate_size(rs, labels::DESIRED_REPLICAS, Some(&desired));
}

/// Creates the ReplicaSet of a new revision.
pub(super) fn create(d: &mut Draft<'_>, size: i32) {
    if planted::is(Bug::CreatesOnlyAtFirstSight) && d.before().current_pod_hash == d.revisions.hash.as_str() {
        return;
    }
    let rs = new_replica_set(d, size);
    let name = rs.name().to_owned();
    let number = d.revisions.number;
    let mut notes = vec![Note::replica_set_created(&name, number)];
    if size > 0 {
        notes.push(Note::scaled(&name, number, 0, size));
    }
    d.plan(Effect::CreateReplicaSet(Box::new(rs)), Some(Phase::Grow), notes);
}

/// The ReplicaSet of the new revision: named after its hash, so that a second attempt finds the first.
fn new_replica_set(d: &Draft<'_>, size: i32) -> ReplicaSet {
    let (rollout, hash) = (&d.s.rollout, d.revisions.hash.as_str().to_owned());
    let mut template = identity::clean_template(d.s.template().unwrap_or(&Value::Null));
    let mut pod_labels = selector::texts(&template, "/metadata/labels");
    pod_labels.insert(labels::POD_TEMPLATE_HASH.into(), hash.clone());
    template["metadata"]["labels"] = pod_labels.clone().into_iter().map(|(k, v)| (k, Value::String(v))).collect();
    affinity::inject(d, &mut template);
    let metadata = metadata::of_new(d);
    for (at, entries) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        for (key, value) in entries {
            template["metadata"][at][key] = Value::String(value.clone());
        }
    }
    let mut selector = d.s.selector().cloned().unwrap_or_default();
    selector.match_labels.get_or_insert_default().insert(labels::POD_TEMPLATE_HASH.into(), hash.clone());
    ReplicaSet {
        metadata: ObjectMeta {
            name: Some(format!("{}-{hash}", d.rollout_name())),
            namespace: rollout.metadata.namespace.clone(),
            labels: Some(pod_labels),
            annotations: Some(annotations(d)),
            owner_references: (!planted::is(Bug::ForgetsTheOwner)).then(|| vec![owner(d)]),
            ..ObjectMeta::default()
        },
        spec: ReplicaSetSpec {
            replicas: Some(size),
            min_ready_seconds: rollout.spec.min_ready_seconds.filter(|seconds| *seconds != 0),
            selector: LabelSelector { ..selector },
            template,
        },
        status: None,
    }
}

fn annotations(d: &Draft<'_>) -> BTreeMap<String, String> {
    let own = d.s.rollout.metadata.annotations.iter().flatten();
    let mut annotations: BTreeMap<String, String> =
        own.filter(|(key, _)| revise::is_copied(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    annotations.insert(labels::REVISION.into(), d.revisions.number.to_string());
    annotations.insert(labels::DESIRED_REPLICAS.into(), d.s.replicas().to_string());
    annotations.extend(metadata::listed(&metadata::of_new(d)).map(|list| (labels::EPHEMERAL_METADATA.into(), list)));
    annotations
}

/// The reference by which the Rollout owns its ReplicaSets.
pub(super) fn owner(d: &Draft<'_>) -> OwnerReference {
    OwnerReference {
        api_version: crate::api::API_VERSION.into(),
        kind: "Rollout".into(),
        name: d.rollout_name().to_owned(),
        uid: d.s.rollout.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
