//! Canaries behind APISIX, by the weights of an `ApisixRoute`. The scenario is its ingress controller, which says what it has handed on.

use serde_json::{Value, json};

use super::Kind;
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    the_weights_of_an_apisix_route_follow_the_steps_as_they_are_handed_on,
    a_header_route_is_a_copy_of_the_apisix_route_which_an_abort_takes_away,
    what_others_write_into_an_apisix_route_stays,
    an_apisix_route_leads_to_the_stable_service_when_its_router_is_taken_out,
}

const ROUTE: Kind = Kind { group: "apisix.apache.org", version: "v2", name: "ApisixRoute", plural: "apisixroutes" };
const COPY: &str = "web-beta";

fn to(service: &str, weight: i32) -> Value {
    json!({ "serviceName": service, "servicePort": 80, "weight": weight })
}

fn assets() -> Value {
    json!({ "name": "assets", "match": { "paths": ["/static/*"] }, "backends": [to("assets", 9)] })
}

/// The rule of the Rollout.
fn pages(stable: i32, canary: i32) -> Value {
    json!({
        "name": "pages",
        "priority": 5,
        "match": { "hosts": ["shop.example.com"], "paths": ["/*"] },
        "backends": [to("stable", stable), to("canary", canary)],
        "plugins": [{ "name": "gzip", "enable": true, "config": { "comp_level": 3 } }],
    })
}

fn route() -> Value {
    json!({
        "apiVersion": ROUTE.api_version(),
        "kind": "ApisixRoute",
        "metadata": { "name": "web" },
        "spec": { "ingressClassName": "apisix", "http": [assets(), pages(100, 0)] },
    })
}

struct Apisix;

impl Plane for Apisix {
    /// Out of the double where the same is said in other numbers.
    async fn weight(&self, s: &Scenario) -> i64 {
        let seen = s.see(ROUTE, "web").await;
        let rules = seen["spec"]["http"].as_array().cloned().unwrap_or_default();
        let pages = rules.iter().find(|rule| rule["name"] == "pages").expect("the rule");
        let weight = |index: usize| pages["backends"][index]["weight"].as_i64().unwrap_or(-1);
        match weight(0) + weight(1) {
            100 => weight(1),
            200 => weight(1) / 2,
            _ => -1,
        }
    }

    async fn hear(&self, s: &Scenario) {
        for name in ["web", COPY] {
            let Some(seen) = s.find(&ROUTE.api_version(), ROUTE.name, name).await else { continue };
            let condition = json!({
                "type": "ResourcesAvailable", "status": "True", "reason": "ResourcesSynced", "message": "Sync Successfully",
                "observedGeneration": seen["metadata"]["generation"], "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            // It may have gone meanwhile.
            let _ = s.try_report(ROUTE, name, json!({ "conditions": [condition] })).await;
        }
    }
}

async fn install(s: &Scenario) {
    s.install_all(include_str!("crds/apisix.yaml"), &[ROUTE]).await;
    s.create(route()).await.expect("an ApisixRoute");
    Apisix.hear(s).await;
}

fn routing() -> Value {
    json!({ "managedRoutes": [{ "name": COPY }], "apisix": { "route": { "name": "web", "rules": ["pages"] } } })
}

async fn the_weights_of_an_apisix_route_follow_the_steps_as_they_are_handed_on(s: Scenario) {
    install(&s).await;
    let routed = Routed::deploy(&s, Apisix, routing()).await;
    routed.update().await;
    routed.until_quiet().await;
    routed.web.promote().await;
    let waiting = routed.web.until("waiting for APISIX", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.reason == "Verification")
    });
    let waiting = waiting.await.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.object.as_deref(), Some("ApisixRoute/web"));
    assert_eq!(routed.web.status().await.current_step_index, Some(2), "it is not handed on yet");
    routed.until_paused_at(3).await;
    routed.until_weight(75).await;
    routed.finish().await;
    assert_eq!(routed.verified().await, Some(true));
    s.eventually("the numbers of the manifest", async || {
        Apisix.hear(&s).await;
        let spec = s.see(ROUTE, "web").await["spec"].clone();
        if spec == route()["spec"] { Ok(()) } else { Err(spec.to_string()) }
    })
    .await;
}

async fn a_header_route_is_a_copy_of_the_apisix_route_which_an_abort_takes_away(s: Scenario) {
    install(&s).await;
    let header = json!({ "name": COPY, "match": [{ "headerName": "x-beta", "headerValue": { "exact": "1" } }] });
    let steps = json!([{ "setWeight": 25 }, { "setHeaderRoute": header }, { "pause": {} }]);
    let routed = Routed::deploy_with(&s, Apisix, routing(), &steps).await;
    routed.web.set_image("web:2").await;
    routed.until_paused_at(2).await;
    routed.until_weight(25).await;
    let copy = s.see(ROUTE, COPY).await;
    let mut rule = pages(0, 100);
    rule["priority"] = json!(6);
    rule["backends"] = json!([to("canary", 100)]);
    rule["match"]["exprs"] =
        json!([{ "subject": { "scope": "Header", "name": "x-beta" }, "op": "Equal", "value": "1" }]);
    assert_eq!(copy["spec"], json!({ "ingressClassName": "apisix", "http": [rule] }));
    assert_eq!(copy["metadata"]["ownerReferences"][0]["name"], "web");
    routed.until_quiet().await;
    routed.abort().await;
    routed.until_gone(&ROUTE.api_version(), "ApisixRoute", COPY).await;
}

async fn what_others_write_into_an_apisix_route_stays(s: Scenario) {
    install(&s).await;
    let routed = Routed::deploy(&s, Apisix, routing()).await;
    routed.update().await;
    let mut rule = pages(75, 25);
    rule["websocket"] = json!(true);
    rule["backends"] = s.see(ROUTE, "web").await["spec"]["http"][1]["backends"].clone();
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "http": [rule] } });
    s.patch(&ROUTE.api_version(), "ApisixRoute", "web", edit).await.expect("patchable");
    routed.go_on().await;
    routed.finish().await;
    let seen = s.see(ROUTE, "web").await;
    assert_eq!(seen["metadata"]["labels"]["owner"], "me");
    assert_eq!(seen["spec"]["http"].as_array().map(Vec::len), Some(1));
    rule["backends"] = seen["spec"]["http"][0]["backends"].clone();
    assert_eq!(seen["spec"]["http"][0], rule);
}

async fn an_apisix_route_leads_to_the_stable_service_when_its_router_is_taken_out(s: Scenario) {
    install(&s).await;
    let routed = Routed::deploy(&s, Apisix, routing()).await;
    routed.update().await;
    routed.take_out().await;
    let seen = s.see(ROUTE, "web").await;
    assert_eq!(seen["spec"], route()["spec"]);
    assert_eq!(seen["metadata"]["annotations"], Value::Null);
}
