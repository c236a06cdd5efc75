//! Caches in, a [`Snapshot`] out. No request is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::api::{Experiment, ReplicaSet, Rollout};
use sluice_core::plan::concerns_pods;
use sluice_core::sight::Sight;
use sluice_core::snapshot::{Pod, Service, Snapshot};
use sluice_core::status::Phase;
use sluice_core::strategy::Strategy;
use sluice_core::traffic::{self, Pick, Query, Routed, Seen, TrafficRouter};
use sluice_core::workload::Workload;

use super::children::{Owner, version_number};
use super::context::Context;
use super::object::Observed;
use super::{analysis, endpoints, experiments, names};

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
    let experiments = experiments::of_rollout(cx, rollout)?;
    let services = services(cx, rollout, &experiments, namespace, name)?;
    let workload = workload(cx, rollout)?;
    let routers = traffic::named(rollout).into_iter().chain(cx.balancers.beside(rollout));
    let ask = if is_at_rest(rollout) { Ask::AtRest } else { Ask::AtWork };
    let (routers, former) =
        (routed(cx, rollout, routers.collect(), ask)?, routed(cx, rollout, traffic::former(rollout), ask)?);
    let analyses = analysis::of_rollout(cx, rollout)?;
    let step_plugins = cx.plugins.steps(uid, names::step_plugins(rollout))?;
    let mut snapshot = Snapshot {
        now: cx.clock.now(),
        rollout: rollout.clone(),
        decode_problems: observed.problems.clone(),
        replica_sets: children.iter().map(|rs| (**rs).clone()).collect(),
        pods: Vec::new(),
        services,
        routers,
        former,
        workload,
        analyses,
        experiments,
        step_plugins,
        refusals,
        stores_waiting_on,
    };
    let restarts = rollout.spec.restart_at.is_some() && rollout.spec.restart_at != rollout.status().restarted_at;
    if restarts || concerns_pods(&snapshot) {
        snapshot.pods = pods(cx, namespace, &snapshot.replica_sets)?;
    }
    Some(snapshot)
}

/// What is known of the workload that a rollout refers to; `None` while its cache is empty, or older than an own write.
fn workload(cx: &Context, rollout: &Rollout) -> Option<Sight<Box<Workload>>> {
    let Some((kind, key)) = names::workload(rollout) else { return Some(Sight::Missing) };
    Some(match cx.objects.sight(kind.object_kind(), &key)? {
        Sight::Found(object) => Sight::Found(Box::new(Workload::read(kind, &object))),
        Sight::Missing => Sight::Missing,
        Sight::Absent(why) => Sight::Absent(why),
        Sight::Unreadable(why) => Sight::Unreadable(why),
    })
}

/// Whether whoever runs a data plane is asked what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// For a rollout that has something to do.
    AtWork,
    /// For one that has not, and can wait for the first answer.
    AtRest,
    /// Nobody is.
    Nobody,
}

/// Whether a rollout has arrived, by its status.
fn is_at_rest(rollout: &Rollout) -> bool {
    let status = rollout.status();
    rollout.is_observed() && status.phase == Phase::Healthy.as_str() && !status.abort
}

/// Routers with their objects; `None` while one of those is not known yet, or older than an own write.
pub fn routed(cx: &Context, rollout: &Rollout, routers: Vec<Arc<dyn TrafficRouter>>, ask: Ask) -> Option<Vec<Routed>> {
    let with_objects = |router: Arc<dyn TrafficRouter>| {
        let asks = if cx.balancers.is_on() && ask != Ask::Nobody { router.asks() } else { Vec::new() };
        let asked = asks.iter().map(|query| cx.balancers.find(cx, query, ask == Ask::AtRest));
        let found: Option<Vec<_>> =
            router.queries().iter().map(|query| find(cx, rollout, query, ask)).chain(asked).collect();
        let mut objects: Vec<Seen> = Vec::new();
        for seen in found?.into_iter().flatten() {
            // One may be named and have the labels besides.
            if !objects.iter().any(|known| known.is_same(&seen)) {
                objects.push(seen);
            }
        }
        Some(Routed { router, objects })
    };
    routers.into_iter().map(with_objects).collect()
}

/// What is found for a query; `None` as above.
fn find(cx: &Context, rollout: &Rollout, query: &Query, ask: Ask) -> Option<Vec<Seen>> {
    match &query.pick {
        Pick::Plugin(plane) => Some(vec![cx.plugins.seen(plane, rollout, ask == Ask::AtRest)?]),
        Pick::Named(_) | Pick::Labelled(_) | Pick::Remembered(_) => cx.objects.find(query),
    }
}

/// The Services that a rollout names and those that say it manages them; `None` while one of them is older than an own write.
fn services(
    cx: &Context,
    rollout: &Rollout,
    experiments: &[Experiment],
    namespace: &str,
    name: &str,
) -> Option<Vec<Service>> {
    let index = cx.services();
    let managed = index.of(&Owner::Manager(namespace.to_owned(), name.to_owned()));
    let named = Strategy::of(rollout).into_iter().flat_map(Strategy::services).map(|(_, service)| service);
    let statuses = experiments.iter().filter_map(|experiment| experiment.status.as_ref());
    let of_experiments =
        statuses.flat_map(|status| &status.template_statuses).map(|template| template.service_name.as_str());
    let named = named.chain(of_experiments.filter(|name| !name.is_empty()));
    let named = named.filter_map(|service| index.get(&(namespace.to_owned(), service.to_owned()))).map(Arc::clone);
    let mut all: BTreeMap<String, Service> = managed
        .into_iter()
        .chain(named)
        .map(|indexed| (indexed.service.target.name.clone(), indexed.service.clone()))
        .collect();
    if Strategy::of(rollout).and_then(Strategy::routing).is_some() || cx.balancers.beside(rollout).is_some() {
        let pods = cx.pods();
        for (name, service) in &mut all {
            // Where nobody may look at them, available pods have to do.
            service.endpoints =
                match endpoints::of_service(&cx.endpoints, &pods, &(namespace.to_owned(), name.clone()))? {
                    Sight::Found(ready) => Some(ready),
                    Sight::Missing | Sight::Absent(_) | Sight::Unreadable(_) => None,
                };
        }
    }
    (!index.is_stale(namespace, |candidate| all.contains_key(candidate))).then(|| all.into_values().collect())
}

/// The pods of these ReplicaSets; `None` while one of them is older than an own write.
fn pods(cx: &Context, namespace: &str, replica_sets: &[ReplicaSet]) -> Option<Vec<Pod>> {
    let index = cx.pods();
    let of = |rs: &ReplicaSet| index.of(&Owner::Uid(rs.uid().to_owned()));
    let pods: Vec<Pod> = replica_sets.iter().flat_map(of).map(|indexed| indexed.pod.clone()).collect();
    let fresh = !index.is_stale(namespace, |candidate| pods.iter().any(|pod| pod.target.name == candidate));
    fresh.then_some(pods)
}
