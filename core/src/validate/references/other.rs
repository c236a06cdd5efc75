//! The workload that the template comes from, and the objects of the rarer routers.

use serde_json::Value;

use super::Search;
use crate::validate::canary::CANARY;
use crate::workload::WorkloadKind;

/// The pods' template: the Rollout's own, or that of the workload it refers to.
pub(super) fn pod_template(search: &mut Search<'_>) -> Option<Value> {
    let spec = &search.rollout.spec;
    let Some(reference) = &spec.workload_ref else { return spec.template.clone() };
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let (version, kind, name) = (text(&reference.api_version), text(&reference.kind), text(&reference.name));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if kind.is_empty() || name.is_empty() {
        return None;
    }
    let workload = search.find("spec.workloadRef.name", group, &kind, &name)?;
    workload.pointer(WorkloadKind::named(&kind)?.template_path()).cloned()
}

pub(super) fn check(search: &mut Search<'_>) {
    let canary = search.rollout.spec.strategy.canary.as_ref();
    let Some(routing) = canary.and_then(|canary| canary.traffic_routing.as_ref()) else { return };
    let field = format!("{CANARY}.trafficRouting");
    for (index, name) in routing.ambassador.iter().flat_map(|one| &one.mappings).enumerate() {
        let field = format!("{field}.ambassador.mappings[{index}]");
        let kinds = [("getambassador.io", "Mapping"), ("x.getambassador.io", "AmbassadorMapping")];
        let Some(mapping) = search.find_one_of(&field, &kinds, name) else { continue };
        if mapping.pointer("/spec/weight").is_some_and(|weight| !weight.is_null()) {
            search.found.invalid(field, name, &format!("Ambassador mapping {name:?} can not define weight"));
        }
    }
    if let Some(mesh) = &routing.app_mesh {
        const GROUP: &str = "appmesh.k8s.aws";
        if let Some(service) = &mesh.virtual_service {
            let field = format!("{field}.appMesh.virtualService.name");
            if let Some(found) = search.find(&field, GROUP, "VirtualService", &service.name) {
                let router =
                    found.pointer("/spec/provider/virtualRouter/virtualRouterRef/name").and_then(Value::as_str);
                match router {
                    Some(router) => drop(search.find(&field, GROUP, "VirtualRouter", router)),
                    None => search.found.invalid(field, &service.name, "has no virtual router as its provider"),
                }
            }
        }
        if let Some(group) = &mesh.virtual_node_group {
            for (part, node) in [
                ("canaryVirtualNodeRef", &group.canary_virtual_node_ref),
                ("stableVirtualNodeRef", &group.stable_virtual_node_ref),
            ] {
                if let Some(node) = node {
                    let field = format!("{field}.appMesh.virtualNodeGroup.{part}.name");
                    search.find(&field, GROUP, "VirtualNode", &node.name);
                }
            }
        }
    }
    if let Some(traefik) = &routing.traefik {
        let field = format!("{field}.traefik.weightedTraefikServiceName");
        let kinds = [("traefik.io", "TraefikService"), ("traefik.containo.us", "TraefikService")];
        search.find_one_of(&field, &kinds, &traefik.weighted_traefik_service_name);
    }
    if let Some(route) = routing.apisix.as_ref().and_then(|apisix| apisix.route.as_ref()) {
        search.find(&format!("{field}.apisix.route.name"), "apisix.apache.org", "ApisixRoute", &route.name);
    }
}
