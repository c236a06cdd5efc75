//! Istio: the routes of a VirtualService that are meant must be there and lead to both revisions, and so must the subsets.

use serde_json::Value;

use super::{Reference, Search};
use crate::strategy::Strategy;
use crate::traffic::istio::ends::Ends;
use crate::traffic::istio::name_and_namespace;
use crate::traffic::istio::select::select;
use crate::validate::canary::CANARY;

const GROUP: &str = "networking.istio.io";

pub(super) fn check(search: &mut Search<'_>) {
    let rollout = search.rollout;
    let Some(canary) = &rollout.spec.strategy.canary else { return };
    let Some(routing) = &canary.traffic_routing else { return };
    let Some(istio) = &routing.istio else { return };
    let field = format!("{CANARY}.trafficRouting.istio");
    let managed: Vec<String> = routing.managed_routes.iter().map(|route| route.name.clone()).collect();
    let roles = Strategy::Canary(canary).roles(rollout.status());
    let ends = Ends::new(roles.canary, roles.stable, istio.destination_rule.as_ref());
    let single = istio.virtual_service.iter().map(|service| (format!("{field}.virtualService"), service));
    let several = istio.virtual_services.iter().enumerate();
    let several = several.map(|(index, service)| (format!("{field}.virtualServices[{index}]"), service));
    for (field, wanted) in single.chain(several) {
        let (name, namespace) = name_and_namespace(&wanted.name);
        let namespace = namespace.or(rollout.metadata.namespace.as_deref());
        let reference = Reference { group: GROUP, kind: "VirtualService", namespace, name };
        let name_field = format!("{field}.name");
        let Some(object) = search.find_in(&name_field, reference) else { continue };
        if let Some(unclear) = select(&object, wanted, &ends, &managed).unclear {
            search.found.invalid(name_field, &wanted.name, &unclear.to_string());
        }
    }
    let Some(rule) = &istio.destination_rule else { return };
    let field = format!("{field}.destinationRule");
    let Some(object) = search.find(&format!("{field}.name"), GROUP, "DestinationRule", &rule.name) else { return };
    let subsets = object.pointer("/spec/subsets").and_then(Value::as_array);
    for (name, subset) in
        [("canarySubsetName", &rule.canary_subset_name), ("stableSubsetName", &rule.stable_subset_name)]
    {
        let is_there = subsets.into_iter().flatten().any(|found| found["name"] == subset.as_str());
        if !subset.is_empty() && !is_there {
            // Of ours, and no more than a warning: the router waits for it.
            search
                .found
                .warn(format!("{field}.{name}"), format!("DestinationRule {:?} has no subset {subset:?}", rule.name));
        }
    }
}
