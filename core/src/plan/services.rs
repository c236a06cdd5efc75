//! Which revision each Service selects.

use crate::api::{ReplicaSet, labels};
use crate::effect::{Effect, Entries, Entry, Phase, ServicePatch};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::snapshot::Service;
use crate::strategy::Strategy;
use crate::traffic::pods;

use super::draft::Draft;
use super::{lacking, scale, traffic};

/// Points the Services of a canary without a traffic router at their revisions.
pub(super) fn point_canary(d: &mut Draft<'_>) {
    if d.replaces_stable() {
        return;
    }
    let Strategy::Canary(canary) = d.strategy else { return };
    let stable = d.revisions.stable;
    if let (Some(name), Some(rs)) = (canary.stable_service.as_deref(), serving(d)) {
        // On its way from one version to the other it never leads to fewer pods.
        let now = selected(d, name);
        if now.is_none_or(|now| rs.certain() >= now.size().serving()) {
            point(d, name, rs, Phase::Shift);
        }
    }
    let trial = if d.status.abort { stable } else { d.revisions.new };
    if let (Some(name), Some(rs)) = (canary.canary_service.as_deref(), trial) {
        point(d, name, rs, Phase::Shift);
    }
    release(d);
}

/// Points the Services of a canary with traffic routers at their revisions. A Service that gets traffic is not moved to another
/// version's pods: its weight goes first.
pub(super) fn point_routed(d: &mut Draft<'_>) {
    // Whose turn it is, the status must say before a Service follows it.
    if d.promotes {
        return;
    }
    let roles = traffic::roles(d);
    if let Some(stable) = d.revisions.stable {
        point_stable(d, roles.stable, stable);
    }
    let trial = if d.status.abort { d.revisions.stable } else { d.revisions.new };
    if let Some(rs) = trial {
        point_trial(d, roles.canary, rs);
    }
    release(d);
}

fn point_stable(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet) {
    let now = selected(d, name);
    let left = now.filter(|now| now.uid() != rs.uid()).map_or(0, |now| now.size().serving());
    // What it leads to next must carry what it carries now.
    let lowest = if d.traffic.lags() { 0 } else { d.traffic.lowest };
    let share = pods(d.strategy.max_weight() - lowest, d.strategy.max_weight(), d.s.replicas());
    let needed = left.min(share).min(traffic::carriers(d)).min(d.strategy.needed(d.s.replicas()));
    if rs.certain() < needed {
        let message = format!("{} of {needed} pods that it needs are available", rs.certain());
        d.wait("ServicePods", Some(format!("Service/{name}")), message);
        return;
    }
    point(d, name, rs, Phase::Shift);
}

fn point_trial(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet) {
    let in_use = d.traffic.reaches_canary();
    let now = selected(d, name);
    let other = now.filter(|now| now.uid() != rs.uid() && now.size().serving() > 0);
    let takes_over = traffic::carrier_of_last_resort(d).is_some_and(|needed| rs.certain() >= needed);
    let busy = in_use && !takes_over && !planted::is(Bug::MovesBusyServices);
    match other.filter(|_| busy) {
        Some(_) if d.traffic.highest == 0 && lacking::now(d, d.index()).is_some() => {
            // Nothing is sent there any more, as far as that is known: what is not known is what it waits for.
            if let Some(on) = lacking::now(d, d.index()) {
                d.wait(&on.reason, on.object, on.message);
            }
        }
        Some(other) => {
            let message = format!("traffic still goes to ReplicaSet {}", other.name());
            d.wait("Weight", Some(format!("Service/{name}")), message);
        }
        // A load balancer that gates the pods' readiness must see them from the first moment.
        None if d.strategy.takes_turns() && !in_use => {
            point_ahead(d, name, rs);
        }
        None => point(d, name, rs, Phase::Shift),
    }
}

/// The ReplicaSet for the stable Service: the stable one, until its last pods are about to go. (Argo Rollouts leaves the
/// Service on a ReplicaSet without pods until the promotion.)
pub(super) fn serving<'a>(d: &Draft<'a>) -> Option<&'a ReplicaSet> {
    let sizes = scale::observed(d);
    let about_to_go = d.revisions.other_stable().is_some() && sizes.desired().stable == 0 && sizes.next().stable == 0;
    d.revisions.new.filter(|new| about_to_go && new.certain() > 0).or(d.revisions.stable)
}

/// Points a Service at a ReplicaSet that has pods to serve. One that nobody managed before selects more pods than it will
/// afterwards, so every pod of the ReplicaSet must be available first.
pub(super) fn point(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet, phase: Phase) {
    let Some(service) = d.s.service(name) else { return };
    let Some(hash) = rs.hash() else { return };
    let serving = rs.certain();
    // A rollout that is scaled to nothing has no pods to wait for.
    let needed = if service.managed_by.is_none() { rs.wanted().max(1) } else { 1 }.min(d.s.replicas());
    if service.hash() != Some(hash.as_str()) && serving < needed {
        let message = format!("{serving} of {needed} pods of ReplicaSet {} that it needs are available", rs.name());
        d.wait("ServicePods", Some(format!("Service/{name}")), message);
        return;
    }
    let edited =
        service.managed_by.is_some() && service.hash().is_none_or(|hash| d.revisions.with_hash(hash).is_none());
    if !(edited && planted::is(Bug::TrustsEditedSelectors)) {
        select(d, service, Some(hash.as_str()), phase);
    }
}

