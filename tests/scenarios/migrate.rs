//! From one strategy to the other and back, and away from Sluice.

use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};
use sluice_core::api::{Rollout, labels};

use crate::scenario::{Scenario, Subject, blue_green, canary};

crate::scenarios! {
    a_canary_becomes_blue_green_and_a_canary_again,
    a_canary_in_the_middle_of_its_update_goes_on_as_blue_green,
    a_blue_green_update_goes_on_as_a_canary_and_shows_its_pods_only_as_they_are_due,
    a_deleted_rollout_lets_go_of_its_services,
}

const STEPS: &str = r#"[{ "setWeight": 50 }, { "pause": {} }]"#;

async fn change(web: &Subject, canary: Value, blue_green: Value) {
    web.edit(json!({ "spec": { "strategy": { "canary": canary, "blueGreen": blue_green } } })).await;
}

fn steps() -> Value {
    serde_json::from_str(STEPS).expect("steps")
}

async fn until_free(s: &Scenario, name: &str) {
    s.eventually(&format!("Service {name} is free"), async || {
        let service = s.read("v1", "Service", name).await;
        let managed = service["metadata"]["annotations"].get(labels::MANAGED_BY).is_some();
        let free = service["spec"]["selector"] == json!({ "app": "web" }) && !managed;
        if free { Ok(()) } else { Err(service["spec"]["selector"].to_string()) }
    })
    .await;
}

async fn a_canary_becomes_blue_green_and_a_canary_again(s: Scenario) {
    s.serve(&["active", "stable"]).await;
    let with_services = json!({ "steps": steps(), "stableService": "stable" });
    let web = s.deploy(canary(2, with_services.clone())).await;
    web.until_selected("stable", "web:1").await;
    change(&web, Value::Null, json!({ "activeService": "active", "autoPromotionEnabled": false })).await;
    web.until_selected("active", "web:1").await;
    until_free(&s, "stable").await;
    web.until_healthy().await;
    web.set_image("web:2").await;
    web.until_phase("Paused", "BlueGreenPause").await;
    web.promote().await;
    web.until_healthy().await;
    change(&web, with_services, Value::Null).await;
    web.until_selected("stable", "web:2").await;
    until_free(&s, "active").await;
    web.until_sizes(("web:1", 0), ("web:2", 2)).await;
    let rollout = web.until_healthy().await;
    assert_eq!(rollout.status().blue_green, None);
    assert_eq!(web.replica_sets().await.len(), 2, "no further revision");
}

async fn a_canary_in_the_middle_of_its_update_goes_on_as_blue_green(s: Scenario) {
    s.serve(&["active"]).await;
    let web = s.deploy(canary(2, json!({ "steps": steps(), "stableService": "active" }))).await;
    web.until_selected("active", "web:1").await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    change(&web, Value::Null, json!({ "activeService": "active", "autoPromotionEnabled": false })).await;
    web.until_phase("Paused", "BlueGreenPause").await;
    web.until_sizes(("web:1", 2), ("web:2", 2)).await;
    assert_eq!(web.selected("active").await, "web:1");
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:2");
}

async fn a_blue_green_update_goes_on_as_a_canary_and_shows_its_pods_only_as_they_are_due(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let web = s.deploy(blue_green(2, json!({ "autoPromotionEnabled": false }))).await;
    web.set_image("web:2").await;
    web.until_phase("Paused", "BlueGreenPause").await;
    change(&web, json!({ "steps": steps() }), Value::Null).await;
    s.eventually("the Service is free, and half of the pods are new", async || {
        let service = s.read("v1", "Service", "active").await;
        let new = web.size("web:2").await;
        let free = service["spec"]["selector"].get(labels::POD_TEMPLATE_HASH).is_none();
        assert!(!free || new == 1, "everybody sees {new} new pods");
        if free { Ok(()) } else { Err(format!("it is not, with {new} new pods")) }
    })
    .await;
    web.until_paused_at(1).await;
    web.until_sizes(("web:1", 1), ("web:2", 1)).await;
    web.promote().await;
    web.until_healthy().await;
}

async fn a_deleted_rollout_lets_go_of_its_services(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let web = s.deploy(blue_green(1, json!({}))).await;
    let api: Api<Rollout> = Api::namespaced(s.client(), &s.namespace);
    api.delete(&web.name, &DeleteParams::background()).await.expect("it was there");
    until_free(&s, "active").await;
    until_free(&s, "preview").await;
}
