//! Canaries and blue-green behind an `HTTPRoute`. The scenario is the gateway: it says what it has heard when it is told to.

use serde_json::{Value, json};

use super::Kind;
use crate::scenario::{Scenario, Subject, blue_green, canary, with};

crate::scenarios! {
    the_weights_follow_the_steps_as_the_gateway_hears_of_them,
    an_abort_gives_everything_back_before_the_pods_go,
    a_route_that_is_missing_is_named_until_it_comes,
    somebody_elses_rules_and_labels_stay,
    a_router_that_is_taken_out_of_the_manifest_gives_everything_back,
    a_route_that_loses_its_label_goes_on_until_the_update_is_over,
    requests_with_a_header_go_to_the_canary_and_copies_of_others_too,
    blue_green_waits_for_the_gateway_to_know_the_switch,
    an_experiment_gets_its_share_until_the_gateway_has_taken_it_back,
}

pub const HTTP_ROUTE: Kind =
    Kind { group: "gateway.networking.k8s.io", version: "v1", name: "HTTPRoute", plural: "httproutes" };

fn parent() -> Value {
    json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge" })
}

/// An `HTTPRoute` that leads to these Services.
pub fn route(services: &[&str]) -> Value {
    let backend = |name: &&str| json!({ "group": "", "kind": "Service", "name": name, "port": 80, "weight": 1 });
    let backends: Vec<Value> = services.iter().map(backend).collect();
    json!({
        "apiVersion": HTTP_ROUTE.api_version(),
        "kind": "HTTPRoute",
        "metadata": { "name": "web", "labels": { "team": "shop" } },
        "spec": {
            "parentRefs": [parent()],
            "hostnames": ["shop.example.com"],
            "rules": [
                { "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }], "backendRefs": backends },
                {
                    "matches": [{ "path": { "type": "PathPrefix", "value": "/static" } }],
                    "backendRefs": [{ "group": "", "kind": "Service", "name": "assets", "port": 80, "weight": 7 }],
                },
            ],
        },
    })
}

/// The gateway takes the route up as it is.
pub async fn hear(s: &Scenario) {
    let generation = s.see(HTTP_ROUTE, "web").await["metadata"]["generation"].clone();
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": kind, "message": "",
            "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let conditions = [condition("Accepted"), condition("ResolvedRefs")];
    let entry = json!({ "parentRef": parent(), "controllerName": "example.com/gateway", "conditions": conditions });
    s.report(HTTP_ROUTE, "web", json!({ "parents": [entry] })).await;
}

/// The weights in the first rule.
pub async fn weights(s: &Scenario) -> Vec<i64> {
    let route = s.see(HTTP_ROUTE, "web").await;
    let backends = route["spec"]["rules"][0]["backendRefs"].as_array().cloned().unwrap_or_default();
    backends.iter().map(|backend| backend["weight"].as_i64().unwrap_or(-1)).collect()
}

/// Waits for the weights, while the gateway hears or does not.
pub async fn until_weights(s: &Scenario, wanted: [i64; 2], hearing: bool) {
    s.eventually(&format!("weights {wanted:?}"), async || {
        if hearing {
            hear(s).await;
        }
        let weights = weights(s).await;
        if weights == wanted { Ok(()) } else { Err(format!("{weights:?}")) }
    })
    .await;
}

/// The gateway hears until the Rollout is paused at a step.
pub async fn until_paused_at(s: &Scenario, web: &Subject, step: i32) {
    s.eventually("paused", async || {
        hear(s).await;
        let status = web.status().await;
        let there = status.phase == "Paused" && status.current_step_index == Some(step);
        if there { Ok(()) } else { Err(format!("{status:#?}")) }
    })
    .await;
}

async fn until_healthy(s: &Scenario, web: &Subject) {
    s.eventually("healthy", async || {
        hear(s).await;
        let rollout = web.get().await;
        let seen =
            Some(rollout.status().observed_generation.clone()) == rollout.metadata.generation.map(|g| g.to_string());
        if seen && rollout.status().phase == "Healthy" { Ok(()) } else { Err(format!("{:#?}", rollout.status())) }
    })
    .await;
}

/// The gateway hears until the pods of the canary are gone.
async fn until_without_canary(s: &Scenario, web: &Subject) {
    s.eventually("its pods are gone", async || {
        hear(s).await;
        match web.sizes("web:1", "web:2").await {
            (4, 0) => Ok(()),
            sizes => Err(format!("{sizes:?}")),
        }
    })
    .await;
}

fn manifest(steps: &Value) -> Value {
    canary(
        4,
        json!({
            "canaryService": "canary",
            "stableService": "stable",
            "scaleDownDelaySeconds": 3,
            "abortScaleDownDelaySeconds": 3,
            "trafficRouting": { "plugins": { "argoproj-labs/gatewayAPI": { "httpRoute": "web" } } },
            "steps": steps,
        }),
    )
}

/// Deploys the first version behind the route.
pub async fn deploy(s: &Scenario) -> Subject {
    s.install(HTTP_ROUTE).await;
    s.serve(&["stable", "canary"]).await;
    s.create(route(&["stable", "canary"])).await.expect("a route");
    hear(s).await;
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 75 }, { "pause": {} }]);
    let web = s.apply(manifest(&steps)).await;
    until_healthy(s, &web).await;
    until_weights(s, [100, 0], true).await;
    web
}

