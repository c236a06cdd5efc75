//! Bodies in protobuf, against what Kubernetes' own types make of them (`tests/gofields` records it).

#![allow(clippy::unwrap_used)]

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_sandbox::Sandbox;
use sluice_sandbox::protobuf::{self, Kind};
use tower_service::Service as _;

#[derive(Deserialize)]
struct Recorded {
    protobuf: String,
    json: Option<Value>,
    #[serde(default)]
    error: String,
}

impl Recorded {
    fn body(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.protobuf).unwrap()
    }
}

fn recorded() -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/protobuf.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn nothing() -> Kind {
    Kind { api_version: String::new(), kind: String::new() }
}

#[test]
fn every_kind_is_read_as_go_reads_it() {
    let mut kinds = std::collections::BTreeSet::new();
    for recorded in recorded() {
        let Some(wanted) = &recorded.json else { continue };
        let read = protobuf::read(&recorded.body(), &nothing());
        let (version, kind) = (&wanted["apiVersion"], &wanted["kind"]);
        assert_eq!(read.as_ref(), Ok(wanted), "{version} {kind}: {}", recorded.protobuf);
        kinds.insert(format!("{version} {kind}"));
    }
    assert!(kinds.len() > 50, "only {kinds:?}");
}

#[test]
fn what_is_broken_is_refused_in_gos_words() {
    let mut seen = 0;
    for recorded in recorded().iter().filter(|recorded| recorded.json.is_none()) {
        let error = protobuf::read(&recorded.body(), &nothing()).map_err(|mistake| mistake.to_string());
        // What can be read and has no form in JSON is refused by Go's encoder, which says where it was called.
        let encoder = recorded.error.split_once("MarshalJSON for type ").and_then(|(_, of)| of.split_once(": "));
        let wanted = encoder.map_or(recorded.error.as_str(), |(_, error)| error);
        assert_eq!(error, Err(wanted.to_owned()), "{}", recorded.protobuf);
        seen += 1;
    }
    assert!(seen > 500, "only {seen} bodies are broken");
}

/// A field that has a length: a message, text or bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend(bytes);
    field
}

fn envelope(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let named = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &named), field(2, object)].concat()
}

/// The metadata of an object with a name.
fn named(name: &str) -> Vec<u8> {
    field(1, &field(1, name.as_bytes()))
}

/// A deployment with a selector, and a template with its label and a container.
fn deployment() -> Vec<u8> {
    let label = [field(1, b"app"), field(2, b"web")].concat();
    let container = [field(1, b"c"), field(2, b"nginx")].concat();
    let template = [field(1, &field(11, &label)), field(2, &field(2, &container))].concat();
    [named("web"), field(2, &[field(2, &field(1, &label)), field(3, &template)].concat())].concat()
}

async fn post(sandbox: &mut Sandbox, path: &str, accept: &str, body: Vec<u8>) -> (u16, Value) {
    let request = http::Request::post(path)
        .header("Content-Type", "application/vnd.kubernetes.protobuf")
        .header("Accept", accept)
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let answer = sandbox.call(request).await.unwrap();
    let code = answer.status().as_u16();
    (code, serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/n/deployments";
/// What client-go accepts.
const EITHER: &str = "application/vnd.kubernetes.protobuf,application/json";

/// A sandbox with a namespace that was made in protobuf.
async fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().unwrap());
    let (code, made) = post(&mut sandbox, "/api/v1/namespaces", EITHER, envelope("v1", "Namespace", &named("n"))).await;
    assert_eq!((code, &made["status"]), (201, &json!({ "phase": "Active" })));
    sandbox
}

#[tokio::test]
async fn namespaces_and_deployments_can_be_made_in_protobuf_and_have_their_defaults() {
    let mut sandbox = sandbox().await;
    let body = envelope("apps/v1", "Deployment", &deployment());
    let (code, made) = post(&mut sandbox, DEPLOYMENTS, EITHER, body).await;
    assert_eq!((code, &made["spec"]["replicas"]), (201, &json!(1)));
    assert_eq!(made["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], "Always");
}

#[tokio::test]
async fn a_cut_body_is_refused_as_by_the_real_server() {
    let mut sandbox = sandbox().await;
    let object = deployment();
    let body = envelope("apps/v1", "Deployment", &object[..object.len() - 1]);
    let (code, answer) = post(&mut sandbox, DEPLOYMENTS, EITHER, body).await;
    let message = r#"Deployment in version "v1" cannot be handled as a Deployment: unexpected EOF"#;
    assert_eq!((code, &answer["message"]), (400, &json!(message)));
}

#[tokio::test]
async fn who_accepts_protobuf_alone_is_told_that_there_is_none() {
    let mut sandbox = sandbox().await;
    let body = envelope("apps/v1", "Deployment", &deployment());
    let (code, answer) = post(&mut sandbox, DEPLOYMENTS, "application/vnd.kubernetes.protobuf", body).await;
    assert_eq!((code, &answer["reason"]), (406, &json!("NotAcceptable")));
}

#[tokio::test]
async fn a_body_beyond_three_mebibytes_is_refused_as_by_the_real_server() {
    let mut sandbox = sandbox().await;
    let (code, answer) = post(&mut sandbox, DEPLOYMENTS, EITHER, vec![0; (3 << 20) + 1]).await;
    assert_eq!((code, &answer["message"]), (413, &json!("Request entity too large: limit is 3145728")));
}

#[test]
fn messages_inside_each_other_have_an_end() {
    let definition = |depth: usize| {
        // Below `properties`, a schema in a schema: `not`, as often as asked.
        let schema = (0..depth).fold(Vec::new(), |schema, _| [&[0xe2, 0x01][..], &field(0, &schema)[1..]].concat());
        let version = field(4, &field(1, &schema));
        let object = [named("d"), field(2, &field(7, &version))].concat();
        protobuf::read(&envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition", &object), &nothing())
    };
    assert!(definition(50).is_ok());
    assert_eq!(definition(100).unwrap_err().to_string(), "more than 60 messages are inside each other");
    assert!(definition(100_000).is_err());
}

#[test]
fn a_short_body_does_not_become_a_huge_object() {
    let containers = field(2, &field(2, &[]).repeat(500_000));
    let error = protobuf::read(&envelope("v1", "Pod", &containers), &nothing()).unwrap_err();
    assert_eq!(error.to_string(), "there are more than 262144 values");
}

proptest::proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
        let _ = protobuf::read(&envelope("v1", "Pod", &bytes), &nothing());
        let _ = protobuf::read(&[b"k8s\0".as_slice(), &bytes].concat(), &nothing());
    }
}
