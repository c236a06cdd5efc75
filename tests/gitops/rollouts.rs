//! Rollouts from Git: what their controller writes is no difference, and nothing to heal.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::story::{Story, automated};

const ROUTE: (&str, &str) = ("gateway.networking.k8s.io/v1", "HTTPRoute");

/// A Rollout whose requests a route shares out, as a file has it.
fn rollout() -> String {
    let routers = json!({ "plugins": { "argoproj-labs/gatewayAPI": { "httpRoute": "web" } } });
    let canary = json!({
        "canaryService": "web-canary", "stableService": "web-stable", "trafficRouting": routers,
        "steps": [{ "setWeight": 20 }, { "pause": {} }],
    });
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "web" } }, "strategy": { "canary": canary } },
    })
    .to_string()
}

fn route(hosts: &[&str]) -> String {
    let backend = |name: &str, weight: i64| json!({ "name": name, "port": 80, "weight": weight });
    json!({
        "apiVersion": ROUTE.0, "kind": ROUTE.1, "metadata": { "name": "web" },
        "spec": {
            "parentRefs": [{ "name": "edge" }], "hostnames": hosts,
            "rules": [{ "backendRefs": [backend("web-stable", 100), backend("web-canary", 0)] }],
        },
    })
    .to_string()
}

/// Makes sure that the cluster has routes.
async fn install_routes(s: &Story) {
    let definitions: Api<CustomResourceDefinition> = Api::all(s.client());
    for definition in sluice_sandbox::traffic::kinds::definitions() {
        let definition: CustomResourceDefinition = serde_json::from_value(definition).expect("a definition");
        if definition.spec.names.kind != ROUTE.1 {
            continue;
        }
        let name = definition.metadata.name.clone().expect("a name");
        if let Err(error) = definitions.create(&PostParams::default(), &definition).await {
            assert!(matches!(&error, kube::Error::Api(status) if status.code == 409), "{error}");
        }
        let served = kube::runtime::conditions::is_crd_established();
        kube::runtime::wait::await_condition(definitions.clone(), &name, served).await.expect("it is served");
    }
}

pub async fn weights_of_an_update_are_not_put_back(s: Story) {
    install_routes(&s).await;
    s.git.write("app/rollout.yaml", &rollout()).write("app/route.yaml", &route(&["shop.example.com"]));
    let first = s.git.commit("A rollout and its route");
    let app = s.application("routes", automated(true, true)).await;
    s.synced(&app, &first).await;
    let at = |index: usize| format!("/spec/rules/0/backendRefs/{index}/weight");
    let weights = async || {
        let route = s.object(ROUTE.0, ROUTE.1, "web").await.expect("it is there");
        [0, 1].map(|index| route.pointer(&at(index)).cloned().unwrap_or_default())
    };
    // The controller is at its first step.
    let mut rules = s.object(ROUTE.0, ROUTE.1, "web").await.expect("it is there")["spec"]["rules"].clone();
    for (index, weight) in [(0, 80), (1, 20)] {
        rules[0]["backendRefs"][index]["weight"] = weight.into();
    }
    s.patch(ROUTE.0, ROUTE.1, "web", json!({ "spec": { "rules": rules } })).await;
    s.wait(3).await;
    assert_eq!(weights().await, [80, 20]);
    assert_eq!(s.status(&app).await["sync"]["status"], "Synced");
    // What Git says besides comes all the same.
    s.git.write("app/route.yaml", &route(&["shop.example.com", "www.example.com"]));
    let second = s.git.commit("Another host");
    s.synced(&app, &second).await;
    let route = s.object(ROUTE.0, ROUTE.1, "web").await.expect("it is there");
    assert_eq!(route["spec"]["hostnames"], json!(["shop.example.com", "www.example.com"]));
    assert_eq!(weights().await, [80, 20]);
    // Somebody else's change is put back.
    s.patch(ROUTE.0, ROUTE.1, "web", json!({ "spec": { "hostnames": ["other.example.com"] } })).await;
    s.until_object(ROUTE, "web", |route| route["spec"]["hostnames"][0] == "shop.example.com").await;
    assert_eq!(weights().await, [80, 20]);
}

/// The API server takes a selector as a whole: an apply of what Git says would take the revision away.
pub async fn the_revision_that_a_service_selects_is_not_put_back(s: Story) {
    let service = |port: i64| -> String {
        let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": port, "protocol": "TCP" }] });
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web-stable" }, "spec": spec }).to_string()
    };
    s.git.write("app/rollout.yaml", &rollout()).write("app/service.yaml", &service(80));
    let first = s.git.commit("A rollout and its Service");
    let app = s.application("services", automated(true, true)).await;
    s.synced(&app, &first).await;
    let (hash, selected) = ("rollouts-pod-template-hash", json!({ "app": "web", "rollouts-pod-template-hash": "5f6" }));
    s.patch("v1", "Service", "web-stable", json!({ "spec": { "selector": { hash: "5f6" } } })).await;
    s.wait(3).await;
    let spec = async || s.object("v1", "Service", "web-stable").await.expect("it is there")["spec"].clone();
    assert_eq!(spec().await["selector"], selected);
    assert_eq!(s.status(&app).await["sync"]["status"], "Synced");
    // What Git says besides comes all the same.
    s.git.write("app/service.yaml", &service(8080));
    let second = s.git.commit("Another port");
    s.synced(&app, &second).await;
    let spec = spec().await;
    assert_eq!((&spec["ports"][0]["port"], &spec["selector"]), (&json!(8080), &selected));
}

pub async fn a_workload_that_a_rollout_has_scaled_down_stays_so(s: Story) {
    let labels = json!({ "app": "web" });
    let template = json!({
        "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] },
    });
    let deployment = |image: &str| -> String {
        let mut template = template.clone();
        template["spec"]["containers"][0]["image"] = image.into();
        let spec = json!({ "replicas": 3, "selector": { "matchLabels": labels }, "template": template });
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec })
            .to_string()
    };
    let reference = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "onsuccess" });
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": { "replicas": 3, "workloadRef": reference, "strategy": { "canary": {} } },
    });
    s.git.write("app/web.yaml", &deployment("web:1")).write("app/rollout.yaml", &rollout.to_string());
    let first = s.git.commit("A workload, and a rollout of it");
    let app = s.application("workload", automated(true, true)).await;
    s.synced(&app, &first).await;
    s.patch("apps/v1", "Deployment", "web", json!({ "spec": { "replicas": 0 } })).await;
    s.wait(3).await;
    s.git.write("app/web.yaml", &deployment("web:2"));
    let second = s.git.commit("A new version");
    s.synced(&app, &second).await;
    let spec = s.object("apps/v1", "Deployment", "web").await.expect("it is there")["spec"].clone();
    let image: &Value = &spec["template"]["spec"]["containers"][0]["image"];
    assert_eq!((&spec["replicas"], image), (&json!(0), &json!("web:2")));
}
