//! Which revision each Service selects.

use crate::api::{ReplicaSet, labels};
use crate::effect::{Effect, Entries, Entry, Phase, ServicePatch, Target};
use crate::event::Note;
use crate::snapshot::Service;
use crate::strategy::Strategy;

use super::draft::Draft;
use super::scale;

/// Points the Services of a canary without a traffic router at their revisions.
pub(super) fn point_canary(d: &mut Draft<'_>) {
    let Strategy::Canary(canary) = d.strategy else { return };
    let stable = d.revisions.stable;
    if let (Some(name), Some(rs)) = (canary.stable_service.as_deref(), serving(d)) {
        point(d, name, rs, Phase::Shift);
    }
    let trial = if d.status.abort { stable } else { d.revisions.new };
    if let (Some(name), Some(rs)) = (canary.canary_service.as_deref(), trial) {
        point(d, name, rs, Phase::Shift);
    }
    release(d);
}

/// The ReplicaSet for the stable Service: the stable one, until its last pods are about to go. (Argo Rollouts leaves the
/// Service on a ReplicaSet without pods until the promotion.)
fn serving<'a>(d: &Draft<'a>) -> Option<&'a ReplicaSet> {
    let sizes = scale::observed(d);
    let about_to_go = d.revisions.other_stable().is_some() && sizes.desired().stable == 0 && sizes.next().stable == 0;
    d.revisions.new.filter(|new| about_to_go && new.size().serving() > 0).or(d.revisions.stable)
}

/// Points a Service at a ReplicaSet that has pods to serve. One that nobody managed before selects more pods than it will
/// afterwards, so every pod of the ReplicaSet must be available first.
pub(super) fn point(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet, phase: Phase) {
    let Some(service) = d.s.service(name) else { return };
    let Some(hash) = rs.hash() else { return };
    let serving = rs.size().serving();
    // A rollout that is scaled to nothing has no pods to wait for.
    let needed = if service.managed_by.is_none() { rs.wanted().max(1) } else { 1 }.min(d.s.replicas());
    if service.hash() != Some(hash.as_str()) && serving < needed {
        let message = format!("{serving} of {needed} pods of ReplicaSet {} that it needs are available", rs.name());
        d.wait("ServicePods", Some(format!("Service/{name}")), message);
        return;
    }
    select(d, service, Some(hash.as_str()), phase);
}

/// Points a Service that carries no traffic yet at a ReplicaSet, whether it has pods or not.
pub(super) fn point_ahead(d: &mut Draft<'_>, name: &str, rs: &ReplicaSet) {
    if let (Some(service), Some(hash)) = (d.s.service(name), rs.hash()) {
        select(d, service, Some(hash.as_str()), Phase::Grow);
    }
}

/// Lets go of the Services that the manifest does not name any more: they select by their own labels again.
pub(super) fn release(d: &mut Draft<'_>) {
    let own = d.rollout_name().to_owned();
    for service in &d.s.services {
        let named = d.strategy.services().any(|(_, name)| name == service.target.name);
        if !named && service.managed_by.as_deref() == Some(own.as_str()) {
            select(d, service, None, Phase::Shift);
        }
    }
}

fn select(d: &mut Draft<'_>, service: &Service, hash: Option<&str>, phase: Phase) {
    let manager = hash.map(|_| d.rollout_name());
    let selector = Entry::change(labels::POD_TEMPLATE_HASH, service.hash(), hash);
    let annotation = Entry::change(labels::MANAGED_BY, service.managed_by.as_deref(), manager);
    if selector.is_none() && annotation.is_none() {
        return;
    }
    let mut notes = Vec::new();
    if selector.is_some() {
        notes.push(Note::switched(&service.target.name, service.hash(), hash));
    }
    let patch = ServicePatch {
        target: Target { ..service.target.clone() },
        selector: Entries { changes: Vec::from_iter(selector), had_any: !service.selector.is_empty() },
        annotations: Entries { changes: Vec::from_iter(annotation), had_any: service.has_annotations },
    };
    d.plan(Effect::PatchService(patch), Some(phase), notes);
}

/// Whether the Service of this name selects the ReplicaSet now.
pub(super) fn selects(d: &Draft<'_>, name: Option<&str>, rs: &ReplicaSet) -> bool {
    let hash = name.and_then(|name| d.s.service(name)).and_then(Service::hash);
    hash.is_some_and(|hash| rs.hash().is_some_and(|own| own.as_str() == hash))
}
