//! Bodies in protobuf, against what Kubernetes' own types make of them (`tests/gofields` records it).

#![allow(clippy::unwrap_used)]

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use sluice_sandbox::protobuf::{self, Kind};

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
