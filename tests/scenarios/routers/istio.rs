//! Canaries in a mesh of Istio, by two Services or by two subsets. The scenario is istiod, where it says what proxies have heard.

use serde_json::{Value, json};
use sluice_core::api::labels;

use super::Kind;
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    the_weights_follow_the_steps_in_a_mesh_that_says_nothing,
    the_weights_wait_for_the_proxies_where_istiod_speaks_for_them,
    subsets_lead_to_their_versions_before_requests_go_there,
    an_abort_takes_the_weight_and_the_header_route_out_of_a_virtual_service,
    what_others_write_into_a_virtual_service_stays,
    nothing_is_left_in_a_mesh_when_its_router_is_taken_out,
}

pub const VIRTUAL_SERVICE: Kind =
    Kind { group: "networking.istio.io", version: "v1", name: "VirtualService", plural: "virtualservices" };
const DESTINATION_RULE: Kind = Kind { name: "DestinationRule", plural: "destinationrules", ..VIRTUAL_SERVICE };

pub fn to(host: &str, weight: i32) -> Value {
    json!({ "destination": { "host": host, "port": { "number": 80 } }, "weight": weight })
}

fn to_subset(subset: &str, weight: i32) -> Value {
    json!({ "destination": { "host": "web", "subset": subset }, "weight": weight })
}

/// A route of somebody else, before the one of the Rollout.
fn assets() -> Value {
    json!({ "name": "static", "match": [{ "uri": { "prefix": "/static" } }], "route": [to("assets", 0)] })
}

/// A VirtualService whose route `main` has these destinations.
pub fn virtual_service(destinations: &Value) -> Value {
    let main = json!({ "name": "main", "timeout": "10s", "route": destinations });
    json!({
        "apiVersion": VIRTUAL_SERVICE.api_version(),
        "kind": "VirtualService",
        "metadata": { "name": "web" },
        "spec": { "hosts": ["shop.example.com"], "gateways": ["edge"], "http": [assets(), main] },
    })
}

fn destination_rule() -> Value {
    let subset = |name: &str| json!({ "name": name, "labels": { "app": "web" } });
    json!({
        "apiVersion": DESTINATION_RULE.api_version(),
        "kind": "DestinationRule",
        "metadata": { "name": "web" },
        "spec": { "host": "web", "subsets": [subset("stable"), subset("canary"), subset("all")] },
    })
}

async fn http(s: &Scenario) -> Vec<Value> {
    s.see(VIRTUAL_SERVICE, "web").await["spec"]["http"].as_array().cloned().unwrap_or_default()
}

/// The route of the Rollout.
async fn main_route(s: &Scenario) -> Value {
    http(s).await.into_iter().find(|route| route["name"] == "main").expect("the route")
}

/// The canary's weight, which is the second of two: out of the double where the same is said in other numbers.
pub async fn weight(s: &Scenario) -> i64 {
    let route = main_route(s).await;
    let at = |index: usize| route["route"][index]["weight"].as_i64().unwrap_or(0);
    let (stable, canary) = (at(0), at(1));
    match stable + canary {
        100 => canary,
        200 => canary / 2,
        _ => -1,
    }
}

/// A mesh whose istiod says nothing.
struct Silent;

impl Plane for Silent {
    async fn weight(&self, s: &Scenario) -> i64 {
        weight(s).await
    }
}

/// A mesh whose istiod writes down what every proxy has heard.
struct Speaking;

impl Plane for Speaking {
    async fn weight(&self, s: &Scenario) -> i64 {
        weight(s).await
    }

    async fn hear(&self, s: &Scenario) {
        for (kind, name) in [(VIRTUAL_SERVICE, "web"), (DESTINATION_RULE, "web")] {
            hear(s, kind, name).await;
        }
    }
}

/// What istiod writes with `PILOT_ENABLE_STATUS`.
async fn hear(s: &Scenario, kind: Kind, name: &str) {
    let Some(seen) = s.find(&kind.api_version(), kind.name, name).await else { return };
    let generation = seen["metadata"]["generation"].as_i64().unwrap_or(0).to_string();
    let condition = json!({
        "type": "Reconciled", "status": "True", "message": "2/2 proxies up to date.",
        "lastProbeTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    s.report(kind, name, json!({ "conditions": [condition], "observedGeneration": generation })).await;
}

async fn install(s: &Scenario) {
    s.install(VIRTUAL_SERVICE).await;
    s.install(DESTINATION_RULE).await;
}

fn routing() -> Value {
    let service = json!({ "name": "web", "routes": ["main"] });
    json!({ "managedRoutes": [{ "name": "beta" }], "istio": { "virtualService": service } })
}

async fn with_services(s: &Scenario) {
    install(s).await;
    s.create(virtual_service(&json!([to("stable", 100), to("canary", 0)]))).await.expect("a VirtualService");
}

async fn with_subsets(s: &Scenario) -> Value {
    install(s).await;
    s.serve(&["web"]).await;
    let destinations = json!([to_subset("stable", 100), to_subset("canary", 0)]);
    s.create(virtual_service(&destinations)).await.expect("a VirtualService");
    s.create(destination_rule()).await.expect("a DestinationRule");
    let mut routing = routing();
    routing["istio"]["destinationRule"] =
        json!({ "name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable" });
    routing
}

/// The versions that the subsets `stable` and `canary` lead to.
async fn subsets(s: &Scenario) -> [String; 2] {
    let rule = s.see(DESTINATION_RULE, "web").await;
    [0, 1].map(|index| {
        let label = &rule["spec"]["subsets"][index]["labels"][labels::POD_TEMPLATE_HASH];
        label.as_str().unwrap_or_default().to_owned()
    })
}

async fn the_weights_follow_the_steps_in_a_mesh_that_says_nothing(s: Scenario) {
    with_services(&s).await;
    let routed = Routed::deploy(&s, Silent, routing()).await;
    routed.update().await;
    assert_eq!(main_route(&s).await["route"], json!([to("stable", 75), to("canary", 25)]));
    routed.go_on().await;
    routed.finish().await;
    assert_eq!(routed.verified().await, None, "nobody can say");
}

async fn the_weights_wait_for_the_proxies_where_istiod_speaks_for_them(s: Scenario) {
    with_services(&s).await;
    hear(&s, VIRTUAL_SERVICE, "web").await;
    let routed = Routed::deploy(&s, Speaking, routing()).await;
    routed.update().await;
    routed.web.promote().await;
    let waiting = routed.web.until("waiting for the proxies", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.reason == "Verification")
    });
    let waiting = waiting.await.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.object.as_deref(), Some("VirtualService/web"));
    s.sleep(5).await;
    assert_eq!(routed.web.status().await.current_step_index, Some(2), "no proxy has heard of it yet");
    routed.until_paused_at(3).await;
    routed.finish().await;
    assert_eq!(routed.verified().await, Some(true));
}

