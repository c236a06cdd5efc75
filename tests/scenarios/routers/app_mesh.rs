//! Canaries in AWS App Mesh, by the weights of two virtual nodes. The scenario is its controller, which says what it has handed on.

use serde_json::{Value, json};
use sluice_core::api::labels::POD_TEMPLATE_HASH;

use super::Kind;
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    the_weights_of_the_virtual_nodes_follow_the_steps_and_no_pod_belongs_to_both,
    a_virtual_node_gets_requests_only_once_it_is_known_to_have_its_pods,
    an_abort_empties_the_virtual_node_of_the_canary,
    what_others_write_into_the_objects_of_the_mesh_stays,
    the_stable_virtual_node_has_every_pod_when_its_router_is_taken_out,
}

const SERVICE: Kind =
    Kind { group: "appmesh.k8s.aws", version: "v1beta2", name: "VirtualService", plural: "virtualservices" };
const ROUTER: Kind = Kind { name: "VirtualRouter", plural: "virtualrouters", ..SERVICE };
const NODE: Kind = Kind { name: "VirtualNode", plural: "virtualnodes", ..SERVICE };

fn to(node: &str, weight: i32) -> Value {
    json!({ "virtualNodeRef": { "name": node }, "weight": weight })
}

fn pages(stable: i32, canary: i32) -> Value {
    let action = json!({ "weightedTargets": [to("stable", stable), to("canary", canary)] });
    json!({ "name": "pages", "priority": 10, "httpRoute": { "match": { "prefix": "/" }, "action": action } })
}

fn assets() -> Value {
    let action = json!({ "weightedTargets": [to("assets", 1)] });
    json!({ "name": "assets", "httpRoute": { "match": { "prefix": "/static" }, "action": action } })
}

fn mapping() -> Value {
    json!([{ "portMapping": { "port": 80, "protocol": "http" } }])
}

fn object(kind: Kind, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": kind.api_version(), "kind": kind.name, "metadata": { "name": name }, "spec": spec })
}

fn node(name: &str) -> Value {
    let spec = json!({
        "podSelector": { "matchLabels": { "app": "web" } },
        "listeners": mapping(),
        "serviceDiscovery": { "dns": { "hostname": name } },
    });
    object(NODE, name, &spec)
}

/// The version that a virtual node has the pods of.
async fn selected(s: &Scenario, name: &str) -> String {
    let labels = &s.see(NODE, name).await["spec"]["podSelector"]["matchLabels"];
    labels[POD_TEMPLATE_HASH].as_str().unwrap_or_default().to_owned()
}

struct AppMesh;

impl Plane for AppMesh {
    async fn weight(&self, s: &Scenario) -> i64 {
        let seen = s.see(ROUTER, "web").await;
        let routes = seen["spec"]["routes"].as_array().cloned().unwrap_or_default();
        let pages = routes.iter().find(|route| route["name"] == "pages").expect("the route");
        let targets = &pages["httpRoute"]["action"]["weightedTargets"];
        let weight = |index: usize| targets[index]["weight"].as_i64().unwrap_or(-1);
        if weight(0) + weight(1) == 100 { weight(1) } else { -1 }
    }

    async fn hear(&self, s: &Scenario) {
        for (kind, name) in [(SERVICE, "web"), (ROUTER, "web"), (NODE, "stable"), (NODE, "canary")] {
            hear(s, kind, name).await;
        }
    }
}

async fn hear(s: &Scenario, kind: Kind, name: &str) {
    let generation = s.see(kind, name).await["metadata"]["generation"].clone();
    let active = json!({ "type": format!("{}Active", kind.name), "status": "True" });
    s.report(kind, name, json!({ "conditions": [active], "observedGeneration": generation })).await;
}

async fn deploy(s: &Scenario) -> Routed<AppMesh> {
    s.install_all(include_str!("crds/app_mesh.yaml"), &[SERVICE, ROUTER, NODE]).await;
    let provider = json!({ "virtualRouter": { "virtualRouterRef": { "name": "web" } } });
    let router = json!({ "listeners": mapping(), "routes": [assets(), pages(100, 0)] });
    for object in [
        object(SERVICE, "web", &json!({ "provider": provider })),
        object(ROUTER, "web", &router),
        node("stable"),
        node("canary"),
    ] {
        s.create(object).await.expect("an object of App Mesh");
    }
    AppMesh.hear(s).await;
    let group = json!({ "canaryVirtualNodeRef": { "name": "canary" }, "stableVirtualNodeRef": { "name": "stable" } });
    let mesh = json!({ "virtualService": { "name": "web", "routes": ["pages"] }, "virtualNodeGroup": group });
    Routed::deploy(s, AppMesh, json!({ "appMesh": mesh })).await
}