async fn the_weights_follow_the_steps_as_the_gateway_hears_of_them(s: Scenario) {
    let web = deploy(&s).await;
    web.set_image("web:2").await;
    until_weights(&s, [75, 25], true).await;
    until_paused_at(&s, &web, 1).await;
    web.promote().await;
    until_weights(&s, [25, 75], false).await;
    let waiting = web.until("waiting for the gateway", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.reason == "Verification")
    });
    let waiting = waiting.await.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.object.as_deref(), Some("HTTPRoute/web"));
    assert_eq!(web.status().await.current_step_index, Some(2), "nobody has heard of it yet");
    until_paused_at(&s, &web, 3).await;
    web.promote().await;
    until_healthy(&s, &web).await;
    until_weights(&s, [100, 0], true).await;
    web.until_selected("stable", "web:2").await;
    web.until_sizes(("web:1", 0), ("web:2", 4)).await;
    s.until_told("TrafficWeightUpdated: Traffic weight updated from 25 to 75").await;
}

async fn an_abort_gives_everything_back_before_the_pods_go(s: Scenario) {
    let web = deploy(&s).await;
    web.set_image("web:2").await;
    until_paused_at(&s, &web, 1).await;
    web.abort().await;
    until_weights(&s, [100, 0], false).await;
    s.sleep(6).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (4, 1), "the gateway may still send requests there");
    until_without_canary(&s, &web).await;
}

async fn a_route_that_is_missing_is_named_until_it_comes(s: Scenario) {
    let web = deploy(&s).await;
    s.delete(&HTTP_ROUTE.api_version(), "HTTPRoute", "web").await;
    web.set_image("web:2").await;
    let words = format!("httproutes.gateway.networking.k8s.io \"web\" not found in namespace {:?}", s.namespace);
    let waiting = web.until("waiting for the route", |rollout| {
        let on = rollout.status().waiting_on.as_ref();
        on.is_some_and(|on| on.reason == "TrafficRouting" && on.message == words)
    });
    let object = waiting.await.status().waiting_on.clone().and_then(|on| on.object);
    assert_eq!(object.as_deref(), Some("HTTPRoute/web"));
    s.until_told(&format!("TrafficRoutingError: HTTPRoute/web: {words}")).await;
    s.create(route(&["stable", "canary"])).await.expect("a route");
    until_paused_at(&s, &web, 1).await;
}

async fn somebody_elses_rules_and_labels_stay(s: Scenario) {
    let web = deploy(&s).await;
    web.set_image("web:2").await;
    until_paused_at(&s, &web, 1).await;
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "hostnames": ["other.example.com"] } });
    s.patch(&HTTP_ROUTE.api_version(), "HTTPRoute", "web", edit).await.expect("patchable");
    web.promote().await;
    until_paused_at(&s, &web, 3).await;
    let seen = s.see(HTTP_ROUTE, "web").await;
    assert_eq!(
        (&seen["metadata"]["labels"]["owner"], &seen["metadata"]["labels"]["team"]),
        (&json!("me"), &json!("shop"))
    );
    assert_eq!(seen["spec"]["hostnames"], json!(["other.example.com"]));
    assert_eq!(seen["spec"]["rules"][1], route(&[])["spec"]["rules"][1]);
}

