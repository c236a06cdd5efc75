//! Revisions: numbering them, and beginning an update when the manifest asks for another.

use crate::api::{ReplicaSet, labels};
use crate::effect::{Effect, Entries, Entry, RolloutPatch, Target};
use crate::event::Note;
use crate::identity;
use crate::planted::{self, Bug};
use crate::status::duration::{self, completion};

use crate::strategy::Strategy;

use super::draft::Draft;
use super::rollback::{self, Fast};
use super::{analysis, experiment, former, step_plugins, workload};

/// Annotations of a Rollout that say nothing about its revisions.
const NOT_COPIED: [&str; 7] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    labels::REVISION,
    labels::REVISION_HISTORY,
    labels::DESIRED_REPLICAS,
    labels::NOTIFIED,
    labels::WORKLOAD_GENERATION,
    labels::ROUTES_BY,
];

/// Whether a Rollout's annotation belongs on its ReplicaSets too.
pub(super) fn is_copied(key: &str) -> bool {
    !NOT_COPIED.contains(&key)
}

/// Passes over a revision's name that an object of somebody else already has, by hashing a count of such collisions along.
/// Nothing else is decided then: the next plan sees another hash.
pub(super) fn pass_over_taken_name(d: &mut Draft<'_>) -> bool {
    let name = format!("{}-{}", d.rollout_name(), d.revisions.hash);
    let creation = Effect::CreateReplicaSet(Box::new(ReplicaSet::named(&name))).key();
    let taken = d.revisions.new.is_none() && d.s.refusal(&creation).is_some_and(|refusal| refusal.name_taken);
    if taken {
        d.status.collision_count = Some(d.before().collision_count.unwrap_or(0) + 1);
    }
    taken
}

/// Gives the new revision the highest number, on its ReplicaSet and on the Rollout, and writes the default of
/// `spec.replicas`, without which an autoscaler cannot work.
pub(super) fn number_revisions(d: &mut Draft<'_>) {
    let (rollout, number) = (&d.s.rollout, d.revisions.number);
    if let Some(new) = d.revisions.new {
        let previous = new.revision();
        if previous != number {
            d.annotate(new, labels::REVISION, &number.to_string());
            if previous > 0 {
                let history = new
                    .annotation(labels::REVISION_HISTORY)
                    .map_or_else(|| previous.to_string(), |history| format!("{history},{previous}"));
                d.annotate(new, labels::REVISION_HISTORY, &history);
            }
        }
        for (key, value) in rollout.metadata.annotations.iter().flatten().filter(|(key, _)| is_copied(key)) {
            d.annotate(new, key, value);
        }
        d.set_min_ready_seconds(new, rollout.spec.min_ready_seconds.unwrap_or(0));
    }
    let number = number.to_string();
    let annotations = rollout.metadata.annotations.as_ref();
    let recorded = annotations.and_then(|map| map.get(labels::REVISION)).cloned();
    let mut notes = Vec::new();
    let mut changes = Vec::new();
    let forgets = planted::is(Bug::NumbersOnlyAtCreation) && d.revisions.new.is_some();
    if recorded.as_ref() != Some(&number) && !forgets {
        notes.push(Note::updated(d.revisions.number));
        changes.extend(Entry::change(labels::REVISION, recorded.as_deref(), Some(&number)));
    }
    changes.extend(workload::generation(d));
    changes.extend(former::record(d));
    let replicas = rollout.spec.replicas.is_none().then_some(1);
    if replicas.is_some() || !changes.is_empty() {
        let patch = RolloutPatch {
            target: Target::of(&rollout.metadata),
            replicas,
            annotations: Entries { changes, ..Entries::of(annotations) },
        };
        d.plan(Effect::PatchRollout(patch), None, notes);
    }
}

/// Starts over when the pod template or the steps changed: whatever was decided about the previous target is void.
pub(super) fn begin_update(d: &mut Draft<'_>) {
    let hash = d.revisions.hash.as_str().to_owned();
    let step_hash = step_hash(d);
    let first = d.status.current_pod_hash.is_empty();
    let pods_changed = !first && d.status.current_pod_hash != hash;
    let steps_changed = d.status.current_step_hash != step_hash;
    if !first && !pods_changed && !steps_changed {
        return;
    }
    d.begins = true;
    let back_to_stable = d.is_complete();
    d.status.current_pod_hash = hash;
    d.status.current_step_hash = step_hash;
    d.status.pause_conditions.clear();
    d.status.controller_pause = false;
    d.status.abort = false;
    d.status.aborted_at = None;
    d.status.promote_full = false;
    d.status.restarted_at.clone_from(&d.s.rollout.spec.restart_at);
    if let Some(blue_green) = &mut d.status.blue_green {
        blue_green.scale_up_preview_check_point = false;
    }
    step_plugins::forget(d);
    analysis::forget(d);
    experiment::forget(d);
    d.set_index(0);
    skip_steps(d, pods_changed);
    measure(d, pods_changed, back_to_stable);
}

/// An update that goes back to a known revision has no steps to take.
fn skip_steps(d: &mut Draft<'_>, pods_changed: bool) {
    let why = match rollback::fast(d) {
        Some(Fast::ToStable) => "Rollback to stable ReplicaSets",
        Some(Fast::WithinWindow | Fast::StillUp) => "Rollback to active ReplicaSets within RollbackWindow",
        None => return,
    };
    d.set_index(d.steps.len());
    if let Some(blue_green) = &mut d.status.blue_green {
        blue_green.scale_up_preview_check_point = !d.s.rollout.status().stable_rs.is_empty();
    }
    if !d.steps.is_empty() && pods_changed {
        d.notes.push(Note::steps_skipped(why));
    }
}

fn step_hash(d: &Draft<'_>) -> String {
    if matches!(d.strategy, Strategy::BlueGreen(_)) {
        return String::new();
    }
    let canary = d.s.rollout.spec.strategy.canary.as_ref();
    let steps = canary.and_then(|canary| canary.steps.as_ref());
    let steps = steps.map_or(Ok(serde_json::Value::Null), serde_json::to_value);
    // Steps that came from JSON go back into it; if ever they do not, an empty hash starts the update over.
    steps.map(|steps| identity::step_hash(&steps)).unwrap_or_default()
}

fn measure(d: &mut Draft<'_>, pods_changed: bool, back_to_stable: bool) {
    let now = d.s.now;
    if pods_changed && duration::is_running(&d.status) && goes_back(d) {
        let how = if back_to_stable { completion::FAST_ROLLED_BACK } else { completion::ROLLED_BACK };
        duration::mark(&mut d.status, how);
    } else if !back_to_stable {
        duration::start(&mut d.status, now);
    }
}

/// Whether the revision asked for is the stable one or older than it.
fn goes_back(d: &Draft<'_>) -> bool {
    match (d.revisions.new, d.revisions.stable) {
        (Some(new), Some(stable)) => new.uid() == stable.uid() || new.created() < stable.created(),
        _ => false,
    }
}
