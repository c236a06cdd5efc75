//! A gateway in front and a mesh inside, which carry the same weights. One that is broken stops neither the other nor an abort.

use serde_json::json;

use super::gateway_api::{self, HTTP_ROUTE};
use super::istio::{self, VIRTUAL_SERVICE};
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    a_gateway_and_a_mesh_have_the_same_weights,
    a_gateway_goes_on_while_a_mesh_is_broken_and_the_step_waits,
    an_abort_reaches_the_gateway_while_a_mesh_is_broken,
}

/// The weight that both have.
struct Both;

impl Plane for Both {
    async fn weight(&self, s: &Scenario) -> i64 {
        let (gateway, mesh) = (gateway_api::weights(s).await[1], istio::weight(s).await);
        if gateway == mesh { gateway } else { -1 }
    }

    async fn hear(&self, s: &Scenario) {
        gateway_api::hear(s).await;
    }
}

async fn make_mesh(s: &Scenario) {
    let destinations = json!([istio::to("stable", 100), istio::to("canary", 0)]);
    s.create(istio::virtual_service(&destinations)).await.expect("a VirtualService");
}

async fn break_mesh(s: &Scenario) {
    s.delete(&VIRTUAL_SERVICE.api_version(), VIRTUAL_SERVICE.name, "web").await;
}

async fn deploy(s: &Scenario) -> Routed<Both> {
    s.install(HTTP_ROUTE).await;
    s.install(VIRTUAL_SERVICE).await;
    s.create(gateway_api::route(&["stable", "canary"])).await.expect("a route");
    make_mesh(s).await;
    let routing = json!({
        "istio": { "virtualService": { "name": "web", "routes": ["main"] } },
        "plugins": { "argoproj-labs/gatewayAPI": { "httpRoute": "web" } },
    });
    Routed::deploy(s, Both, routing).await
}

async fn until_gateway(s: &Scenario, weights: [i64; 2]) {
    gateway_api::until_weights(s, weights, true).await;
}

async fn a_gateway_and_a_mesh_have_the_same_weights(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.until_quiet().await;
    routed.go_on().await;
    routed.finish().await;
}

async fn a_gateway_goes_on_while_a_mesh_is_broken_and_the_step_waits(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    break_mesh(&s).await;
    routed.web.promote().await;
    until_gateway(&s, [25, 75]).await;
    let words = "virtualservices.networking.istio.io \"web\" not found";
    routed.until_waiting("TrafficRouting", "VirtualService/web", words).await;
    assert_eq!(routed.web.status().await.current_step_index, Some(2), "the mesh has not been told");
    make_mesh(&s).await;
    routed.until_paused_at(3).await;
    routed.until_weight(75).await;
    routed.finish().await;
}

async fn an_abort_reaches_the_gateway_while_a_mesh_is_broken(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    break_mesh(&s).await;
    routed.web.abort().await;
    until_gateway(&s, [100, 0]).await;
    routed.until_waiting("TrafficRouting", "VirtualService/web", "virtualservices.networking.istio.io").await;
    make_mesh(&s).await;
    routed.until_weight(0).await;
    routed.until_sizes((4, 0)).await;
}
