//! Canaries by a `TrafficSplit` of the Service Mesh Interface, in whichever version the cluster has.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Kind;
use super::plane::{Plane, Routed};
use crate::sandboxed::Sandboxed;
use crate::scenario::Scenario;

crate::scenarios! {
    a_traffic_split_is_made_and_has_the_weights_of_the_steps,
    an_abort_gives_the_traffic_split_back,
    what_others_write_into_a_traffic_split_stays_and_one_that_is_deleted_comes_again,
    the_traffic_split_goes_when_its_router_is_taken_out,
    a_traffic_split_of_somebody_else_in_the_way_is_named_and_left_alone,
}

const SPLIT: Kind =
    Kind { group: "split.smi-spec.io", version: "v1alpha3", name: "TrafficSplit", plural: "trafficsplits" };

/// The version that the cluster has.
async fn served(s: &Scenario) -> String {
    let name = format!("{}.{}", SPLIT.plural, SPLIT.group);
    let definition = s.definitions().get(&name).await.expect("the definition");
    let versions = definition.data["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let served = versions.iter().find(|version| version["served"] == true).expect("a version that is served");
    format!("{}/{}", SPLIT.group, served["name"].as_str().expect("a name"))
}

async fn split(s: &Scenario) -> Option<Value> {
    s.find(&served(s).await, "TrafficSplit", "web").await
}

async fn until_split(s: &Scenario) -> Value {
    s.eventually("there is a TrafficSplit", async || split(s).await.ok_or_else(String::new)).await
}

struct Smi;

impl Plane for Smi {
    /// Requests go where the root Service leads, as long as there is nothing to divide them.
    async fn weight(&self, s: &Scenario) -> i64 {
        let Some(split) = split(s).await else { return 0 };
        let weight = |index: usize| match &split["spec"]["backends"][index]["weight"] {
            Value::String(quantity) => quantity.parse().unwrap_or(-1),
            number => number.as_i64().unwrap_or(-1),
        };
        if weight(0) + weight(1) == 100 { weight(0) } else { -1 }
    }
}

fn routing() -> Value {
    json!({ "smi": { "rootService": "root" } })
}

async fn deploy(s: &Scenario) -> Routed<Smi> {
    s.install_split(SPLIT).await;
    s.serve(&["root"]).await;
    let routed = Routed::deploy(s, Smi, routing()).await;
    until_split(s).await;
    routed
}

impl Scenario {
    /// Installs the kind in one version, unless the cluster has another one.
    async fn install_split(&self, kind: Kind) {
        self.define(kind.definition()).await;
        let version = served(self).await;
        self.eventually("the kind is served", async || {
            let listed = self.objects(&version, kind.name).list(&kube::api::ListParams::default()).await;
            listed.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }
}

fn backends(canary: &Value, stable: &Value) -> Value {
    json!([{ "service": "canary", "weight": canary }, { "service": "stable", "weight": stable }])
}

async fn a_traffic_split_is_made_and_has_the_weights_of_the_steps(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let split = until_split(&s).await;
    assert_eq!(split["spec"], json!({ "service": "root", "backends": backends(&json!(25), &json!(75)) }));
    let owner = &split["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"], &owner["controller"]),
        (&json!("Rollout"), &json!("web"), &json!(true))
    );
    routed.until_quiet().await;
    routed.go_on().await;
    routed.finish().await;
}

async fn an_abort_gives_the_traffic_split_back(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.go_on().await;
    routed.abort().await;
    assert_eq!(until_split(&s).await["spec"]["backends"], backends(&json!(0), &json!(100)));
}

async fn what_others_write_into_a_traffic_split_stays_and_one_that_is_deleted_comes_again(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let matches = json!([{ "kind": "HTTPRouteGroup", "name": "pages" }]);
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "matches": matches } });
    s.patch(&served(&s).await, "TrafficSplit", "web", edit).await.expect("patchable");
    routed.go_on().await;
    let split = until_split(&s).await;
    assert_eq!((&split["metadata"]["labels"]["owner"], &split["spec"]["matches"]), (&json!("me"), &matches));
    s.delete(&served(&s).await, "TrafficSplit", "web").await;
    assert_ne!(until_split(&s).await["metadata"]["uid"], split["metadata"]["uid"]);
    routed.until_weight(75).await;
    routed.finish().await;
}

async fn the_traffic_split_goes_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.take_out().await;
    routed.until_gone(&served(&s).await, "TrafficSplit", "web").await;
}

async fn a_traffic_split_of_somebody_else_in_the_way_is_named_and_left_alone(s: Scenario) {
    s.install_split(SPLIT).await;
    s.serve(&["root"]).await;
    let theirs = json!({
        "apiVersion": served(&s).await,
        "kind": "TrafficSplit",
        "metadata": { "name": "web" },
        "spec": { "service": "root", "backends": [{ "service": "news", "weight": 1 }] },
    });
    let theirs = s.create(theirs).await.expect("a TrafficSplit");
    let routed = Routed::apply(&s, Smi, routing()).await;
    routed.until_waiting("TrafficRouting", "TrafficSplit/web", "Rollout does not own TrafficSplit `web`").await;
    assert_eq!(until_split(&s).await, theirs);
    s.delete(&served(&s).await, "TrafficSplit", "web").await;
    routed.until_healthy().await;
    routed.update().await;
}

/// One cluster has one version, so that only the sandbox can have each.
#[tokio::test(start_paused = true)]
async fn a_traffic_split_speaks_in_the_version_that_the_cluster_has() {
    for (version, weights) in [
        ("v1alpha1", [json!("25"), json!("75")]),
        ("v1alpha2", [json!(25), json!(75)]),
        ("v1alpha3", [json!(25), json!(75)]),
        ("v1alpha4", [json!(25), json!(75)]),
    ] {
        let s = Scenario::begin(Arc::new(Sandboxed::start().await), version).await;
        s.install_split(Kind { version, ..SPLIT }).await;
        s.serve(&["root"]).await;
        let routed = Routed::deploy(&s, Smi, routing()).await;
        routed.update().await;
        let split = until_split(&s).await;
        assert_eq!(split["apiVersion"], format!("split.smi-spec.io/{version}"));
        assert_eq!(split["spec"]["backends"], backends(&weights[0], &weights[1]), "{version}");
        routed.go_on().await;
        routed.finish().await;
    }
}
