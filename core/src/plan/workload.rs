//! The workload that the template is taken from: which generation of it was seen, and, of a Deployment, how many pods it still
//! needs.
//!
//! Its size is level-triggered: a Deployment that somebody scales up again after the Rollout has taken over is scaled down again.
//! (Argo Rollouts does it once.) It never grows here, and no pod of it goes before another serves in its place.

use crate::api::{ReplicaSet, labels};
use crate::effect::{Change, Effect, Entry, Phase, WorkloadScale};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::status::conditions::{self, kind};
use crate::strategy::Strategy;
use crate::workload::{ScaleDown, Workload, WorkloadKind};

use super::blue_green;
use super::draft::Draft;

/// The change of the annotation that says which generation of the workload is acted on.
pub(super) fn generation(d: &Draft<'_>) -> Option<Entry> {
    let annotations = d.s.rollout.metadata.annotations.as_ref();
    let recorded = annotations.and_then(|map| map.get(labels::WORKLOAD_GENERATION)).map(String::as_str);
    Entry::change(labels::WORKLOAD_GENERATION, recorded, seen(d).as_deref())
}

/// Writes down which generation was seen, and takes from a Deployment the pods that the Rollout has in their place.
pub(super) fn follow(d: &mut Draft<'_>) {
    d.status.workload_observed_generation = seen(d).unwrap_or_default();
    let Some(workload) = d.s.workload().filter(|workload| workload.kind == WorkloadKind::Deployment) else { return };
    // Its pods are counted on while others come or go.
    if d.s.rollout.spec.paused || d.scales() {
        return;
    }
    let to = needed(d, workload);
    if to < workload.replicas {
        let replicas = Change { from: workload.replicas, to };
        let note = Note::workload_scaled(&workload.target.name, replicas.from, replicas.to);
        let scale = WorkloadScale { target: workload.target.clone(), replicas };
        d.plan(Effect::ScaleWorkload(scale), Some(Phase::Shrink), vec![note]);
    }
}

fn seen(d: &Draft<'_>) -> Option<String> {
    d.s.workload().map(|workload| workload.generation.to_string())
}

/// How many pods of the Deployment are needed beside those of the Rollout.
fn needed(d: &Draft<'_>, workload: &Workload) -> i32 {
    let (wanted, serving) = (d.s.replicas(), serving(d));
    let done = planted::is(Bug::ShrinksTheWorkloadOnce) && conditions::is_true(d.before(), kind::HEALTHY);
    // A Rollout without a pod replaces nothing, even where it asks for none.
    if serving <= 0 || done {
        return workload.replicas;
    }
    match ScaleDown::of(&d.s.rollout) {
        // A first revision on trial may be given up, and then there is nothing else.
        ScaleDown::OnSuccess if serving >= wanted && !d.is_first_on_trial() => 0,
        ScaleDown::Progressively => (wanted - serving).max(0),
        ScaleDown::OnSuccess | ScaleDown::Never => workload.replicas,
    }
}

/// The pods that do the Deployment's work: every one of a canary, and of blue-green those of the version that has the traffic.
fn serving(d: &Draft<'_>) -> i32 {
    let count = |rs: &ReplicaSet| {
        if planted::is(Bug::ShrinksTheWorkloadTooEarly) { rs.wanted() } else { rs.certain() }
    };
    match d.strategy {
        Strategy::Canary(_) => d.revisions.all().map(count).sum(),
        Strategy::BlueGreen(_) => {
            let active = Some(blue_green::selected(d)).filter(|hash| !hash.is_empty());
            let version = active.map_or(d.revisions.stable, |hash| d.revisions.with_hash(hash));
            version.map_or(0, count)
        }
    }
}
