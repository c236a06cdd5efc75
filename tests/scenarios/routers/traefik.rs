//! Canaries behind Traefik, by the weights of a `TraefikService`.

use serde_json::{Value, json};

use super::Kind;
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    the_traefik_service_has_the_weights_of_the_steps,
    an_abort_gives_the_traefik_service_back,
    what_others_write_into_a_traefik_service_stays,
    a_traefik_service_leads_to_the_stable_service_when_its_router_is_taken_out,
}

const SERVICE: Kind =
    Kind { group: "traefik.io", version: "v1alpha1", name: "TraefikService", plural: "traefikservices" };

fn to(name: &str, weight: i32) -> Value {
    json!({ "kind": "Service", "name": name, "port": 80, "weight": weight })
}

/// With these weights of the stable and of the canary's Service.
fn service(stable: i32, canary: i32) -> Value {
    let services = [to("assets", 7), to("stable", stable), to("canary", canary)];
    json!({
        "apiVersion": SERVICE.api_version(),
        "kind": "TraefikService",
        "metadata": { "name": "web" },
        "spec": { "weighted": { "services": services, "sticky": { "cookie": { "name": "shop" } } } },
    })
}

struct Traefik;

impl Plane for Traefik {
    async fn weight(&self, s: &Scenario) -> i64 {
        let seen = s.see(SERVICE, "web").await;
        let services = seen["spec"]["weighted"]["services"].as_array().cloned().unwrap_or_default();
        let weight = |name: &str| {
            let found = services.iter().find(|service| service["name"] == name);
            found.and_then(|found| found["weight"].as_i64()).unwrap_or(-1)
        };
        if weight("stable") + weight("canary") == 100 { weight("canary") } else { -1 }
    }
}

async fn deploy(s: &Scenario) -> Routed<Traefik> {
    s.install_all(include_str!("crds/traefik.yaml"), &[SERVICE]).await;
    s.create(service(100, 0)).await.expect("a TraefikService");
    Routed::deploy(s, Traefik, json!({ "traefik": { "weightedTraefikServiceName": "web" } })).await
}

async fn the_traefik_service_has_the_weights_of_the_steps(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    assert_eq!(s.see(SERVICE, "web").await["spec"], service(75, 25)["spec"]);
    routed.until_quiet().await;
    routed.go_on().await;
    routed.finish().await;
    assert_eq!(s.see(SERVICE, "web").await["spec"], service(100, 0)["spec"]);
}

async fn an_abort_gives_the_traefik_service_back(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.go_on().await;
    routed.abort().await;
    assert_eq!(s.see(SERVICE, "web").await["spec"], service(100, 0)["spec"]);
}

async fn what_others_write_into_a_traefik_service_stays(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let services = [to("canary", 25), to("news", 3), to("stable", 75)];
    let edit = json!({
        "metadata": { "labels": { "owner": "me" } },
        "spec": { "weighted": { "services": services, "sticky": null } },
    });
    s.patch(&SERVICE.api_version(), "TraefikService", "web", edit).await.expect("patchable");
    routed.go_on().await;
    let seen = s.see(SERVICE, "web").await;
    let services = [to("canary", 75), to("news", 3), to("stable", 25)];
    assert_eq!(seen["spec"], json!({ "weighted": { "services": services } }));
    assert_eq!(seen["metadata"]["labels"]["owner"], "me");
    routed.finish().await;
}

async fn a_traefik_service_leads_to_the_stable_service_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.take_out().await;
    let seen = s.see(SERVICE, "web").await;
    assert_eq!(seen["spec"], service(100, 0)["spec"]);
    assert_eq!(seen["metadata"]["annotations"], Value::Null);
}
