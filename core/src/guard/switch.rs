//! S4 for blue-green: pods go only after the gateways that lead to the active Service have heard where it leads.

use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::{Service, Snapshot};
use crate::strategy::Strategy;
use crate::traffic::Destination;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let Some(Strategy::BlueGreen(blue_green)) = Strategy::of(&snapshot.rollout) else { return };
    let service = blue_green.active_service.as_str();
    let active = snapshot.service(service).and_then(Service::leads_to).unwrap_or_default();
    let to = Destination { service: service.to_owned(), hash: active.to_owned() };
    let lags = snapshot
        .routers
        .iter()
        .any(|routed| routed.observe(snapshot.now, &Destination::default(), &to).verified == Some(false));
    if !lags {
        return;
    }
    for (index, planned) in plan.effects.iter().enumerate() {
        let (uid, to) = match &planned.effect {
            Effect::PatchReplicaSet(patch) => match &patch.replicas {
                Some(size) if size.to < size.from => (&patch.target.uid, size.to),
                _ => continue,
            },
            Effect::DeleteReplicaSet(target) => (&target.uid, 0),
            _ => continue,
        };
        let Some(rs) = snapshot.owned().find(|rs| rs.uid() == uid && rs.wanted() > 0 && !rs.has_hash(active)) else {
            continue;
        };
        let message = format!("{} would be shrunk to {to}, although a gateway may still lead there", rs.name());
        violations.push(Violation { invariant: Invariant::PhaseOrder, part: Part::Effect(index), message });
    }
}
