//! Objects within objects: what the real server wants of an `apiVersion` and a `kind` down there.

use serde_json::{Map, Value};

use super::path::Path;
use crate::refusal::Cause;

const NO_LABEL: &str = "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case \
                        alphanumeric characters or '-', start with an alphabetic character, and end with an \
                        alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
                        '[a-z]([-a-z0-9]*[a-z0-9])?')";

pub(super) fn check(object: &Map<String, Value>, path: &Path, causes: &mut Vec<Cause>) {
    match object.get("apiVersion").and_then(Value::as_str) {
        None | Some("") => causes.push(Cause::required(path.child("apiVersion"), "")),
        Some(version) if version.matches('/').count() > 1 => {
            let detail = format!("unexpected GroupVersion string: {version}");
            causes.push(Cause::invalid(path.child("apiVersion"), &version.into(), &detail));
        }
        Some(_) => {}
    }
    match object.get("kind").and_then(Value::as_str) {
        None | Some("") => causes.push(Cause::required(path.child("kind"), "")),
        Some(kind) if !is_label(kind) => {
            causes.push(Cause::invalid(path.child("kind"), &kind.into(), NO_LABEL));
        }
        Some(_) => {}
    }
}

fn is_label(kind: &str) -> bool {
    kind.len() <= 63
        && kind.starts_with(|first: char| first.is_ascii_alphabetic())
        && kind.ends_with(|last: char| last.is_ascii_alphanumeric())
        && kind.chars().all(|each| each.is_ascii_alphanumeric() || each == '-')
}
