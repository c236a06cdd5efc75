//! Each invariant catches the plan that breaks it. The plans are broken by hand, as a faulty planner would.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::{Invariant, Part, check, enforce};
use crate::api::{PauseCondition, PauseReason, ReplicaSet, Rollout};
use crate::effect::{
    Change, Effect, Entries, Entry, Phase, Planned, ReplicaSetPatch, ServicePatch, Target, WorkloadScale,
};
use crate::plan::{Plan, Urgency, plan};
use crate::sight::Sight;
use crate::snapshot::{Service, Snapshot};
use crate::step_plugin::StepPlugins;
use crate::workload::{Workload, WorkloadKind};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a timestamp")
}

fn replica_set(hash: &str, wanted: i32, available: i32) -> ReplicaSet {
    let manifest = json!({
        "metadata": {
            "name": format!("web-{hash}"), "uid": format!("uid-{hash}"), "resourceVersion": "1",
            "labels": {"app": "web", "rollouts-pod-template-hash": hash},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}],
        },
        "spec": {
            "replicas": wanted, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web", "image": hash}}, "spec": {"containers": [{"name": "web", "image": hash}]}},
        },
        "status": {"replicas": wanted, "readyReplicas": available, "availableReplicas": available},
    });
    serde_json::from_value(manifest).expect("a ReplicaSet")
}

/// A canary of four pods in the middle of its update, paused for ever at step 1 of 3.
fn paused_canary() -> Snapshot {
    let manifest = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 3, "resourceVersion": "9"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:2"}]}},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [{"setWeight": 50}, {"pause": {}}, {"setWeight": 75}]}},
        },
        "status": {
            "currentPodHash": "new", "stableRS": "old", "currentStepIndex": 1, "currentStepHash": "steps",
            "observedGeneration": "3", "phase": "Paused", "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}],
        },
    });
    let rollout: Rollout = serde_json::from_value(manifest).expect("a Rollout");
    Snapshot {
        now: now(),
        rollout,
        decode_problems: Vec::new(),
        replica_sets: vec![replica_set("old", 2, 2), replica_set("new", 2, 2)],
        pods: Vec::new(),
        services: Vec::new(),
        routers: Vec::new(),
        former: Vec::new(),
        workload: Sight::Missing,
        analyses: crate::snapshot::Analyses::default(),
        experiments: Vec::new(),
        step_plugins: StepPlugins::default(),
        refusals: Vec::new(),
        stores_waiting_on: true,
    }
}

fn idle(snapshot: &Snapshot) -> Plan {
    Plan {
        effects: Vec::new(),
        status: snapshot.rollout.status().clone(),
        urgency: Urgency::None,
        notes: Vec::new(),
        call: None,
        wake_at: None,
        asks: false,
    }
}

fn resize(rs: &ReplicaSet, to: i32) -> Planned {
    let mut patch = ReplicaSetPatch::of(rs);
    patch.replicas = Some(Change { from: rs.wanted(), to });
    Planned { effect: Effect::PatchReplicaSet(patch), phase: Some(Phase::Shrink), notes: Vec::new() }
}

#[track_caller]
fn broken(snapshot: &Snapshot, plan: &Plan) -> Vec<(Invariant, Part)> {
    check(snapshot, plan).into_iter().map(|violation| (violation.invariant, violation.part)).collect()
}

#[test]
fn an_idle_plan_breaks_nothing() {
    let snapshot = paused_canary();
    assert_eq!(check(&snapshot, &idle(&snapshot)), []);
}

#[test]
fn a_shrink_below_what_must_stay_available_is_withheld_and_the_rest_goes_on() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.effects = vec![resize(&snapshot.replica_sets[0], 1), resize(&snapshot.replica_sets[1], 3)];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Capacity, Part::Effect(0))]);
    let violations = check(&snapshot, &plan);
    let kept = enforce(&snapshot, plan, &violations);
    assert_eq!(kept.effects, [resize(&snapshot.replica_sets[1], 3)]);
}

#[test]
fn pods_of_somebody_else_do_not_count() {
    let mut snapshot = paused_canary();
    let mut stranger = replica_set("stranger", 9, 9);
    stranger.metadata.owner_references = None;
    snapshot.replica_sets.push(stranger);
    let mut plan = idle(&snapshot);
    plan.effects = vec![resize(&snapshot.replica_sets[0], 1)];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Capacity, Part::Effect(0))]);
}

#[test]
fn shrinking_pods_that_are_not_available_is_allowed() {
    let mut snapshot = paused_canary();
    snapshot.replica_sets = vec![replica_set("old", 4, 4), replica_set("new", 2, 0)];
    let mut plan = idle(&snapshot);
    plan.effects = vec![resize(&snapshot.replica_sets[1], 0)];
    assert_eq!(check(&snapshot, &plan), []);
}

#[test]
fn two_shrinks_are_judged_together() {
    let mut snapshot = paused_canary();
    snapshot.replica_sets = vec![replica_set("old", 3, 3), replica_set("new", 2, 2)];
    let mut plan = idle(&snapshot);
    plan.effects = vec![resize(&snapshot.replica_sets[0], 2), resize(&snapshot.replica_sets[1], 1)];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Capacity, Part::Effect(1))]);
}