async fn a_router_that_is_taken_out_of_the_manifest_gives_everything_back(s: Scenario) {
    let web = deploy(&s).await;
    web.set_image("web:2").await;
    until_paused_at(&s, &web, 1).await;
    let delays = json!({ "trafficRouting": null, "scaleDownDelaySeconds": null, "abortScaleDownDelaySeconds": null });
    web.edit(json!({ "spec": { "strategy": { "canary": delays } } })).await;
    until_weights(&s, [100, 0], true).await;
    s.eventually("nothing is left", async || {
        let (rollout, route) = (web.get().await, s.see(HTTP_ROUTE, "web").await);
        let left = rollout.metadata.annotations.unwrap_or_default().contains_key("rollout.argoproj.io/routes-by");
        let clean = route["metadata"]["labels"] == json!({ "team": "shop" });
        if clean && !left { Ok(()) } else { Err(route.to_string()) }
    })
    .await;
}

async fn a_route_that_loses_its_label_goes_on_until_the_update_is_over(s: Scenario) {
    s.install(HTTP_ROUTE).await;
    s.serve(&["stable", "canary"]).await;
    let old = with(route(&["stable", "canary"]), "/metadata/name", json!("old"));
    for route in [route(&["stable", "canary"]), old] {
        s.create(route).await.expect("a route");
    }
    let selector = json!({ "httpRouteSelector": { "matchLabels": { "team": "shop" } } });
    let plugins = json!({ "argoproj-labs/gatewayAPI": selector });
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 75 }, { "pause": {} }]);
    let web = s.apply(with(manifest(&steps), "/spec/strategy/canary/trafficRouting/plugins", plugins)).await;
    until_healthy(&s, &web).await;
    web.set_image("web:2").await;
    until_paused_at(&s, &web, 1).await;
    let unlabelled = json!({ "metadata": { "labels": { "team": null } } });
    s.patch(&HTTP_ROUTE.api_version(), "HTTPRoute", "old", unlabelled).await.expect("patchable");
    web.promote().await;
    until_paused_at(&s, &web, 3).await;
    let weights = |route: &Value| {
        let backends = &route["spec"]["rules"][0]["backendRefs"];
        [0, 1].map(|index| backends[index]["weight"].as_i64().unwrap_or(-1))
    };
    assert_eq!(weights(&s.see(HTTP_ROUTE, "old").await), [25, 75], "it may still get requests");
    web.abort().await;
    s.eventually("it is given back and let go", async || {
        hear(&s).await;
        let old = s.see(HTTP_ROUTE, "old").await;
        let metadata = |map: &str| old["metadata"][map].as_object().is_none_or(serde_json::Map::is_empty);
        let is_free = weights(&old) == [100, 0] && metadata("annotations") && metadata("labels");
        if is_free { Ok(()) } else { Err(old.to_string()) }
    })
    .await;
    until_without_canary(&s, &web).await;
}

/// The API server fills in what the rules leave out, and nothing is written again because of that.
async fn requests_with_a_header_go_to_the_canary_and_copies_of_others_too(s: Scenario) {
    s.install(HTTP_ROUTE).await;
    s.serve(&["stable", "canary"]).await;
    s.create(route(&["stable", "canary"])).await.expect("a route");
    hear(&s).await;
    let header = json!({ "name": "beta", "match": [{ "headerName": "x-beta", "headerValue": { "exact": "1" } }] });
    let path = json!({ "path": { "prefix": "/shop" } });
    let mirror = json!({ "name": "shadow", "percentage": 10, "match": [path] });
    let steps =
        json!([{ "setWeight": 25 }, { "setHeaderRoute": header }, { "setMirrorRoute": mirror }, { "pause": {} }]);
    let routes = json!([{ "name": "beta" }, { "name": "shadow" }]);
    let manifest = manifest(&steps);
    let web = s.apply(with(manifest, "/spec/strategy/canary/trafficRouting/managedRoutes", routes)).await;
    until_healthy(&s, &web).await;
    let before = s.see(HTTP_ROUTE, "web").await["spec"].clone();
    web.set_image("web:2").await;
    until_paused_at(&s, &web, 3).await;
    let rules = s.see(HTTP_ROUTE, "web").await["spec"]["rules"].clone();
    let names: Vec<&str> = rules.as_array().into_iter().flatten().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(names, ["beta", "shadow"], "{rules:#}");
    let (beta, shadow) = (&rules[0], &rules[1]);
    assert_eq!(beta["matches"][0]["headers"][0]["name"], "x-beta");
    assert_eq!(beta["backendRefs"].as_array().map(Vec::len), Some(1));
    assert_eq!(beta["backendRefs"][0]["name"], "canary");
    assert_eq!(shadow["matches"][0]["path"], json!({ "type": "PathPrefix", "value": "/shop" }));
    let copies = &shadow["filters"][0]["requestMirror"];
    assert_eq!((&copies["backendRef"]["name"], &copies["percent"]), (&json!("canary"), &json!(10)));
    s.until_quiet().await;
    web.abort().await;
    until_weights(&s, [100, 0], true).await;
    s.eventually("the rules are gone", async || {
        hear(&s).await;
        let spec = s.see(HTTP_ROUTE, "web").await["spec"].clone();
        if spec == before { Ok(()) } else { Err(spec.to_string()) }
    })
    .await;
}

