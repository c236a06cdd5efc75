//! Canaries behind ingress-nginx, by a canary Ingress beside the one of the user.

use serde_json::{Value, json};

use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    a_canary_ingress_carries_the_weights_of_the_steps,
    an_abort_takes_the_weight_out_of_the_canary_ingress,
    what_others_write_on_a_canary_ingress_stays_and_it_follows_the_stable_one,
    the_canary_ingress_goes_when_its_router_is_taken_out,
    an_ingress_of_somebody_else_in_the_way_is_named_and_left_alone,
}

const VERSION: &str = "networking.k8s.io/v1";
const CANARY: &str = "web-edge-canary";

fn path(path: &str, service: &str) -> Value {
    let backend = json!({ "service": { "name": service, "port": { "number": 80 } } });
    json!({ "path": path, "pathType": "Prefix", "backend": backend })
}

fn ingress(name: &str) -> Value {
    json!({
        "apiVersion": VERSION,
        "kind": "Ingress",
        "metadata": { "name": name, "annotations": { "nginx.ingress.kubernetes.io/proxy-body-size": "8m" } },
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{ "hosts": ["shop.example.com"], "secretName": "shop" }],
            "rules": [
                { "host": "shop.example.com", "http": { "paths": [path("/", "stable"), path("/static", "assets")] } },
                { "host": "docs.example.com", "http": { "paths": [path("/", "docs")] } },
            ],
        },
    })
}

struct Nginx;

impl Plane for Nginx {
    /// Nothing goes to a canary without an Ingress of its own.
    async fn weight(&self, s: &Scenario) -> i64 {
        let Some(canary) = s.find(VERSION, "Ingress", CANARY).await else { return 0 };
        let weight = canary["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"].as_str();
        weight.and_then(|text| text.parse().ok()).unwrap_or(-1)
    }
}

async fn deploy(s: &Scenario) -> Routed<Nginx> {
    s.create(ingress("edge")).await.expect("an Ingress");
    let header = json!({ "canary-by-header": "X-Canary" });
    let nginx = json!({ "stableIngress": "edge", "additionalIngressAnnotations": header });
    Routed::deploy(s, Nginx, json!({ "nginx": nginx })).await
}

async fn a_canary_ingress_carries_the_weights_of_the_steps(s: Scenario) {
    let routed = deploy(&s).await;
    let stable = s.read(VERSION, "Ingress", "edge").await;
    routed.update().await;
    let canary = s.read(VERSION, "Ingress", CANARY).await;
    let owner = &canary["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"], &owner["controller"]),
        (&json!("Rollout"), &json!("web"), &json!(true))
    );
    let annotation = |name: &str| &canary["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")];
    assert_eq!((annotation("canary"), annotation("canary-weight")), (&json!("true"), &json!("25")));
    assert_eq!(annotation("canary-by-header"), "X-Canary");
    assert_eq!(annotation("proxy-body-size"), &Value::Null, "other annotations are the stable Ingress's");
    let paths = [path("/", "canary"), path("/static", "assets")];
    assert_eq!(canary["spec"]["rules"], json!([{ "host": "shop.example.com", "http": { "paths": paths } }]));
    assert_eq!(canary["spec"]["ingressClassName"], "nginx");
    assert_eq!(canary["spec"]["tls"], stable["spec"]["tls"]);
    routed.go_on().await;
    routed.finish().await;
    assert_eq!(s.read(VERSION, "Ingress", "edge").await, stable, "it is never written");
}

async fn an_abort_takes_the_weight_out_of_the_canary_ingress(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.go_on().await;
    routed.abort().await;
    routed.web.until_aborted().await;
}

async fn what_others_write_on_a_canary_ingress_stays_and_it_follows_the_stable_one(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let note = json!({ "metadata": { "annotations": { "team": "shop" }, "labels": { "seen": "true" } } });
    s.patch(VERSION, "Ingress", CANARY, note).await.expect("patchable");
    let rules = json!([{ "host": "new.example.com", "http": { "paths": [path("/", "stable")] } }]);
    s.patch(VERSION, "Ingress", "edge", json!({ "spec": { "rules": rules } })).await.expect("patchable");
    s.eventually("the canary Ingress follows", async || {
        let canary = s.read(VERSION, "Ingress", CANARY).await;
        let host = canary["spec"]["rules"][0]["host"] == "new.example.com";
        if host { Ok(()) } else { Err(canary["spec"].to_string()) }
    })
    .await;
    routed.go_on().await;
    let canary = s.read(VERSION, "Ingress", CANARY).await;
    assert_eq!(canary["metadata"]["annotations"]["team"], "shop");
    assert_eq!(canary["metadata"]["labels"]["seen"], "true");
}

async fn the_canary_ingress_goes_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let stable = s.read(VERSION, "Ingress", "edge").await;
    routed.take_out().await;
    routed.until_gone(VERSION, "Ingress", CANARY).await;
    assert_eq!(s.read(VERSION, "Ingress", "edge").await, stable);
}

async fn an_ingress_of_somebody_else_in_the_way_is_named_and_left_alone(s: Scenario) {
    let mine = s.create(ingress(CANARY)).await.expect("an Ingress");
    s.create(ingress("edge")).await.expect("an Ingress");
    let routed = Routed::apply(&s, Nginx, json!({ "nginx": { "stableIngress": "edge" } })).await;
    let words = "canary ingress `web-edge-canary` controlled by different object";
    routed.until_waiting("TrafficRouting", "Ingress/web-edge-canary", words).await;
    assert_eq!(s.read(VERSION, "Ingress", CANARY).await, mine);
    s.delete(VERSION, "Ingress", CANARY).await;
    routed.until_healthy().await;
    routed.update().await;
}
