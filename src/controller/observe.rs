//! Caches in, a [`Snapshot`] out. No request is made.

use sluice_core::snapshot::Snapshot;

use super::children::{Owner, version_number};
use super::context::Context;
use super::object::Observed;

/// The snapshot of a rollout, or `None` while the caches are older than this controller's own last write: a plan made on
/// them would repeat it.
pub fn observe(cx: &Context, observed: &Observed) -> Option<Snapshot> {
    let rollout = &observed.rollout;
    let uid = rollout.metadata.uid.as_deref()?;
    let (namespace, name) = (rollout.metadata.namespace.as_deref()?, rollout.metadata.name.as_deref()?);
    let version = version_number(rollout.metadata.resource_version.as_deref());
    let (fresh, refusals, stores_waiting_on) = cx.with_memory(uid, |memory| {
        let fresh = memory.awaited.is_none_or(|awaited| version.is_none_or(|version| version >= awaited));
        if fresh {
            memory.awaited = None;
        }
        (fresh, memory.refusals(), !memory.drops_waiting_on)
    });
    let index = cx.replica_sets();
    let mut children = index.of(&Owner::Uid(uid.to_owned()));
    children.extend(index.of(&Owner::Orphans(namespace.to_owned())));
    let is_child = |candidate: &str| children.iter().any(|rs| rs.name() == candidate);
    let may_be_child = |candidate: &str| candidate.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    if !fresh || index.is_stale(namespace, |candidate| is_child(candidate) || may_be_child(candidate)) {
        return None;
    }
    drop(index);
    let pods = cx.pods();
    let of = |rs: &str| pods.of(&Owner::Uid(rs.to_owned()));
    let restarts = rollout.spec.restart_at.is_some() && rollout.spec.restart_at != rollout.status().restarted_at;
    let pods = if restarts {
        children.iter().flat_map(|rs| of(rs.uid())).map(|pod| pod.pod.clone()).collect()
    } else {
        Vec::new()
    };
    Some(Snapshot {
        now: cx.clock.now(),
        rollout: rollout.clone(),
        decode_problems: observed.problems.clone(),
        replica_sets: children.iter().map(|rs| (**rs).clone()).collect(),
        pods,
        refusals,
        stores_waiting_on,
    })
}