#[test]
fn a_step_index_that_goes_back_is_caught() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.status.current_step_index = Some(0);
    assert_eq!(broken(&snapshot, &plan), [(Invariant::StepMonotone, Part::Status)]);
}

#[test]
fn a_weight_step_passed_without_its_pods_is_caught() {
    let mut snapshot = paused_canary();
    let status = snapshot.rollout.status.as_mut().expect("a status");
    (status.current_step_index, status.controller_pause) = (Some(2), false);
    status.pause_conditions.clear();
    let mut plan = idle(&snapshot);
    plan.status.current_step_index = Some(3);
    assert_eq!(broken(&snapshot, &plan), [(Invariant::StepMonotone, Part::Status)]);
}

#[test]
fn an_indefinite_pause_that_ends_by_itself_is_caught_and_the_status_stays() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.status.current_step_index = Some(2);
    plan.status.pause_conditions.clear();
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Pause, Part::Status)]);
    let violations = check(&snapshot, &plan);
    assert_eq!(enforce(&snapshot, plan, &violations).status.current_step_index, Some(1));
}

#[test]
fn a_timed_pause_that_ends_early_is_caught_and_one_that_ends_in_time_is_not() {
    let mut snapshot = paused_canary();
    let steps = json!([{"setWeight": 50}, {"pause": {"duration": "10s"}}, {"setWeight": 75}]);
    let canary = snapshot.rollout.spec.strategy.canary.as_mut().expect("a canary");
    canary.steps = serde_json::from_value(steps).expect("steps");
    let mut plan = idle(&snapshot);
    plan.status.current_step_index = Some(2);
    plan.status.pause_conditions.clear();
    snapshot.now = crate::time::after(now(), SignedDuration::from_secs(9));
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Pause, Part::Status)]);
    snapshot.now = crate::time::after(now(), SignedDuration::from_secs(10));
    assert_eq!(check(&snapshot, &plan), []);
}

#[test]
fn a_pause_recorded_twice_is_caught() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    let again = PauseCondition { reason: PauseReason::CANARY_PAUSE_STEP.into(), start_time: Time(now()) };
    plan.status.pause_conditions.push(again);
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Pause, Part::Status)]);
}

#[test]
fn a_second_replica_set_for_a_revision_is_withheld() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    let create = |rs: ReplicaSet| Planned {
        effect: Effect::CreateReplicaSet(Box::new(rs)),
        phase: Some(Phase::Grow),
        notes: Vec::new(),
    };
    plan.effects =
        vec![create(replica_set("new", 1, 0)), create(replica_set("third", 1, 0)), create(replica_set("third", 1, 0))];
    let expected = [(Invariant::AtMostOnce, Part::Effect(0)), (Invariant::AtMostOnce, Part::Effect(2))];
    assert_eq!(broken(&snapshot, &plan), expected);
}

#[test]
fn a_replica_set_under_another_name_or_owner_is_withheld() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    let mut rs = replica_set("third", 1, 0);
    rs.metadata.name = Some("web-random".into());
    rs.metadata.owner_references = None;
    plan.effects =
        vec![Planned { effect: Effect::CreateReplicaSet(Box::new(rs)), phase: Some(Phase::Grow), notes: Vec::new() }];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::AtMostOnce, Part::Effect(0)); 2]);
}

#[test]
fn a_write_that_changes_nothing_is_withheld() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.effects = vec![resize(&snapshot.replica_sets[0], 2)];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Quiet, Part::Effect(0))]);
}

#[test]
fn an_idle_plan_that_asks_to_be_made_again_at_once_waits_a_second() {
    let snapshot = paused_canary();
    let plan = Plan { wake_at: Some(now()), ..idle(&snapshot) };
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Quiet, Part::Wake)]);
    let violations = check(&snapshot, &plan);
    let wake = enforce(&snapshot, plan, &violations).wake_at;
    assert_eq!(wake, Some(crate::time::after(now(), SignedDuration::from_secs(1))));
}

#[test]
fn a_healthy_phase_before_the_end_is_caught() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.status.phase = "Healthy".into();
    let caught = broken(&snapshot, &plan);
    assert!(!caught.is_empty() && caught.iter().all(|found| *found == (Invariant::Truth, Part::Status)), "{caught:?}");
}

#[test]
fn a_generation_that_nobody_has_seen_is_caught() {
    let snapshot = paused_canary();
    let mut plan = idle(&snapshot);
    plan.status.observed_generation = "4".into();
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Truth, Part::Status)]);
}

#[test]
fn what_the_planner_makes_of_it_passes() {
    let snapshot = paused_canary();
    assert_eq!(check(&snapshot, &plan(&snapshot)), []);
}

