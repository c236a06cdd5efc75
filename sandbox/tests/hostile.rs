//! What clients may send without harm to anybody else: the sandbox answers, and goes on.

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use sluice_sandbox::{Sandbox, workloads};
use tower_service::Service as _;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn sandbox() -> Sandbox {
    Sandbox::new(jiff::Timestamp::UNIX_EPOCH)
}

async fn send(sandbox: &Sandbox, method: Method, path: &str, body: String) -> (u16, Value) {
    let content_type = match method {
        Method::PATCH if body.starts_with('[') => "application/json-patch+json",
        Method::PATCH => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let request = request.body(Full::<bytes::Bytes>::from(body)).expect("a request");
    let Ok(response) = sandbox.clone().call(request).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

async fn make(sandbox: &Sandbox, path: &str, object: Value) -> Value {
    let (code, made) = send(sandbox, Method::POST, path, object.to_string()).await;
    assert_eq!(code, 201, "{path}: {made}");
    made
}

fn definition(group: &str, plural: &str, kind: &str, spec: Value) -> Value {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let mut version = json!({ "name": "v1", "served": true, "storage": true, "schema": schema });
    if let (Value::Object(version), Value::Object(more)) = (&mut version, spec) {
        version.extend(more);
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"), "annotations": { "api-approved.kubernetes.io": "unapproved" },
        },
        "spec": {
            "group": group, "scope": "Namespaced", "versions": [version],
            "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") },
        },
    })
}

#[tokio::test]
async fn a_body_may_be_nested_and_long_only_so_far() {
    let sandbox = sandbox();
    for body in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert_eq!(send(&sandbox, Method::POST, MAPS, body).await.0, 400);
    }
    let long = json!({ "metadata": { "name": "long" }, "data": { "a": "x".repeat(4 << 20) } });
    assert_eq!(send(&sandbox, Method::POST, MAPS, long.to_string()).await.0, 413);
}

#[tokio::test]
async fn a_patch_may_copy_only_so_much() {
    let sandbox = sandbox();
    let annotations = json!({ "a": "x".repeat(1000) });
    make(&sandbox, MAPS, json!({ "metadata": { "name": "small", "annotations": annotations } })).await;
    let copies: Vec<Value> = (0..40)
        .map(
            |n| json!({ "op": "copy", "from": "/metadata/annotations", "path": format!("/metadata/annotations/n{n}") }),
        )
        .collect();
    let (code, answer) =
        send(&sandbox, Method::PATCH, &format!("{MAPS}/small"), Value::Array(copies).to_string()).await;
    assert_eq!(code, 422);
    assert!(answer["message"].as_str().is_some_and(|why| why.contains("exceeding the limit")), "{answer}");
}

#[tokio::test]
async fn a_watch_may_ask_for_more_time_than_there_is() {
    let sandbox = sandbox();
    make(&sandbox, MAPS, json!({ "metadata": { "name": "seen" } })).await;
    let request = Request::get(format!("{MAPS}?watch=true&timeoutSeconds={}", i64::MAX));
    let Ok(response) = sandbox.clone().call(request.body(Full::<bytes::Bytes>::default()).expect("a request")).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let frame = body.frame().await.expect("an event").expect("no error");
    assert!(frame.into_data().is_ok());
}

#[tokio::test]
async fn a_scale_that_leads_through_a_text_is_refused() {
    let sandbox = sandbox();
    let paths = json!({ "specReplicasPath": ".spec.a.replicas", "statusReplicasPath": ".status.replicas" });
    make(&sandbox, DEFINITIONS, definition("ex.org", "things", "Thing", json!({ "subresources": { "scale": paths } })))
        .await;
    let things = "/apis/ex.org/v1/namespaces/default/things";
    tokio::spawn(workloads::run(sandbox.clone(), Box::new(workloads::node::Lifeless)));
    while send(&sandbox, Method::GET, things, String::new()).await.0 == 404 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let thing =
        json!({ "apiVersion": "ex.org/v1", "kind": "Thing", "metadata": { "name": "t" }, "spec": { "a": "text" } });
    make(&sandbox, things, thing).await;
    let scale = json!({ "spec": { "replicas": 2 } }).to_string();
    let (code, answer) = send(&sandbox, Method::PATCH, &format!("{things}/t/scale"), scale).await;
    assert!(code >= 400, "{answer}");
}

#[tokio::test]
async fn a_definition_cannot_take_the_place_of_what_is_built_in() {
    let sandbox = sandbox();
    let slices = definition("discovery.k8s.io", "endpointslices", "EndpointSlice", json!({}));
    let (_, made) = send(&sandbox, Method::POST, DEFINITIONS, slices.to_string()).await;
    let path = format!("{DEFINITIONS}/endpointslices.discovery.k8s.io");
    let _ = send(&sandbox, Method::DELETE, &path, String::new()).await;
    let built_in = sandbox.with(|state| state.registry.known("endpointslices.discovery.k8s.io"));
    assert!(!built_in.is_custom(), "{made}");
}

#[tokio::test]
async fn a_dry_eviction_evicts_nobody() {
    let sandbox = sandbox();
    let pods = "/api/v1/namespaces/default/pods";
    let spec = json!({ "containers": [{ "name": "a", "image": "a" }] });
    make(&sandbox, pods, json!({ "metadata": { "name": "lone" }, "spec": spec })).await;
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "lone" }, "deleteOptions": { "dryRun": ["All"] },
    });
    let (code, answer) = send(&sandbox, Method::POST, &format!("{pods}/lone/eviction"), eviction.to_string()).await;
    assert_eq!(code, 201, "{answer}");
    assert_eq!(send(&sandbox, Method::GET, &format!("{pods}/lone"), String::new()).await.0, 200);
}

#[tokio::test]
async fn two_services_do_not_get_one_address() {
    let sandbox = sandbox();
    let services = "/api/v1/namespaces/default/services";
    let service = |name: &str| {
        json!({
            "metadata": { "name": name },
            "spec": { "type": "NodePort", "clusterIP": "10.96.7.7", "ports": [{ "port": 80, "nodePort": 30_080 }] },
        })
    };
    make(&sandbox, services, service("one")).await;
    let (code, answer) = send(&sandbox, Method::POST, services, service("two").to_string()).await;
    assert_eq!(code, 422);
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(message.contains("failed to allocate IP 10.96.7.7: provided IP is already allocated"), "{message}");
    let plain = json!({ "metadata": { "name": "plain" }, "spec": { "ports": [{ "port": 80 }] } });
    make(&sandbox, services, plain).await;
    let typed = json!({ "spec": { "type": "NodePort" } }).to_string();
    let (_, changed) = send(&sandbox, Method::PATCH, &format!("{services}/plain"), typed).await;
    assert!(changed["spec"]["ports"][0]["nodePort"].is_i64(), "{changed}");
}