/// Mesh and scenario agree on which version each node has the pods of. A pod in two nodes is not let into the mesh.
async fn assert_selected(s: &Scenario, stable: &str, canary: &str) {
    assert_eq!((selected(s, "stable").await.as_str(), selected(s, "canary").await.as_str()), (stable, canary));
}

async fn the_weights_of_the_virtual_nodes_follow_the_steps_and_no_pod_belongs_to_both(s: Scenario) {
    let routed = deploy(&s).await;
    let first = routed.web.status().await.stable_rs;
    assert_selected(&s, &first, "canary").await;
    routed.update().await;
    let second = routed.web.status().await.current_pod_hash;
    assert_selected(&s, &first, &second).await;
    routed.until_quiet().await;
    routed.go_on().await;
    routed.finish().await;
    s.eventually("the canary's node is empty", async || {
        AppMesh.hear(&s).await;
        let left = selected(&s, "canary").await;
        if left == "canary" { Ok(()) } else { Err(left) }
    })
    .await;
    assert_selected(&s, &second, "canary").await;
    assert_eq!(s.see(ROUTER, "web").await["spec"]["routes"], json!([assets(), pages(100, 0)]));
}

async fn a_virtual_node_gets_requests_only_once_it_is_known_to_have_its_pods(s: Scenario) {
    let routed = deploy(&s).await;
    let first = routed.web.status().await.stable_rs;
    routed.web.set_image("web:2").await;
    let second = s.eventually("the canary's node has its pods", async || match selected(&s, "canary").await {
        hash if hash == "canary" => Err(hash),
        hash => Ok(hash),
    });
    let second = second.await;
    assert_ne!(second, first);
    s.sleep(5).await;
    assert_eq!(routed.weight().await, 0, "nobody has handed that on yet");
    let waiting = routed.web.status().await.waiting_on.expect("something");
    assert_eq!((waiting.reason.as_str(), waiting.object.as_deref()), ("Verification", Some("VirtualNode/canary")));
    routed.until_paused_at(1).await;
    routed.until_weight(25).await;
}

async fn an_abort_empties_the_virtual_node_of_the_canary(s: Scenario) {
    let routed = deploy(&s).await;
    let first = routed.web.status().await.stable_rs;
    routed.update().await;
    routed.go_on().await;
    routed.abort().await;
    s.eventually("the canary's node is empty", async || {
        AppMesh.hear(&s).await;
        let left = selected(&s, "canary").await;
        if left == "canary" { Ok(()) } else { Err(left) }
    })
    .await;
    assert_selected(&s, &first, "canary").await;
}

async fn what_others_write_into_the_objects_of_the_mesh_stays(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let mut pages = pages(75, 25);
    pages["priority"] = json!(3);
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "routes": [pages] } });
    s.patch(&ROUTER.api_version(), ROUTER.name, "web", edit).await.expect("patchable");
    let more = json!({ "spec": { "podSelector": { "matchLabels": { "tier": "front" } }, "awsName": "shop" } });
    s.patch(&NODE.api_version(), NODE.name, "stable", more).await.expect("patchable");
    routed.go_on().await;
    routed.finish().await;
    let (mesh, stable) = (s.see(ROUTER, "web").await, s.see(NODE, "stable").await);
    pages["httpRoute"]["action"]["weightedTargets"] = json!([to("stable", 100), to("canary", 0)]);
    assert_eq!(mesh["spec"]["routes"], json!([pages]));
    assert_eq!(mesh["metadata"]["labels"]["owner"], "me");
    assert_eq!((&stable["spec"]["awsName"], &stable["spec"]["listeners"]), (&json!("shop"), &mapping()));
    assert_eq!(stable["spec"]["podSelector"]["matchLabels"]["tier"], "front");
}

async fn the_stable_virtual_node_has_every_pod_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.take_out().await;
    assert_eq!(routed.weight().await, 0);
    assert_selected(&s, "", "canary").await;
}