async fn blue_green_waits_for_the_gateway_to_know_the_switch(s: Scenario) {
    s.install(HTTP_ROUTE).await;
    s.serve(&["active", "preview"]).await;
    s.create(route(&["active"])).await.expect("a route");
    hear(&s).await;
    let strategy = json!({ "scaleDownDelaySeconds": 1, "trafficRouting": { "gatewayAPI": { "httpRoute": "web" } } });
    let web = s.apply(with(blue_green(2, strategy), "/spec/revisionHistoryLimit", json!(3))).await;
    until_healthy(&s, &web).await;
    web.set_image("web:2").await;
    web.until_selected("active", "web:2").await;
    let words = "its gateway has not confirmed yet that it knows where Service active leads";
    web.until("waiting for the gateway", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.message == words)
    })
    .await;
    s.sleep(5).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 2), "requests may still come to the old version");
    s.eventually("the old version is gone", async || {
        hear(&s).await;
        match web.sizes("web:1", "web:2").await {
            (0, 2) => Ok(()),
            sizes => Err(format!("{sizes:?}")),
        }
    })
    .await;
    s.eventually("the weight is the manifest's", async || {
        hear(&s).await;
        let weights = weights(&s).await;
        if weights == [1] { Ok(()) } else { Err(format!("{weights:?}")) }
    })
    .await;
}

/// The scale-down delay is none: what keeps the pods is that the gateway has not heard.
async fn an_experiment_gets_its_share_until_the_gateway_has_taken_it_back(s: Scenario) {
    let templates = json!([{ "name": "canary", "specRef": "canary", "weight": 10 }]);
    let experiment = json!({ "duration": "6s", "scaleDownDelaySeconds": 0, "templates": templates });
    let steps = json!([{ "setWeight": 20 }, { "experiment": experiment }, { "pause": {} }]);
    let ports = json!([{ "containerPort": 80 }]);
    s.install(HTTP_ROUTE).await;
    s.serve(&["canary", "stable"]).await;
    s.create(route(&["stable", "canary"])).await.expect("an HTTPRoute");
    let web = s.apply(with(manifest(&steps), "/spec/template/spec/containers/0/ports", ports.clone())).await;
    until_healthy(&s, &web).await;
    let container = json!({ "name": "web", "image": "web:2", "ports": ports });
    web.edit(json!({ "spec": { "template": { "spec": { "containers": [container] } } } })).await;
    let all = async || {
        let mut weights = weights(&s).await;
        weights.sort_unstable();
        weights
    };
    s.eventually("the experiment has its share", async || {
        hear(&s).await;
        match all().await {
            weights if weights == [10, 20, 70] => Ok(()),
            weights => Err(format!("{weights:?}")),
        }
    })
    .await;
    // Deaf from here on.
    s.eventually("the share is to go back", async || match all().await {
        weights if weights == [20, 80] => Ok(()),
        weights => Err(format!("{weights:?}")),
    })
    .await;
    s.sleep(3).await;
    let pods = async || s.tried().await.iter().map(|(_, wanted, _)| *wanted).sum::<i32>();
    assert_eq!(pods().await, 1, "requests may still go there");
    until_paused_at(&s, &web, 2).await;
    s.eventually("its pods are gone", async || {
        hear(&s).await;
        match pods().await {
            0 => Ok(()),
            pods => Err(format!("{pods} pods")),
        }
    })
    .await;
}