async fn subsets_lead_to_their_versions_before_requests_go_there(s: Scenario) {
    let routing = with_subsets(&s).await;
    let routed = Routed::deploy(&s, Speaking, routing).await;
    let [first, _] = subsets(&s).await;
    routed.web.set_image("web:2").await;
    s.eventually("the canary's subset leads to the second version", async || {
        let [stable, canary] = subsets(&s).await;
        assert_eq!(stable, first);
        if canary == first || canary.is_empty() { Err(canary) } else { Ok(()) }
    })
    .await;
    assert_eq!(weight(&s).await, 0, "nobody has heard of that yet");
    routed.until_paused_at(1).await;
    routed.until_weight(25).await;
    routed.go_on().await;
    routed.finish().await;
    let [stable, canary] = subsets(&s).await;
    assert_eq!(stable, canary);
    assert_ne!(stable, first);
    let rule = s.see(DESTINATION_RULE, "web").await;
    assert_eq!(rule["metadata"]["annotations"]["argo-rollouts.argoproj.io/managed-by-rollouts"], "web");
    assert_eq!(rule["spec"]["subsets"][2], destination_rule()["spec"]["subsets"][2]);
}

async fn an_abort_takes_the_weight_and_the_header_route_out_of_a_virtual_service(s: Scenario) {
    with_services(&s).await;
    let header = json!({ "name": "beta", "match": [{ "headerName": "x-beta", "headerValue": { "exact": "yes" } }] });
    let steps = json!([{ "setWeight": 25 }, { "setHeaderRoute": header }, { "pause": {} }]);
    let routed = Routed::deploy_with(&s, Silent, routing(), &steps).await;
    let before = http(&s).await;
    routed.web.set_image("web:2").await;
    routed.until_paused_at(2).await;
    let beta = json!({
        "name": "beta",
        "timeout": "10s",
        "match": [{ "headers": { "x-beta": { "exact": "yes" } } }],
        "route": [to("canary", 100)],
    });
    let found = http(&s).await;
    assert_eq!((&found[0], &found[1]), (&beta, &assets()));
    routed.abort().await;
    assert_eq!(http(&s).await, before);
}

async fn what_others_write_into_a_virtual_service_stays(s: Scenario) {
    with_services(&s).await;
    let routed = Routed::deploy(&s, Silent, routing()).await;
    routed.update().await;
    let mut main = main_route(&s).await;
    main["timeout"] = json!("3s");
    main["retries"] = json!({ "attempts": 2 });
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "hosts": ["other.example.com"], "http": [main] } });
    s.patch(&VIRTUAL_SERVICE.api_version(), "VirtualService", "web", edit).await.expect("patchable");
    routed.go_on().await;
    routed.finish().await;
    let seen = s.see(VIRTUAL_SERVICE, "web").await;
    assert_eq!(
        (&seen["metadata"]["labels"]["owner"], &seen["spec"]["hosts"][0]),
        (&json!("me"), &json!("other.example.com"))
    );
    main["route"] = json!([to("stable", 100), to("canary", 0)]);
    assert_eq!(seen["spec"]["http"], json!([main]));
}

async fn nothing_is_left_in_a_mesh_when_its_router_is_taken_out(s: Scenario) {
    let routing = with_subsets(&s).await;
    let routed = Routed::deploy(&s, Silent, routing).await;
    routed.update().await;
    routed.take_out().await;
    let destinations = json!([to_subset("stable", 100), to_subset("canary", 0)]);
    let (service, rule) = (s.see(VIRTUAL_SERVICE, "web").await, s.see(DESTINATION_RULE, "web").await);
    assert_eq!(service["spec"], virtual_service(&destinations)["spec"]);
    assert_eq!(rule["spec"], destination_rule()["spec"]);
    for seen in [service, rule] {
        assert_eq!(seen["metadata"]["annotations"], Value::Null, "{seen}");
    }
}