/// Points a Service that carries no traffic yet at a ReplicaSet, whether it has pods or not. Says whether it selects it now, or
/// once the plan is executed.
pub(super) fn point_ahead(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet) -> bool {
    match (d.s.service(name), rs.hash()) {
        (Some(service), Some(hash)) => select(d, service, Some(hash.as_str()), Phase::Grow),
        _ => false,
    }
}

/// Lets go of the Services that the manifest does not name any more: they select by their own labels again, and so the pods of
/// every version. As long as that would show pods that nobody is meant to see, they stay with the version that serves.
pub(super) fn release(d: &mut Draft<'_>) {
    if planted::is(Bug::KeepsReleasedServices) {
        return;
    }
    let serving = match d.strategy {
        Strategy::Canary(_) => serving(d),
        Strategy::BlueGreen(_) => d.revisions.stable,
    };
    let may_show = may_show_all(d) || planted::is(Bug::ReleasesTooEarly);
    let snapshot = d.s;
    let mut left_over: Vec<&Service> = snapshot.services.iter().filter(|service| is_left_over(d, service)).collect();
    left_over.sort_by_key(|service| &service.target.name);
    for service in left_over {
        if may_show {
            select(d, service, None, Phase::Shift);
        } else if let Some(rs) = serving.filter(|_| d.is_complete()) {
            point(d, &service.target.name, rs, Phase::Shift);
        }
    }
}

/// Whether every pod that there is may be seen by everybody: the stable version's alone, or a canary's in their proportion.
fn may_show_all(d: &Draft<'_>) -> bool {
    if d.revisions.old.iter().any(|rs| rs.wanted() > 0) {
        return false;
    }
    let new = d.revisions.new.map_or(0, ReplicaSet::wanted);
    match d.strategy {
        _ if d.is_complete() => d.revisions.other_stable().is_none(),
        Strategy::Canary(_) => !d.begins && new <= scale::observed(d).desired().canary,
        Strategy::BlueGreen(_) => false,
    }
}

/// Whether a Service is managed by the rollout, whose manifest does not name it any more.
fn is_left_over(d: &Draft<'_>, service: &Service) -> bool {
    let named = d.strategy.services().any(|(_, name)| name == service.target.name);
    !named && service.managed_by.as_deref() == Some(d.rollout_name())
}

/// The patch that lets go of a Service whose Rollout is gone.
pub fn release_orphan(service: &Service) -> ServicePatch {
    patch(service, None, None)
}

/// Says whether the Service selects that now, or once the plan is executed.
fn select(d: &mut Draft<'_>, service: &Service, hash: Option<&str>, phase: Phase) -> bool {
    let patch = patch(service, hash, hash.map(|_| d.rollout_name()));
    if patch.selector.changes.is_empty() && patch.annotations.changes.is_empty() {
        return true;
    }
    let switched = patch.hash().map(|_| Note::switched(&service.target.name, service.hash(), hash));
    d.plan(Effect::PatchService(patch), Some(phase), switched.into_iter().collect())
}

fn patch(service: &Service, hash: Option<&str>, manager: Option<&str>) -> ServicePatch {
    let selector = Entry::change(labels::POD_TEMPLATE_HASH, service.hash(), hash);
    let annotation = Entry::change(labels::MANAGED_BY, service.managed_by.as_deref(), manager);
    ServicePatch {
        target: service.target.clone(),
        selector: Entries { changes: selector.into_iter().collect(), had_any: !service.selector.is_empty() },
        annotations: Entries { changes: annotation.into_iter().collect(), had_any: service.has_annotations },
    }
}

/// The ReplicaSet that the Service of this name selects.
fn selected<'a>(d: &Draft<'a>, name: &str) -> Option<&'a ReplicaSet> {
    d.s.service(name).and_then(Service::hash).and_then(|hash| d.revisions.with_hash(hash))
}

/// Whether the Service of this name selects the ReplicaSet.
pub(super) fn selects(d: &Draft<'_>, name: &str, rs: &ReplicaSet) -> bool {
    let hash = d.s.service(name).and_then(Service::hash);
    hash.is_some_and(|hash| rs.has_hash(hash))
}

/// Whether traffic reaches a ReplicaSet by one of these Services, or by one that is still to be let go.
pub(super) fn is_used(d: &Draft<'_>, names: &[&str], rs: &ReplicaSet) -> bool {
    let selects = |service: &Service| service.hash().is_some_and(|hash| rs.has_hash(hash));
    let matters = |service: &Service| names.contains(&service.target.name.as_str()) || is_left_over(d, service);
    d.s.services.iter().any(|service| selects(service) && matters(service))
}
