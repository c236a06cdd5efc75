//! Canaries behind an AWS load balancer, by the annotations of an Ingress.

use serde_json::{Value, json};

use super::plane::{Plane, Routed};
use crate::scenario::Scenario;

crate::scenarios! {
    the_action_of_the_ingress_carries_the_weights_of_the_steps,
    an_abort_takes_the_weight_and_the_header_route_away,
    what_others_write_on_the_ingress_stays,
    an_ingress_leads_to_the_stable_service_alone_when_its_router_is_taken_out,
}

const VERSION: &str = "networking.k8s.io/v1";
const ACTION: &str = "alb.ingress.kubernetes.io/actions.root";
const LISTS: &str = "rollouts.argoproj.io/managed-alb-annotations";

fn path(path: &str, service: &str, port: &Value) -> Value {
    json!({ "path": path, "pathType": "Prefix", "backend": { "service": { "name": service, "port": port } } })
}

/// A path that leads to an action.
fn to_action(name: &str) -> Value {
    path("/", name, &json!({ "name": "use-annotation" }))
}

fn assets() -> Value {
    path("/static", "assets", &json!({ "number": 80 }))
}

fn ingress() -> Value {
    json!({
        "apiVersion": VERSION,
        "kind": "Ingress",
        "metadata": { "name": "edge", "annotations": { "alb.ingress.kubernetes.io/scheme": "internet-facing" } },
        "spec": { "ingressClassName": "alb", "rules": [{ "http": { "paths": [assets(), to_action("root")] } }] },
    })
}

async fn edge(s: &Scenario) -> Value {
    s.read(VERSION, "Ingress", "edge").await
}

async fn annotation(s: &Scenario, key: &str) -> Option<String> {
    edge(s).await["metadata"]["annotations"][key].as_str().map(str::to_owned)
}

struct Alb;

impl Plane for Alb {
    async fn weight(&self, s: &Scenario) -> i64 {
        let action = annotation(s, ACTION).await.unwrap_or_default();
        let action: Value = serde_json::from_str(&action).unwrap_or_default();
        action["ForwardConfig"]["TargetGroups"][0]["Weight"].as_i64().unwrap_or(-1)
    }
}

fn routing() -> Value {
    json!({
        "managedRoutes": [{ "name": "beta" }],
        "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 },
    })
}

async fn deploy(s: &Scenario) -> Routed<Alb> {
    s.serve(&["root"]).await;
    s.create(ingress()).await.expect("an Ingress");
    Routed::deploy(s, Alb, routing()).await
}

/// As other tools compare it, byte for byte.
fn action(canary: i32, stable: i32) -> String {
    format!(
        concat!(
            r#"{{"Type":"forward","ForwardConfig":{{"TargetGroups":["#,
            r#"{{"ServiceName":"canary","ServicePort":"80","Weight":{}}},"#,
            r#"{{"ServiceName":"stable","ServicePort":"80","Weight":{}}}]}}}}"#
        ),
        canary, stable
    )
}

async fn the_action_of_the_ingress_carries_the_weights_of_the_steps(s: Scenario) {
    let routed = deploy(&s).await;
    let spec = edge(&s).await["spec"].clone();
    assert_eq!(annotation(&s, ACTION).await, Some(action(0, 100)));
    routed.update().await;
    assert_eq!(annotation(&s, ACTION).await, Some(action(25, 75)));
    assert_eq!(annotation(&s, LISTS).await, Some(format!(r#"{{"web":["{ACTION}"]}}"#)));
    routed.go_on().await;
    assert_eq!(annotation(&s, ACTION).await, Some(action(75, 25)));
    routed.finish().await;
    assert_eq!(annotation(&s, ACTION).await, Some(action(0, 100)));
    assert_eq!(edge(&s).await["spec"], spec);
}

async fn an_abort_takes_the_weight_and_the_header_route_away(s: Scenario) {
    s.serve(&["root"]).await;
    s.create(ingress()).await.expect("an Ingress");
    let header = json!({ "name": "beta", "match": [{ "headerName": "X-Beta", "headerValue": { "exact": "yes" } }] });
    let steps = json!([{ "setWeight": 25 }, { "setHeaderRoute": header }, { "pause": {} }]);
    let routed = Routed::deploy_with(&s, Alb, routing(), &steps).await;
    routed.web.set_image("web:2").await;
    routed.until_paused_at(2).await;
    let paths = |ingress: &Value| ingress["spec"]["rules"][0]["http"]["paths"].clone();
    assert_eq!(paths(&edge(&s).await), json!([assets(), to_action("beta"), to_action("root")]));
    let conditions = annotation(&s, "alb.ingress.kubernetes.io/conditions.beta").await;
    let expected =
        r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-Beta","values":["yes"]}}]"#.to_owned();
    assert_eq!(conditions, Some(expected));
    assert_eq!(routed.weight().await, 25);
    routed.abort().await;
    let left = edge(&s).await;
    assert_eq!(paths(&left), paths(&ingress()));
    let annotations = left["metadata"]["annotations"].as_object().expect("annotations");
    assert!(annotations.keys().all(|key| !key.contains("beta")), "{annotations:#?}");
}

async fn what_others_write_on_the_ingress_stays(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    let theirs = json!({
        "alb.ingress.kubernetes.io/actions.api": "{}",
        "alb.ingress.kubernetes.io/scheme": "internal",
        (LISTS): json!({ "api": ["alb.ingress.kubernetes.io/actions.api"], "web": [ACTION] }).to_string(),
    });
    let rules = json!([{ "http": { "paths": [to_action("api"), to_action("root")] } }]);
    let edit = json!({ "metadata": { "annotations": theirs }, "spec": { "rules": rules } });
    s.patch(VERSION, "Ingress", "edge", edit).await.expect("patchable");
    routed.go_on().await;
    routed.finish().await;
    let seen = edge(&s).await;
    assert_eq!(seen["spec"]["rules"], rules);
    for (key, value) in theirs.as_object().expect("annotations") {
        assert_eq!(&seen["metadata"]["annotations"][key], value, "{key}");
    }
}

async fn an_ingress_leads_to_the_stable_service_alone_when_its_router_is_taken_out(s: Scenario) {
    let routed = deploy(&s).await;
    routed.update().await;
    routed.take_out().await;
    let left = edge(&s).await;
    let only = concat!(
        r#"{"Type":"forward","ForwardConfig":{"TargetGroups":["#,
        r#"{"ServiceName":"stable","ServicePort":"80","Weight":100}]}}"#
    );
    let annotations = json!({ "alb.ingress.kubernetes.io/scheme": "internet-facing", (ACTION): only });
    assert_eq!(left["metadata"]["annotations"], annotations, "the path leads to it still, and nobody is told more");
}
