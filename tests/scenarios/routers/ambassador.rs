//! Canaries behind Ambassador, by a copy of the Mapping.

use serde_json::{Value, json};

use super::Kind;
use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    a_copy_of_the_mapping_has_the_weights_of_the_steps_and_goes_at_the_end,
    an_abort_takes_the_copy_of_the_mapping_away,
    a_copy_follows_its_mapping_and_keeps_what_others_write_on_it,
    the_copy_goes_when_its_router_is_taken_out,
}

const MAPPING: Kind = Kind { group: "getambassador.io", version: "v3alpha1", name: "Mapping", plural: "mappings" };
const COPY: &str = "web-canary";

fn mapping() -> Value {
    json!({
        "apiVersion": MAPPING.api_version(),
        "kind": "Mapping",
        "metadata": { "name": "web" },
        "spec": { "hostname": "shop.example.com", "prefix": "/", "service": "https://stable:443", "timeout_ms": 3000 },
    })
}

struct Ambassador;

impl Plane for Ambassador {
    /// Nothing goes to a canary without a copy.
    async fn weight(&self, s: &Scenario) -> i64 {
        let Some(copy) = s.find(&MAPPING.api_version(), "Mapping", COPY).await else { return 0 };
        copy["spec"]["weight"].as_i64().unwrap_or(-1)
    }
}

async fn deploy(s: &Scenario) -> Routed<Ambassador> {
    s.install_all(include_str!("crds/ambassador.yaml"), &[MAPPING]).await;
    s.create(mapping()).await.expect("a Mapping");
    Routed::deploy(s, Ambassador, json!({ "ambassador": { "mappings": ["web"] } })).await
}

async fn until_gone(routed: &Routed<Ambassador>) {
    routed.until_gone(&MAPPING.api_version(), "Mapping", COPY).await;
}

async fn a_copy_of_the_mapping_has_the_weights_of_the_steps_and_goes_at_the_end(s: Scenario) {
    let routed = deploy(&s).await;
    let before = s.see(MAPPING, "web").await;
    until_gone(&routed).await;
    routed.update().await;
    let copy = s.see(MAPPING, COPY).await;
    let mut spec = mapping()["spec"].clone();
    (spec["service"], spec["weight"]) = (json!("https://canary:443"), json!(25));
    assert_eq!(copy["spec"], spec);
    let owner = &copy["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["kind"], &owner["name"]), (&json!("Rollout"), &json!("web")));
    routed.until_quiet().await;
    routed.go_on().await;
    routed.finish().await;
    until_gone(&routed).await;
    assert_eq!(s.see(MAPPING, "web").await, before, "it is never written");
}

async fn an_abort_takes_the_copy_of_the_mapping_away(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.abort().await;
    until_gone(&routed).await;
    assert_eq!(s.see(MAPPING, "web").await["spec"], mapping()["spec"]);
}

async fn a_copy_follows_its_mapping_and_keeps_what_others_write_on_it(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let note = json!({ "metadata": { "labels": { "team": "shop" } } });
    s.patch(&MAPPING.api_version(), "Mapping", COPY, note).await.expect("patchable");
    let edit = json!({ "spec": { "timeout_ms": 500, "prefix": "/shop/" } });
    s.patch(&MAPPING.api_version(), "Mapping", "web", edit).await.expect("patchable");
    routed.go_on().await;
    s.eventually("the copy follows", async || {
        let copy = s.see(MAPPING, COPY).await;
        let same = copy["spec"]["timeout_ms"] == 500 && copy["spec"]["prefix"] == "/shop/";
        if same { Ok(()) } else { Err(copy["spec"].to_string()) }
    })
    .await;
    assert_eq!(s.see(MAPPING, COPY).await["metadata"]["labels"]["team"], "shop");
}

async fn the_copy_goes_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.take_out().await;
    until_gone(&routed).await;
    assert_eq!(s.see(MAPPING, "web").await["spec"], mapping()["spec"]);
}
