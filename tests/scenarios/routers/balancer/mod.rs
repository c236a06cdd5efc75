//! Canaries behind an AWS load balancer that AWS is asked about. Whoever runs the load balancer is played by the scenario.

mod bound;
mod moto;
mod played;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::scenario::Scenario;

const INGRESS: &str = "networking.k8s.io/v1";
const ACTION: &str = "alb.ingress.kubernetes.io/actions.root";

/// What a load balancer does: the weights of Services, and the addresses that each of them has.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    weights: BTreeMap<String, u32>,
    addresses: BTreeMap<String, BTreeSet<String>>,
}

fn ingress() -> Value {
    let backend = json!({ "service": { "name": "root", "port": { "name": "use-annotation" } } });
    let path = json!({ "path": "/", "pathType": "Prefix", "backend": backend });
    json!({
        "apiVersion": INGRESS,
        "kind": "Ingress",
        "metadata": { "name": "edge" },
        "spec": { "ingressClassName": "alb", "rules": [{ "http": { "paths": [path] } }] },
    })
}

/// Makes the Ingress, whose load balancer has this host name.
async fn make_ingress(s: &Scenario, host: &str) {
    s.serve(&["root"]).await;
    s.create(ingress()).await.expect("an Ingress");
    let status = json!({ "loadBalancer": { "ingress": [{ "hostname": host }] } });
    let patch = kube::api::Patch::Merge(json!({ "status": status }));
    let api = s.objects(INGRESS, "Ingress");
    api.patch_status("edge", &kube::api::PatchParams::default(), &patch).await.expect("the status is patched");
}

fn routing() -> Value {
    json!({ "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 } })
}

/// The tag that the load balancer controller gives the target group of a Service.
fn tag(s: &Scenario, service: &str) -> String {
    format!("{}/edge-{service}:80", s.namespace)
}

async fn action(s: &Scenario) -> Value {
    let edge = s.read(INGRESS, "Ingress", "edge").await;
    let text = edge["metadata"]["annotations"][ACTION].as_str().unwrap_or("{}").to_owned();
    serde_json::from_str(&text).expect("JSON")
}

/// What the Ingress and its Services ask of a load balancer now.
async fn wanted(s: &Scenario) -> Wanted {
    let action = action(s).await;
    let groups = action["ForwardConfig"]["TargetGroups"].as_array().cloned().unwrap_or_default();
    let weight = |group: &Value| u32::try_from(group["Weight"].as_u64().expect("a weight")).expect("a small one");
    let name = |group: &Value| group["ServiceName"].as_str().expect("a name").to_owned();
    let weights: BTreeMap<String, u32> = groups.iter().map(|group| (name(group), weight(group))).collect();
    let mut addresses = BTreeMap::new();
    for service in weights.keys() {
        addresses.insert(service.clone(), endpoints(s, service).await);
    }
    Wanted { weights, addresses }
}

/// The addresses of the ready endpoints of a Service.
async fn endpoints(s: &Scenario, service: &str) -> BTreeSet<String> {
    let slices: Api<EndpointSlice> = Api::namespaced(s.client(), &s.namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = slices.list(&of_service).await.expect("slices").items;
    let endpoints = slices.into_iter().flat_map(|slice| slice.endpoints.into_iter().flatten());
    let ready = endpoints
        .filter(|endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true));
    ready.flat_map(|endpoint| endpoint.addresses).collect()
}

async fn weight(s: &Scenario) -> i64 {
    action(s).await["ForwardConfig"]["TargetGroups"][0]["Weight"].as_i64().unwrap_or(-1)
}
