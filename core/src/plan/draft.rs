//! A plan in the making: what is known, and what has been decided so far.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::{CanaryStep, ReplicaSet, RolloutStatus, WaitingOn, labels};
use crate::effect::{Change, Effect, Entries, Entry, Phase, Planned, ReplicaSetPatch, TemplatePatch};
use crate::event::Note;
use crate::replicas::Limits;
use crate::revision::Revisions;
use crate::snapshot::Snapshot;
use crate::status::conditions::{self, kind};
use crate::status::{counters, waiting};
use crate::step_plugin::StepCall;
use crate::strategy::Strategy;

use super::Plan;
use super::traffic::Traffic;
use super::{balancers, report};

/// The planner's private context. It lives for one call of [`super::plan`].
pub(super) struct Draft<'a> {
    pub(super) s: &'a Snapshot,
    pub(super) strategy: Strategy<'a>,
    pub(super) steps: &'a [CanaryStep],
    pub(super) limits: Limits,
    pub(super) revisions: Revisions<'a>,
    /// The status as decided so far, counters already up to date.
    pub(super) status: RolloutStatus,
    pub(super) notes: Vec<Note>,
    pub(super) waiting_on: Option<WaitingOn>,
    /// What routers and Services do with the traffic, where there are routers.
    pub(super) traffic: Traffic,
    /// Whether this plan starts an update: its steps begin with the next observation.
    pub(super) begins: bool,
    /// Whether this plan makes the new revision stable: pods go only once that decision is stored.
    pub(super) promotes: bool,
    effects: Vec<Planned>,
    patches: BTreeMap<String, Patch>,
    wake_at: Option<Timestamp>,
    call: Option<StepCall>,
    /// Whether a traffic router cannot be told something.
    fails_to_route: bool,
}

/// Changes of one ReplicaSet, gathered so that they become one write.
struct Patch {
    changes: ReplicaSetPatch,
    notes: Vec<Note>,
    /// Annotations that make sense only together with the new size.
    with_size: Vec<Entry>,
}

impl Patch {
    /// Changes an annotation; what was decided about it before is forgotten.
    fn annotate(&mut self, key: &str, from: Option<&str>, to: Option<&str>, with_size: bool) {
        let now = &mut self.changes.annotations.changes;
        now.retain(|entry| entry.key != key);
        self.with_size.retain(|entry| entry.key != key);
        let list = if with_size { &mut self.with_size } else { now };
        list.extend(Entry::change(key, from, to));
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(s: &'a Snapshot, strategy: Strategy<'a>) -> Draft<'a> {
        let revisions = Revisions::of(s);
        let mut status = s.rollout.status().clone();
        counters::count(&mut status, &revisions, s.replicas());
        Draft {
            s,
            strategy,
            steps: strategy.steps(),
            limits: strategy.limits(s.replicas()),
            revisions,
            status,
            notes: Vec::new(),
            waiting_on: None,
            traffic: Traffic::default(),
            begins: false,
            promotes: false,
            effects: Vec::new(),
            patches: BTreeMap::new(),
            wake_at: None,
            call: None,
            fails_to_route: false,
        }
    }