/// The Service `stable` of the canary, selecting its stable revision.
fn with_service(mut snapshot: Snapshot) -> Snapshot {
    let canary = snapshot.rollout.spec.strategy.canary.as_mut().expect("a canary");
    canary.stable_service = Some("stable".into());
    let selector = [("app", "web"), ("rollouts-pod-template-hash", "old")];
    snapshot.services.push(Service {
        target: Target { name: "stable".into(), uid: "s".into(), resource_version: "1".into() },
        selector: selector.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        managed_by: Some("web".into()),
        has_annotations: true,
        controller: None,
        endpoints: None,
    });
    snapshot
}

fn point(snapshot: &Snapshot, to: Option<&str>) -> Planned {
    let change = Entry::change("rollouts-pod-template-hash", Some("old"), to);
    let patch = ServicePatch {
        target: snapshot.services[0].target.clone(),
        selector: Entries { changes: change.into_iter().collect(), had_any: true },
        annotations: Entries::default(),
    };
    Planned { effect: Effect::PatchService(patch), phase: Some(Phase::Shift), notes: Vec::new() }
}

#[test]
fn a_service_that_is_pointed_at_pods_that_do_not_serve_is_withheld() {
    let mut snapshot = with_service(paused_canary());
    let mut plan = idle(&snapshot);
    plan.effects = vec![point(&snapshot, Some("new"))];
    assert_eq!(check(&snapshot, &plan), []);
    snapshot.replica_sets[1] = replica_set("new", 2, 0);
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Selectors, Part::Effect(0))]);
    plan.effects = vec![point(&snapshot, Some("nothing"))];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Selectors, Part::Effect(0))]);
}

#[test]
fn a_service_that_is_pointed_on_counters_older_than_the_size_is_withheld() {
    let mut snapshot = with_service(paused_canary());
    snapshot.replica_sets[1].metadata.generation = Some(2);
    let mut plan = idle(&snapshot);
    plan.effects = vec![point(&snapshot, Some("new"))];
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Selectors, Part::Effect(0))]);
}

#[test]
fn a_service_is_let_go_only_where_it_shows_no_more_new_pods_than_are_due() {
    let mut snapshot = with_service(paused_canary());
    let mut plan = idle(&snapshot);
    plan.effects = vec![point(&snapshot, None)];
    assert_eq!(check(&snapshot, &plan), []);
    snapshot.replica_sets[1] = replica_set("new", 3, 3);
    assert_eq!(broken(&snapshot, &plan), [(Invariant::Selectors, Part::Effect(0))]);
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let snapshot = with_service(paused_canary());
    let mut plan = idle(&snapshot);
    let delete = |rs: &ReplicaSet| Planned {
        effect: Effect::DeleteReplicaSet(Target::of(&rs.metadata)),
        phase: Some(Phase::Collect),
        notes: Vec::new(),
    };
    plan.effects = vec![delete(&snapshot.replica_sets[0])];
    assert!(broken(&snapshot, &plan).contains(&(Invariant::Collection, Part::Effect(0))));
}

/// A Rollout of a Deployment of four pods, with this many available pods of its own beside them.
fn takeover(available: i32) -> Snapshot {
    let mut snapshot = paused_canary();
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "progressively"});
    snapshot.rollout.spec.workload_ref = serde_json::from_value(reference).expect("a reference");
    let template = snapshot.rollout.spec.template.take().unwrap_or_default();
    let target = Target { name: "web".into(), uid: "d".into(), resource_version: "1".into() };
    let workload =
        Workload { kind: WorkloadKind::Deployment, target, generation: 1, template, selector: None, replicas: 4 };
    snapshot.workload = Sight::Found(Box::new(workload));
    snapshot.replica_sets = vec![replica_set("new", 4, available)];
    snapshot
}

fn scale_workload(name: &str, from: i32, to: i32) -> Planned {
    let target = Target { name: name.into(), uid: "d".into(), resource_version: "1".into() };
    let effect = Effect::ScaleWorkload(WorkloadScale { target, replicas: Change { from, to } });
    Planned { effect, phase: Some(Phase::Shrink), notes: Vec::new() }
}

#[test]
fn a_deployment_shrinks_only_as_far_as_pods_of_the_rollout_replace_its_own() {
    let plan = |snapshot: &Snapshot, effects| Plan { effects, ..idle(snapshot) };
    for (available, to, holds) in [(4, 0, true), (3, 1, true), (3, 0, false), (0, 4, false), (0, 0, false)] {
        let snapshot = takeover(available);
        let found = broken(&snapshot, &plan(&snapshot, vec![scale_workload("web", 5, to)]));
        let expected = if holds { vec![] } else { vec![(Invariant::Capacity, Part::Effect(0))] };
        assert_eq!(found, expected, "{available} available, to {to}");
    }
    let snapshot = takeover(4);
    let both = vec![scale_workload("web", 4, 0), resize(&snapshot.replica_sets[0], 3)];
    assert!(broken(&snapshot, &plan(&snapshot, both)).contains(&(Invariant::Capacity, Part::Effect(0))));
    for wrong in [scale_workload("other", 4, 0), scale_workload("web", 4, 5)] {
        assert_eq!(broken(&snapshot, &plan(&snapshot, vec![wrong])), [(Invariant::Capacity, Part::Effect(0))]);
    }
}
