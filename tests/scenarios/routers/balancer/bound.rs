//! Blue-green whose active Service has target groups by `TargetGroupBindings`, in virtual time.

use serde_json::{Value, json};

use super::super::Kind;
use super::played::stage;
use super::{Wanted, endpoints};
use crate::scenario::blue_green;

const BINDING: Kind =
    Kind { group: "elbv2.k8s.aws", version: "v1beta1", name: "TargetGroupBinding", plural: "targetgroupbindings" };

fn binding(service: &str) -> Value {
    let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/{service}/1");
    json!({
        "apiVersion": BINDING.api_version(),
        "kind": BINDING.name,
        "metadata": { "name": service },
        "spec": { "targetGroupARN": arn, "targetType": "ip", "serviceRef": { "name": service, "port": 80 } },
    })
}

#[tokio::test(start_paused = true)]
async fn blue_green_keeps_what_was_active_until_the_bound_target_group_has_the_new_pods() {
    let stage = stage("bound").await;
    let s = &stage.s;
    s.install(BINDING).await;
    s.serve(&["active", "preview"]).await;
    s.create(binding("active")).await.expect("a binding");
    let hear = async || {
        let addresses = [("active".to_owned(), endpoints(s, "active").await)].into();
        *stage.aws.now.lock().expect("it") = Wanted { addresses, ..Wanted::default() };
    };
    let web = s.apply(blue_green(2, json!({ "scaleDownDelaySeconds": 1 }))).await;
    s.eventually("healthy", async || {
        hear().await;
        let status = web.status().await;
        let known = status.waiting_on.is_none();
        if known && status.phase == "Healthy" { Ok(()) } else { Err(format!("{status:#?}")) }
    })
    .await;
    let rounds = stage.aws.rounds().len();
    s.sleep(600).await;
    assert_eq!(stage.aws.rounds().len(), rounds, "at rest nobody asks");
    web.set_image("web:2").await;
    web.until_selected("active", "web:2").await;
    s.sleep(300).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 2), "the old pods may still get requests");
    let on = web.status().await.waiting_on.expect("it waits");
    assert_eq!((on.reason.as_str(), on.object.as_deref()), ("Verification", Some("TargetGroup/active")), "{on:?}");
    assert!(on.message.starts_with("AWS has not confirmed yet that it knows where Service active leads: "), "{on:?}");
    s.until_told("TargetGroupUnverified: ").await;
    s.eventually("shrunk", async || {
        hear().await;
        let sizes = web.sizes("web:1", "web:2").await;
        if sizes == (0, 2) { Ok(()) } else { Err(format!("{sizes:?}")) }
    })
    .await;
    s.until_told("TargetGroupVerified: ").await;
}

/// Nothing is bound where the kind is not even there.
#[tokio::test(start_paused = true)]
async fn blue_green_without_bindings_waits_for_nobody() {
    let stage = stage("unbound").await;
    stage.s.serve(&["active", "preview"]).await;
    let web = stage.s.deploy(blue_green(2, json!({ "scaleDownDelaySeconds": 1 }))).await;
    web.set_image("web:2").await;
    web.until_sizes(("web:1", 0), ("web:2", 2)).await;
    web.until_healthy().await;
}