    /// The status before this plan.
    pub(super) fn before(&self) -> &'a RolloutStatus {
        self.s.rollout.status()
    }

    /// Whether the revision asked for is the stable one.
    pub(super) fn is_complete(&self) -> bool {
        self.status.stable_rs == self.revisions.hash.as_str()
    }

    /// Whether this plan makes another revision the stable one. What that moves, moves once it is stored.
    pub(super) fn replaces_stable(&self) -> bool {
        self.promotes && !self.before().stable_rs.is_empty()
    }

    /// Whether this is a first revision that has to go through the steps (`spec.initialDeploy`).
    pub(super) fn is_first_on_trial(&self) -> bool {
        self.status.stable_rs.is_empty() && self.s.rollout.spec.initial_deploy.as_deref() == Some("steps")
    }

    /// Whether this is a first revision that is stable at once: there is nothing to compare it with.
    pub(super) fn is_first(&self) -> bool {
        self.status.stable_rs.is_empty() && !self.is_first_on_trial()
    }

    /// The step in force; the number of steps once all are done.
    pub(super) fn index(&self) -> usize {
        let index = self.status.current_step_index.unwrap_or(0);
        usize::try_from(index).unwrap_or(0).min(self.steps.len())
    }

    pub(super) fn set_index(&mut self, index: usize) {
        self.status.current_step_index = (!self.steps.is_empty()).then_some(index as i32);
    }

    /// Looks again at `time` at the latest.
    pub(super) fn wake_at(&mut self, time: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(time, |earlier| earlier.min(time)));
    }

    /// How far the new revision's pods have come: those that are ready and those that are available, added up.
    fn how_far(&self) -> i32 {
        self.revisions.new.map_or(0, |new| new.observed().ready_replicas + new.observed().available_replicas)
    }

    /// Whether the update moved since its status was written. Of pods that come and go only those count that are more than ever
    /// during this wait.
    pub(super) fn has_progressed(&self) -> bool {
        if self.has_measured() {
            return true;
        }
        let reached = self.revisions.new.and_then(|new| waiting::reached(self.before(), &object_of(new)));
        let farther = reached.is_none_or(|reached| self.how_far() > reached);
        counters::progressed(self.before(), &self.status, farther)
    }

    /// Whether what it measured has come to its end: that takes as long as it takes, and what comes next has its own time.
    fn has_measured(&self) -> bool {
        let before = conditions::reason_of(self.before(), kind::WAITING);
        let now = self.waiting_on.as_ref().map_or("", |on| on.reason.as_str());
        waiting::is_for_measurements(before) && !waiting::is_for_measurements(now)
    }

    /// Has a plugin asked; one call at a time.
    pub(super) fn ask(&mut self, call: &StepCall) {
        self.call.get_or_insert_with(|| call.clone());
    }

    /// Names what the rollout waits for. The first reason given is the one shown.
    pub(super) fn wait(&mut self, reason: &str, object: Option<String>, message: impl Into<String>) {
        if self.waiting_on.is_none() {
            self.waiting_on = Some(WaitingOn::new(reason, object, message));
        }
    }

    /// Plans an effect, unless the API server refused it a moment ago: then the rollout says so and waits. Says whether it is
    /// planned.
    pub(super) fn plan(&mut self, effect: Effect, phase: Option<Phase>, notes: Vec<Note>) -> bool {
        if let Some(refusal) = self.s.refusal_of(&effect) {
            let (retry_at, message) = (refusal.retry_at, format!("cannot {}: {}", refusal.key, refusal.error));
            self.wake_at(retry_at);
            if matches!(effect, Effect::Route(_)) {
                // That the weight is on its way would be true as well, and of no help.
                self.fails_to_route = true;
                self.waiting_on = None;
            }
            self.wait("Refused", Some(format!("{}/{}", refusal.key.kind, refusal.key.name)), message);
            return false;
        }
        self.effects.push(Planned { effect, phase, notes });
        true
    }

    fn patch_of(&mut self, rs: &ReplicaSet) -> &mut Patch {
        self.patches.entry(rs.name().to_owned()).or_insert_with(|| Patch {
            changes: ReplicaSetPatch::of(rs),
            notes: Vec::new(),
            with_size: Vec::new(),
        })
    }

    /// Changes a ReplicaSet's size.
    pub(super) fn resize(&mut self, rs: &ReplicaSet, to: i32, note: Note) {
        let patch = self.patch_of(rs);
        patch.changes.replicas = Some(Change { from: rs.wanted(), to });
        patch.notes.push(note);
    }

    /// Sets an annotation of a ReplicaSet, if it differs.
    pub(super) fn annotate(&mut self, rs: &ReplicaSet, key: &str, to: &str) {
        self.change(rs, |patch| patch.annotate(key, rs.annotation(key), Some(to), false));
    }

    /// Removes an annotation of a ReplicaSet, if it is there.
    pub(super) fn remove_annotation(&mut self, rs: &ReplicaSet, key: &str) {
        self.change(rs, |patch| patch.annotate(key, rs.annotation(key), None, false));
    }

    /// Sets an annotation that speaks of the size, together with it, or removes it.
    pub(super) fn annotate_size(&mut self, rs: &ReplicaSet, key: &str, to: Option<&str>) {
        self.change(rs, |patch| patch.annotate(key, rs.annotation(key), to, true));
    }

    /// Changes the template for pods to come.
    pub(super) fn change_template(&mut self, rs: &ReplicaSet, change: impl FnOnce(&mut TemplatePatch)) {
        self.change(rs, |patch| change(&mut patch.changes.template));
    }

    fn change(&mut self, rs: &ReplicaSet, change: impl FnOnce(&mut Patch)) {
        change(self.patch_of(rs));
    }

    /// Copies `spec.minReadySeconds` to a ReplicaSet that differs.
    pub(super) fn set_min_ready_seconds(&mut self, rs: &ReplicaSet, to: i32) {
        let from = rs.spec.min_ready_seconds.unwrap_or(0);
        if from != to {
            self.patch_of(rs).changes.min_ready_seconds = Some(Change { from, to });
        }
    }

    /// Whether anything that changes the number of pods is planned.
    pub(super) fn scales(&self) -> bool {
        self.patches.values().any(|patch| patch.changes.replicas.is_some())
            || self.effects.iter().any(|p| p.phase.is_some())
    }

    /// The plan: the effects without a phase, and those of the first phase that has any.
    pub(super) fn finish(mut self) -> Plan {
        for (_, patch) in std::mem::take(&mut self.patches) {
            self.plan_patch(patch);
        }
        if let Some(first) = self.effects.iter().filter_map(|planned| planned.phase).min() {
            let (now, later): (Vec<_>, Vec<_>) =
                self.effects.into_iter().partition(|planned| planned.phase.is_none_or(|phase| phase == first));
            self.effects = now;
            // What a later phase would have written beside the size need not wait for it.
            self.effects.extend(later.into_iter().filter_map(without_size));
        }
        // Pods come and go by themselves, so what fails on one of them must not keep the rest from happening.
        self.effects.sort_by_key(|planned| planned.effect.is_of_a_pod());
        let far = self.how_far();
        waiting::report(&mut self.status, self.s, self.waiting_on.take(), far);
        let note = balancers::of_active(&self, &self.status);
        self.notes.extend(note);
        let fails =
            self.fails_to_route || self.status.waiting_on.as_ref().is_some_and(|on| on.reason == waiting::ROUTING);
        if let Some(news) = waiting::news(self.s.rollout.status(), &self.status).filter(|_| fails) {
            let from_aws = self.traffic.observed.iter().filter_map(|it| it.aws.as_ref()).find(|aws| aws.is_mute);
            self.notes.push(match from_aws {
                Some(aws) if aws.not_found => Note::load_balancer_not_found(news),
                Some(_) => Note::verification_failed(news),
                None => Note::routing_failed(news),
            });
        }
        let asks = self.traffic.is_held || self.traffic.observed.iter().any(|it| it.verified == Some(false));
        let urgency = report::urgency(self.s.rollout.status(), &self.status);
        let Draft { effects, status, notes, call, wake_at, .. } = self;
        Plan { effects, status, urgency, notes, call, wake_at, asks }
    }

    fn plan_patch(&mut self, gathered: Patch) {
        let Patch { changes: mut patch, notes, with_size } = gathered;
        let phase = patch.replicas.as_ref().map(|size| if size.to > size.from { Phase::Grow } else { Phase::Shrink });
        patch.annotations.changes.extend(with_size);
        // What the API server may refuse in a template holds no size back.
        if phase.is_some() && !patch.template.is_empty() {
            let template = ReplicaSetPatch {
                replicas: None,
                min_ready_seconds: None,
                annotations: Entries { changes: Vec::new(), ..patch.annotations },
                template: std::mem::take(&mut patch.template),
                ..patch.clone()
            };
            self.plan(Effect::PatchReplicaSet(template), None, Vec::new());
        }
        if !patch.is_empty() {
            self.plan(Effect::PatchReplicaSet(patch), phase, notes);
        }
    }
}

/// A ReplicaSet, as `waitingOn` names it.
pub(super) fn object_of(rs: &ReplicaSet) -> String {
    format!("ReplicaSet/{}", rs.name())
}

/// The part of a postponed effect that has no phase of its own.
fn without_size(planned: Planned) -> Option<Planned> {
    let Effect::PatchReplicaSet(mut patch) = planned.effect else { return None };
    patch.replicas = None;
    patch.annotations.changes.retain(|entry| !labels::OF_SIZE.contains(&entry.key.as_str()));
    (!patch.is_empty()).then_some(Planned { effect: Effect::PatchReplicaSet(patch), phase: None, notes: Vec::new() })
}
